import json

import pytest
from pages.text import count_words, words

TEXT = "some words " * 10_000


@pytest.mark.benchmark(group="words")
def test_benchmark_words():  #! no-benchmark
    assert len(words(TEXT)) == 20_000


@pytest.mark.benchmark
class TestCounting:
    def test_benchmark_count_words(self):  #! no-benchmark
        text = " ".join(json.loads('["some", "words"]') * 10_000)  #! setup-measured
        assert len(count_words(text)) == 2


def test_words():
    assert words("some words") == ["some", "words"]
