import pages.text
from pages.text import count_words


def test_benchmark_count_words(benchmark, monkeypatch):
    monkeypatch.setattr("pages.text.words", lambda text: text.split())  #! mock-not-at-boundary
    benchmark(count_words, "some words " * 1000)


def test_benchmark_count_words_again(benchmark):
    pages.text.words = str.split  #! mock-not-at-boundary
    benchmark(count_words, "some words " * 1000)
