"""What every launch measured on every side: a dot per launch, with the interval of the comparison."""

import math
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from ..artifacts import Change, Launch, Measurement
from ..text import figures
from .drawing import WIDTH, Chart, Spec, colour, label_axis
from .units import unit_for

LARGE = 0.3
"""The relative change from which an axis begins at zero; a smaller one could not be seen there."""
_SIDES = {"base": "base", "control": "base", "head": "head"}
"""The sides in the order of rows, each with its colour: control is base's code in a second tree."""


class Dot(NamedTuple):
    """What one launch measured on one side: the median of its samples."""

    side: str
    launch: int
    value: float
    samples: int


def dots(launches: tuple[Launch, ...]) -> Iterator[Dot]:
    for number, launch in enumerate(launches, 1):
        for side in _SIDES:
            if values := getattr(launch, side):
                yield Dot(side, number, median(values), len(values))


def of_launches(measurement: Measurement, change: Change) -> Chart:
    """Return the dots of a measurement, and beside head's what its interval allows."""
    taken = list(dots(measurement.launches))
    ends = [change.base * end for end in (change.interval.low, change.interval.high) if math.isfinite(end)]
    unit = unit_for([*(dot.value for dot in taken), *ends], change.unit)
    rows = [
        {
            **dot._asdict(),
            "value": dot.value / unit.size,
            "colour": colour(_SIDES[dot.side]),
            "shown": f"{dot.side}, launch {dot.launch}: {figures.quantity(dot.value, change.unit)} "
            f"({figures.counted(dot.samples, 'sample')})",
        }
        for dot in taken
    ]
    sides = [side for side in _SIDES if any(dot.side == side for dot in taken)]
    scale = {"zero": abs(change.interval.ratio - 1) >= LARGE, "nice": True, "padding": 8}
    title = f"{change.metric}, {unit.name}" if unit.name else str(change.metric)
    x = {"type": "quantitative", "scale": scale, "axis": {"title": title, "grid": True}}
    y = {"field": "side", "type": "nominal", "sort": sides, "title": None, "axis": label_axis(50)}
    spec: Spec = {
        "width": WIDTH - 75,
        "height": {"step": 46},
        "layer": [
            _points(rows, x=x, y=y, launches=len(measurement.launches)),
            *_estimates(change, ends, unit.size, x=x, y=y),
        ],
    }
    return Chart("Samples: a dot per launch", _alternative_text(change, measurement, taken), spec)


def _points(rows: list[Spec], *, x: Spec, y: Spec, launches: int) -> Spec:
    offset = {"field": "launch", "type": "quantitative", "scale": {"domain": [0.5, launches + 0.5], "range": [8, 38]}}
    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 44, "opacity": 0.75},
        "encoding": {
            "x": {"field": "value", **x},
            "y": y,
            "yOffset": offset,
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "description": {"field": "shown"},
        },
    }


def _estimates(change: Change, ends: list[float], size: float, *, x: Spec, y: Spec) -> Iterator[Spec]:
    """Yield a line for the cost of each side, and a band for the interval of head's cost if base's is as estimated."""
    if len(ends) == 2:
        band = {
            "side": "head",
            "low": ends[0] / size,
            "high": ends[1] / size,
            "shown": f"interval: {figures.interval(change.interval.low, change.interval.high)}",
        }
        yield {
            "data": {"values": [band]},
            "mark": {"type": "bar", "height": 40, "opacity": 0.22, "color": colour("head")},
            "encoding": {
                "x": {"field": "low", **x},
                "x2": {"field": "high"},
                "y": y,
                "description": {"field": "shown"},
            },
        }
    costs = [
        {
            "side": side,
            "cost": cost / size,
            "colour": colour(_SIDES[side]),
            "shown": f"{side}: {figures.quantity(cost, change.unit)}",
        }
        for side, cost in (("base", change.base), ("head", change.head))
    ]
    yield {
        "data": {"values": costs},
        "mark": {"type": "tick", "thickness": 3, "size": 40},
        "encoding": {
            "x": {"field": "cost", **x},
            "y": y,
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "description": {"field": "shown"},
        },
    }


def _alternative_text(change: Change, measurement: Measurement, taken: list[Dot]) -> str:
    launches = figures.counted(len(measurement.launches), "launch", "launches")
    ranges = (
        f"{side} from {figures.quantity(min(values), change.unit)} to {figures.quantity(max(values), change.unit)}"
        for side in _SIDES
        if (values := [dot.value for dot in taken if dot.side == side])
    )
    base, head = (figures.quantity(cost, change.unit) for cost in (change.base, change.head))
    return f"{change.metric} in {launches}: {'; '.join(ranges)}. Estimate: {base} at base, {head} at head."
