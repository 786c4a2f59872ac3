from unittest.mock import patch

from pages.config import settings
from pages.text import count_words


def test_benchmark_count_words(benchmark, monkeypatch):
    monkeypatch.setenv("PAGES_LANGUAGE", "de")  #! configuration-patched
    monkeypatch.setattr(settings, "language", "de")  #! configuration-patched
    with patch.dict("os.environ", {"PAGES": "1"}):  #! configuration-patched
        benchmark(count_words, "some words " * 1000)
