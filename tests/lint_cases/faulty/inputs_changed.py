from pages.text import count_words, drain


def test_benchmark_drain(benchmark):
    queue = ["some words"] * 10_000
    benchmark(drain, queue)  #! run inputs-changed


def test_benchmark_count_words(benchmark):
    texts = ["some words " * 100]

    def run():
        texts.append("more words " * 100)  #! inputs-changed
        return count_words(texts[-1])

    benchmark(run)
