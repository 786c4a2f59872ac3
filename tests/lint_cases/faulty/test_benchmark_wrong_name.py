from pages.text import count_words


def test_benchmark_speed(benchmark):  #! wrong-name
    benchmark(count_words, "some words " * 1000)
