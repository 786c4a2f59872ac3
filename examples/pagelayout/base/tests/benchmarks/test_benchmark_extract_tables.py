"""Benchmark of extract_tables on a document of scanned pages.

Primary metric: peak memory.
"""

from pagelayout import Box, Page, Table, extract_tables

# A page of 8.5 x 11 inches at 200 dpi.
WIDTH, HEIGHT = 1700, 2200
PAGES = 6
# What inference on one page takes with the real weights.
INFERENCE_BYTES = 32 * 1024 * 1024


class FakeTableModel:
    """Stands for inference only: takes as much memory, and gives what the real model gives."""

    def predict(self, ink):
        activations = bytearray(INFERENCE_BYTES)
        height, width = ink.shape
        activations[0] = 1
        return [Box(0, 0, width, height // 3)]


def document():
    ink = tuple(Box(100, top, 1600, top + 14) for top in range(120, 2000, 40))
    return [Page(number, WIDTH, HEIGHT, ink) for number in range(1, PAGES + 1)]


def test_benchmark_extract_tables(benchmark):
    tables = benchmark(extract_tables, document(), FakeTableModel())
    assert [table.page for table in tables] == list(range(1, PAGES + 1))
    assert isinstance(tables[0], Table)
