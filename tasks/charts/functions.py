"""Where a call spends its time: the project's functions before and after, and as flame graphs of both sides."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..artifacts import SIDES, Change, FunctionShare, MetricName, Share, Side, Stack
from ..text import figures
from .drawing import WIDTH, Chart, Spec, colour, label_axis
from .units import unit_for

MOST_FUNCTIONS, LEAST_SHARE = 8, 0.01
MOST_DEPTH = 24
LEAST_WIDTH = 1.5
"""Pixels of a frame that is drawn."""
ROW, LETTER = 19, 6.6
"""Pixels of a row of frames, and of a letter in it."""
SMALL, LARGE = 0.01, 0.1
"""Shares of the call at base: a change below the first is none, from the second on it is large."""
TINTS = ("much-less", "less", "same", "more", "much-more")
_MEANINGS = ("much less at head", "less", "the same", "more", "much more at head")


class Times(NamedTuple):
    """What turns shares into seconds: the time of a call on each side, 1 and 1 if it was not measured."""

    base: float
    head: float
    known: bool

    def of(self, side: Side) -> float:
        return self.base if side == "base" else self.head


def times_of(test: str, changes: Sequence[Change]) -> Times:
    time = next((each for each in changes if each.test == test and each.metric is MetricName.TIME), None)
    if time and time.base > 0 and time.head > 0:
        return Times(time.base, time.head, known=True)
    return Times(1.0, 1.0, known=False)


def before_and_after(shares: Sequence[FunctionShare], times: Times) -> Chart:
    """Return each function's own time on both sides: without what it calls in the project."""
    rows = [
        (each.function, side, share.own * times.of(side), _described(each, side, share, times))
        for each in shown_functions(shares, times)
        for side in SIDES
        if (share := getattr(each, side))
    ]
    unit = unit_for([value for _, _, value, _ in rows], "s") if times.known else None
    names = list(dict.fromkeys(_short(name) for name, *_ in rows))
    size, title = (unit.size, f"own time in a call, {unit.name}") if unit else (0.01, "share of the call's samples, %")
    colours = {"domain": list(SIDES), "range": [colour(side) for side in SIDES]}
    spec: Spec = {
        "data": {
            "values": [
                {"function": _short(name), "side": side, "time": value / size, "shown": shown}
                for name, side, value, shown in rows
            ]
        },
        "width": WIDTH - 195,
        "height": {"step": 13},
        "mark": {"type": "bar"},
        "encoding": {
            "y": {"field": "function", "type": "nominal", "sort": names, "title": None, "axis": label_axis(150)},
            "yOffset": {"field": "side", "sort": list(SIDES)},
            "x": {"field": "time", "type": "quantitative", "title": title},
            "color": {"field": "side", "type": "nominal", "scale": colours},
            "description": {"field": "shown"},
        },
    }
    return Chart("Functions before and after", "; ".join(shown for *_, shown in rows), spec)


def shown_functions(shares: Sequence[FunctionShare], times: Times) -> list[FunctionShare]:
    """Return those with the most own time on either side, none below 1 % of the call."""
    sides = {each.function: [(side, share) for side in SIDES if (share := getattr(each, side))] for each in shares}
    most = {name: max((share.own * times.of(side) for side, share in of), default=0.0) for name, of in sides.items()}
    shown = [each for each in shares if any(share.own >= LEAST_SHARE for _, share in sides[each.function])]
    return sorted(shown, key=lambda each: -most[each.function])[:MOST_FUNCTIONS]


def _described(each: FunctionShare, side: Side, share: Share, times: Times) -> str:
    amount = figures.seconds(share.own * times.of(side)) if times.known else f"{percent(share.own)} of the samples"
    calls = "1 call" if share.calls == 1 else f"{figures.count(share.calls)} calls"
    return f"{each.function} at {side}: {amount}, {calls}"


def percent(share: float) -> str:
    """Format a share without a sign: `12.0 %`."""
    return f"{share * 100:.1f} %"


def _short(name: str) -> str:
    """Return a function's name without its module, which tooltips and tables show."""
    return name.rpartition(":")[2]


class Frame(NamedTuple):
    """A frame of a flame graph: `start` and `width` as shares of the side's call, `change` in shares of base's call."""

    function: str
    depth: int
    start: float
    width: float
    change: float


def frames(stacks: Sequence[Stack], side: Side, times: Times) -> Iterator[Frame]:
    """Yield the frames of one side, callers before what they call."""
    total: dict[tuple[str, ...], dict[Side, float]] = {}
    for stack in stacks:
        for depth in range(1, min(len(stack.functions), MOST_DEPTH) + 1):
            sums = total.setdefault(stack.functions[:depth], dict.fromkeys(SIDES, 0.0))
            for each in SIDES:
                sums[each] += getattr(stack, each)
    starts: dict[tuple[str, ...], float] = {}
    for path in sorted(total):
        width, parent = total[path][side], path[:-1]
        start = starts.setdefault(parent, 0.0)
        if width:
            starts[parent], starts[path] = start + width, start
            change = (total[path]["head"] * times.head - total[path]["base"] * times.base) / times.base
            yield Frame(path[-1], len(path), start, width, change)


