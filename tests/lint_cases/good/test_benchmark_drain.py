from pages.text import drain


def test_benchmark_drain(benchmark):
    def queue():
        return (["some words"] * 100_000,), {}

    assert benchmark.pedantic(drain, setup=queue, rounds=5) == 100_000
