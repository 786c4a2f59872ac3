"""When the stages of an item ran, and when something was measured meanwhile."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cache import keep_json
from .files import read_json

Span = tuple[float, float]
"""Beginning and end, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Spans:
    ran: list[Span]
    measured: list[Span]


def read(path: Path) -> Spans:
    """Read the spans of an item's stages as they last ran; none if they are not known."""
    stages = read_json(path).values()
    return Spans(*([(float(begin), float(end)) for each in stages for begin, end in each[name]] for name in _NAMES))


def keep(path: Path, stage: str, ran: Span, measured: Sequence[Span]) -> None:
    keep_json(path, {**read_json(path), stage: dict(zip(_NAMES, ([ran], measured), strict=True))})


def union(spans: Iterable[Span]) -> float:
    """Return the seconds in which at least one of them was under way."""
    seconds, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        seconds += max(0.0, end - max(begin, until))
        until = max(until, end)
    return seconds


_NAMES = ("ran", "measured")
