from pages.text import scaled


def test_benchmark_scaled(benchmark):
    benchmark(scaled, 3)  #! run toy-input
