import copy
import random

from pages.text import count_words, words

TEXT = ["some words"] * 1000


def test_benchmark_words(benchmark):
    benchmark(lambda: words(" ".join(random.choices(TEXT, k=1000))))  #! setup-measured


def test_benchmark_count_words(benchmark):
    @benchmark
    def run():
        text = " ".join(copy.deepcopy(TEXT))  #! setup-measured
        return count_words(text)


def test_benchmark_count_words_slowly(benchmark):
    def run():
        total = 0
        for number in range(300_000):
            total += number
        return count_words("some words " * 10), total

    benchmark(run)  #! run setup-measured
