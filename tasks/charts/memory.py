"""The memory that a call holds from its beginning to its end."""

from __future__ import annotations

from collections.abc import Sequence

from ..artifacts import SIDES, Held
from ..text import figures
from .drawing import WIDTH, Chart, Spec, colour
from .units import unit_for


def over_call(curves: Sequence[Held]) -> Chart:
    """Return the curves of one test, one of each side, by the share of the call's allocations and releases."""
    by_side = {curve.side: curve.sizes for curve in curves}
    unit = unit_for([size for sizes in by_side.values() for size in sizes], "B")
    rows = [
        {"side": side, "at": number / len(by_side[side]), "held": size / unit.size, "order": number}
        for side in SIDES
        if side in by_side
        for number, size in enumerate((0, *by_side[side]))
    ]
    peaks = [
        {
            "side": side,
            "at": (sizes.index(max(sizes)) + 1) / len(sizes),
            "held": max(sizes) / unit.size,
            "shown": f"{side}: {figures.size(max(sizes))}",
            "align": "right" if sizes.index(max(sizes)) + 1 > len(sizes) / 2 else "left",
        }
        for side, sizes in by_side.items()
    ]
    sides = [side for side in SIDES if side in by_side]
    range_ = [colour(side) for side in sides]
    ink = {"field": "side", "type": "nominal", "scale": {"domain": sides, "range": range_}, "legend": None}
    x_axis = {"format": ".0%", "title": "progress of the call, by its allocations and releases", "grid": False}
    x = {"field": "at", "type": "quantitative", "axis": x_axis, "scale": {"domain": [0, 1]}}
    y = {"field": "held", "type": "quantitative", "stack": None, "title": f"held, {unit.name}"}
    spec: Spec = {
        "width": WIDTH - 60,
        "height": 170,
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "area", "interpolate": "step-before", "line": {"strokeWidth": 2}, "fillOpacity": 0.13},
                "encoding": {"x": x, "y": y, "color": ink, "order": {"field": "order"}},
            },
            {
                "data": {"values": peaks},
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": ink, "description": {"field": "shown"}},
            },
            *(
                {
                    "data": {"values": [peak for peak in peaks if peak["align"] == align]},
                    "mark": {"type": "text", "align": align, "dx": -6 if align == "right" else 6, "dy": -10},
                    "encoding": {"x": x, "y": y, "text": {"field": "shown"}},
                }
                for align in ("left", "right")
            ),
        ],
    }
    most = "; ".join(f"{side} holds at most {figures.size(max(sizes))}" for side, sizes in by_side.items())
    return Chart("Memory over the call", most, spec)
