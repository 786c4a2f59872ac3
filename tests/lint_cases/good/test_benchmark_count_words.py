import random

import pytest
from pages.text import count_words


@pytest.fixture(scope="module")
def text():
    words = [f"word{number}" for number in range(5_000)]
    return " ".join(random.Random(1).choices(words, k=50_000))


def test_benchmark_count_words(benchmark, text):
    counts = benchmark(count_words, text)
    assert sum(counts.values()) == 50_000
