from pages.text import count_words, words

TEXT = "some words " * 1000


def test_benchmark_words(benchmark):
    def both():
        words(TEXT)
        return count_words(TEXT)  #! several-functions

    benchmark(both)
