from pages.decoder import Index


def test_benchmark_find(benchmark):
    words = [f"word{number}" for number in range(10_000)]
    benchmark(Index(words).find, " ".join(words))
