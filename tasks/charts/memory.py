"""The memory that a call holds from its beginning to its end."""

from collections.abc import Iterator, Sequence

from ..artifacts import SIDES, Held, Side
from ..text import figures
from .drawing import WIDTH, Chart, Spec, colour
from .units import Unit, unit_for


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
    peaks = [_peak(side, by_side[side], unit) for side in SIDES if side in by_side]
    most = "; ".join(f"{peak['side']} holds at most {peak['size']}" for peak in peaks)
    spec: Spec = {"width": WIDTH - 60, "height": 170, "layer": list(_layers(rows, peaks, unit))}
    return Chart("Memory over the call", most, spec)


def _peak(side: Side, sizes: Sequence[int], unit: Unit) -> Spec:
    """Return where a curve is highest, and on which side of that its text has room."""
    at = (sizes.index(max(sizes)) + 1) / len(sizes)
    return {
        "side": side,
        "at": at,
        "held": max(sizes) / unit.size,
        "size": figures.size(max(sizes)),
        "shown": f"{side}: {figures.size(max(sizes))}",
        "align": "right" if at > 0.5 else "left",
    }


def _layers(rows: Sequence[Spec], peaks: Sequence[Spec], unit: Unit) -> Iterator[Spec]:
    """Yield the curves, and their highest points with their texts."""
    sides = [peak["side"] for peak in peaks]
    axis = {
        "labelExpr": "format(100 * datum.value, '.0f') + ' %'",
        "title": "progress of the call, by its allocations and releases",
        "grid": False,
    }
    places = {
        "x": {"field": "at", "type": "quantitative", "axis": axis, "scale": {"domain": [0, 1]}},
        "y": {"field": "held", "type": "quantitative", "stack": None, "title": f"held, {unit.name}"},
    }
    scale = {"domain": sides, "range": [colour(side) for side in sides]}
    colours = {"color": {"field": "side", "type": "nominal", "scale": scale, "legend": None}}
    yield {
        "data": {"values": rows},
        "mark": {"type": "area", "interpolate": "step-before", "line": {"strokeWidth": 2}, "fillOpacity": 0.13},
        "encoding": {**places, **colours, "order": {"field": "order"}},
    }
    yield {
        "data": {"values": peaks},
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {**places, **colours, "description": {"field": "shown"}},
    }
    for align, distance in (("left", 6), ("right", -6)):
        yield {
            "data": {"values": [peak for peak in peaks if peak["align"] == align]},
            "mark": {"type": "text", "align": align, "dx": distance, "dy": -10},
            "encoding": {**places, "text": {"field": "shown"}},
        }
