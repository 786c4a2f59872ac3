from pages.text import words

CACHE = {}
TEXT = "some words " * 5_000


def test_benchmark_words(benchmark):
    def run():
        CACHE.pop("words", None)
        return words(TEXT)

    assert len(benchmark(run)) == 10_000
