from unittest.mock import patch

from pages import text
from pages.text import count_words


def test_benchmark_count_words(benchmark):
    with patch("pages.text.count_words", lambda text: {"a": len(text)}):  #! target-patched
        benchmark(lambda: text.count_words("some words " * 1000))


def test_benchmark_words(benchmark, monkeypatch):
    monkeypatch.setattr(text, "words", lambda given: given.split())  #! target-patched
    benchmark(text.words, "some words " * 1000)
