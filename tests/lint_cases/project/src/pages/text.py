import re

from .config import settings
from .model import Detector, Regions, load_detector


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def count_words(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words(text):
        counts[word] = counts.get(word, 0) + 1
    return counts


def lines(text: str):
    for line in text.splitlines():
        yield line.strip()


def drain(queue: list[str]) -> int:
    count = 0
    while queue:
        queue.pop()
        count += 1
    return count


def find_regions(image: bytes) -> Regions:
    detector = load_detector()
    found = detector.predict(image)
    return Regions(sorted(found.boxes))


def regions_by(detector: Detector, image: bytes) -> Regions:
    return Regions(sorted(detector.predict(image).boxes))


def scaled(value: int) -> int:
    return value * settings.resolution
