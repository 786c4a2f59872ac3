from unittest.mock import patch

from pages.model import Regions
from pages.text import find_regions

PREDICT_BYTES = 30 * 1024 * 1024


class FakeDetector:
    def predict(self, image: bytes) -> Regions:
        _buffer = bytearray(PREDICT_BYTES)
        return Regions([(2, 3), (1, 2)])


def test_benchmark_find_regions(benchmark):
    image = bytes(1_000_000)
    with patch("pages.text.load_detector", lambda: FakeDetector()):
        regions = benchmark(find_regions, image)
    assert regions.boxes == [(1, 2), (2, 3)]
