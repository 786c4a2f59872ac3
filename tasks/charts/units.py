"""One unit for all values of an axis."""

from collections.abc import Iterable
from typing import NamedTuple

from ..text.figures import LARGE_UNITS


class Unit(NamedTuple):
    size: float
    name: str
    """As on an axis: `ms`; "" for counts."""


def unit_for(values: Iterable[float], unit: str) -> Unit:
    """Return the largest unit in which the largest value is at least 1; `unit` is that of a metric: s, B or 1."""
    largest = max(map(abs, values), default=0.0)
    sizes = LARGE_UNITS.get(unit, ())
    return next(
        (Unit(size, name) for size, name in sizes if largest >= size), Unit(*sizes[-1]) if sizes else Unit(1.0, "")
    )
