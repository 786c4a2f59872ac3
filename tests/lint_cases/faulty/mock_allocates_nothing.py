from unittest.mock import patch

from pages.model import Regions
from pages.text import find_regions, regions_by


class FakeDetector:
    def predict(self, image: bytes) -> Regions:  #! mock-allocates-nothing
        return Regions([])


def test_benchmark_find_regions(benchmark):
    with patch("pages.text.load_detector", lambda: FakeDetector()):
        benchmark(find_regions, bytes(1_000_000))


def test_benchmark_regions_by(benchmark):
    detector = FakeDetector()
    benchmark(regions_by, detector, bytes(1_000_000))
