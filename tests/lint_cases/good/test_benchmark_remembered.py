from pages.remembering import remembered


def test_benchmark_remembered(benchmark):
    class Page:
        def __init__(self):
            self.memory = {}

        @remembered
        def size(self):
            return 42

    page = Page()
    memory = page.memory

    def run():
        for _ in range(100):
            memory.pop("size", None)
            page.size

    benchmark(run)
