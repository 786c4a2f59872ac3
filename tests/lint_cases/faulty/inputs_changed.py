import functools

from pages.decoder import Decoder, LockedDecoder, Reader
from pages.text import count_words, drain


def test_benchmark_drain(benchmark):
    queue = ["some words"] * 10_000
    benchmark(drain, queue)  #! run inputs-changed


def test_benchmark_count_words(benchmark):
    texts = ["some words " * 100]

    def run():
        texts.append("more words " * 100)  #! inputs-changed
        return count_words(texts[-1])

    benchmark(run)


def test_benchmark_feed(benchmark):
    decoder = Decoder()
    benchmark(decoder.feed, b"some\nwords\n" * 10)  #! run inputs-changed


def test_benchmark_locked_feed(benchmark):
    benchmark(LockedDecoder().feed, b"some\nwords\n" * 10)  #! run inputs-changed


def test_benchmark_read(benchmark):
    benchmark(functools.partial(Reader("some words " * 10_000).read))  #! run inputs-changed


def test_benchmark_sort(benchmark):
    numbers = list(range(10_000, 0, -1))
    benchmark(numbers.sort)  #! run inputs-changed


def test_benchmark_read_file(benchmark, tmp_path):
    (tmp_path / "text").write_text("some words " * 100_000)
    with (tmp_path / "text").open() as file:
        benchmark(file.read)  #! run inputs-changed
