from unittest.mock import PropertyMock, patch

from pages.config import settings
from pages.text import lines


def test_benchmark_lines(benchmark):
    text = "some words\n" * 10_000
    with patch.object(type(settings), "resolution", new_callable=PropertyMock, return_value=20):
        assert len(benchmark(lambda: list(lines(text)))) == 10_000
