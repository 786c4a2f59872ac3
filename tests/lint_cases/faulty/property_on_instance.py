from unittest.mock import PropertyMock, patch

from pages.config import settings
from pages.text import count_words


def test_benchmark_count_words(benchmark):
    with patch.object(settings, "resolution", new_callable=PropertyMock, return_value=20):  #! property-on-instance
        benchmark(count_words, "some words " * 1000)