def flame_graphs(stacks: Sequence[Stack], times: Times, *, width: int) -> Chart:
    """Return base's flame graph above head's, on one scale of time; tints say what takes less or more at head."""
    unit = unit_for([times.base, times.head], "s") if times.known else None
    size, top, rows = unit.size if unit else 0.01, 0.0, list[Spec]()
    most = max(times.base, times.head) / size
    for side in SIDES:
        drawn = list(frames(stacks, side, times))
        took = f", {figures.seconds(times.of(side))}" if times.known else ""
        whole = Frame(f"{side}{took}: the benchmark's call", 0, 0.0, 1.0, times.head / times.base - 1)
        scale = times.of(side) / size
        for frame in (whole, *drawn):
            if frame.width * scale / most * width >= LEAST_WIDTH:
                rows.append(
                    _rectangle(frame, side, scale=scale, top=top, letters=frame.width * scale / most * width / LETTER)
                )
        top += max((frame.depth for frame in drawn), default=0) + 1.6
    by = "" if times.known else " by share of the samples"
    spec = _flames(rows, most, width, height=top - 0.6, unit=unit.name if unit else "%")
    return Chart(f"Flame graphs{by}: base above, head below", _alternative_text(stacks, times), spec)


def _rectangle(frame: Frame, side: Side, *, scale: float, top: float, letters: float) -> Spec:
    name = _short(frame.function) if frame.depth else frame.function
    steps = (-LARGE, -SMALL, SMALL, LARGE)
    tint = TINTS[sum(frame.change > step for step in steps)]
    description = f"{frame.function} at {side}: {percent(frame.width)} of the call" if frame.depth else frame.function
    return {
        "left": frame.start * scale,
        "right": (frame.start + frame.width) * scale,
        "top": top + frame.depth,
        "bottom": top + frame.depth + 1,
        "label": name if len(name) <= letters - 1 else f"{name[: int(letters) - 2]}…" if letters > 5 else "",
        "tint": tint,
        "shown": f"{description}; {figures.percent(frame.change)} of base's call",
    }


def _flames(rows: list[Spec], most: float, width: int, *, height: float, unit: str) -> Spec:
    x = {"field": "left", "type": "quantitative", "scale": {"domain": [0, most], "nice": False}}
    title = f"{'share of' if unit == '%' else 'time in'} a call, {unit}"
    x["axis"] = {"title": title, "grid": False, "orient": "bottom"}
    y = {"field": "top", "type": "quantitative", "axis": None, "scale": {"domain": [height, 0], "nice": False}}
    tints = {"domain": list(TINTS), "range": [colour(tint) for tint in TINTS]}
    names = " : ".join(f"datum.label == '{tint}' ? '{meaning}'" for tint, meaning in zip(TINTS, _MEANINGS, strict=True))
    legend = {"labelExpr": f"{names} : ''", "symbolType": "square", "columns": 5 if width > WIDTH else 2}
    return {
        "data": {"values": rows},
        "width": width,
        "height": round(height * ROW),
        "padding": {"left": 8, "right": 12, "top": 4, "bottom": 4},
        "layer": [
            {
                "mark": {"type": "rect", "stroke": colour("surface"), "strokeWidth": 0.75},
                "encoding": {
                    "x": x,
                    "x2": {"field": "right"},
                    "y": y,
                    "y2": {"field": "bottom"},
                    "color": {"field": "tint", "type": "nominal", "scale": tints, "legend": legend},
                    "description": {"field": "shown"},
                },
            },
            {
                "transform": [{"filter": "datum.label"}, {"calculate": "datum.top + 0.5", "as": "middle"}],
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11.5, "aria": False},
                "encoding": {"x": x, "y": {**y, "field": "middle"}, "text": {"field": "label"}},
            },
        ],
    }


def _alternative_text(stacks: Sequence[Stack], times: Times) -> str:
    changes = defaultdict[str, float](float)
    for stack in stacks:
        for function in dict.fromkeys(stack.functions):
            changes[function] += (stack.head * times.head - stack.base * times.base) / times.base
    order = sorted(changes, key=lambda function: -abs(changes[function]))[:5]
    changed = "; ".join(f"{function} {figures.percent(changes[function])}" for function in order)
    return f"Time of the call by function, base and head. Largest changes, in shares of base's call: {changed}."
