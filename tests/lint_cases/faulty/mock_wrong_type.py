from unittest.mock import MagicMock, patch

from pages.text import find_regions, regions_by

PREDICT_BYTES = 30 * 1024 * 1024


def no_regions(self, image):  #! mock-wrong-type
    _buffer = bytearray(PREDICT_BYTES)
    return []


def test_benchmark_find_regions(benchmark):
    with patch("pages.model.Detector.predict", no_regions), patch("pages.text.Regions", new=lambda boxes: boxes):  #! mock-not-at-boundary
        benchmark(find_regions, bytes(1_000_000))


def test_benchmark_regions_by(benchmark):
    detector = MagicMock(side_effect=bytearray)  #! mock-wrong-type
    benchmark(regions_by, detector, bytes(1_000_000))
