"""Effects with their intervals as bars around zero."""

import math
from collections.abc import Iterator, Sequence

from ..artifacts import Change
from ..text import figures
from .drawing import WIDTH, Chart, Spec, colour, label_axis

MOST = 1.0
"""The relative change at either end of the axis; a larger one is cut there, and its text says how large it is."""
STEPS = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Ends of an axis for smaller changes."""
ROW = 26


def bar(change: Change, verdict: str = "") -> Chart:
    """Return the bar of one change, for a table's cell."""
    return Chart("", alternative([change]), _bars([change], width=200, axis=False, colours=[verdict or change.verdict]))


def all_metrics(changes: Sequence[Change]) -> Chart:
    """Return the bars of all metrics of one test."""
    spec = _bars(changes, width=WIDTH - 150, axis=True, colours=[change.verdict for change in changes])
    return Chart("Effect on each metric, with its interval", alternative(changes), spec)


def alternative(changes: Sequence[Change]) -> str:
    return "; ".join(f"{described(change)}: {change.verdict}" for change in changes)


def described(change: Change) -> str:
    """Return metric, effect and interval: `time +26.4 %, 99 % interval +25.0 % to +27.9 %`."""
    low, ratio, high = change.interval.low, change.interval.ratio, change.interval.high
    spread = (
        "no spread"
        if low == high
        else f"{figures.share(change.interval.confidence)} interval {figures.interval(low, high)}"
    )
    return f"{change.metric} {figures.change(ratio, low, high)}, {spread}"


def _bars(changes: Sequence[Change], *, width: int, axis: bool, colours: Sequence[str]) -> Spec:
    rows = [
        {
            "metric": change.metric,
            "effect": _cut(change.interval.ratio - 1),
            "low": _cut(change.interval.low - 1),
            "high": _cut(change.interval.high - 1),
            "colour": colour(name),
            "shown": described(change),
        }
        for change, name in zip(changes, colours, strict=True)
    ]
    most = _end_of_axis(changes) if axis else MOST
    scale = {"domain": [-most, most], "clamp": True, "nice": False}
    x = {"type": "quantitative", "scale": scale, "axis": _axis(most) if axis else None}
    y = {"field": "metric", "type": "nominal", "sort": None, "title": None, "axis": label_axis(110) if axis else None}
    spec: Spec = {"data": {"values": rows}, "width": width, "height": {"step": ROW}, "layer": list(_layers(x, y))}
    return spec if axis else {**spec, "padding": 0}


def _end_of_axis(changes: Sequence[Change]) -> float:
    intervals = [change.interval for change in changes]
    ends = [abs(_cut(value - 1)) for each in intervals for value in (each.low, each.ratio, each.high)]
    return next((step for step in STEPS if step >= max(ends, default=MOST)), MOST)


def _axis(most: float) -> Spec:
    """Return an axis with lines at both ends, at zero and between, and names where they have room on a phone."""
    return {
        "values": [-most, -most / 2, 0, most / 2, most],
        "labelExpr": f"!datum.value ? '0' : abs(datum.value) < {most} ? '' : format(100 * datum.value, '+') + ' %'",
        "title": "change of the cost; less is better",
        "grid": True,
    }


def _layers(x: Spec, y: Spec) -> Iterator[Spec]:
    """Yield the bars, the line at zero, and the intervals with their ends."""
    shared = {
        "y": y,
        "color": {"field": "colour", "type": "nominal", "scale": None},
        "description": {"field": "shown"},
    }
    yield {
        "mark": {"type": "bar", "height": 12, "opacity": 0.55},
        "encoding": {"x": {"field": "effect", **x}, "x2": {"datum": 0}, **shared},
    }
    yield {"mark": {"type": "rule", "color": colour("muted")}, "encoding": {"x": {"datum": 0, **x}}}
    yield {
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, **shared},
    }
    for end in ("low", "high"):
        tick = {"type": "tick", "thickness": 2, "size": 12}
        yield {"mark": tick, "encoding": {"x": {"field": end, **x}, **shared}}


def _cut(share: float) -> float:
    return max(-MOST, min(MOST, share)) if math.isfinite(share) else math.copysign(MOST, share)
