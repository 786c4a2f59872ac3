"""When the stages of the last run began, and how long they took."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..text import figures
from .drawing import WIDTH, Chart, Spec, colour, label_axis

PAUSE = dt.timedelta(minutes=20)
"""Without any work for so long, a run has ended and another one begun."""
MOST_ITEMS = 40
GROUPS: Mapping[str, tuple[str, ...]] = {
    "preparing": ("detect", "survey", "record", "scaffold", "inject", "lint"),
    "project's tests": ("tests",),
    "measuring": ("measure", "codeflash"),
    "comparing and writing": ("compare", "render"),
    "checking the body": ("verify",),
}
_TINTS = tuple(f"stage-{number}" for number in range(1, 6))
_BEGIN = re.compile(r"^== ([\w-]+), (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$", re.MULTILINE)


class Work(NamedTuple):
    """One stage of one item, when it last ran."""

    item: str
    stage: str
    begin: dt.datetime
    seconds: float

    @property
    def end(self) -> dt.datetime:
        return self.begin + dt.timedelta(seconds=self.seconds)


def work_of(item: str, log: str, times: Mapping[str, float]) -> list[Work]:
    """Return the stages of an item's log, each as it last ran, with the seconds that it took."""
    begun = {stage: dt.datetime.fromisoformat(begin) for stage, begin in _BEGIN.findall(log)}
    return [Work(item, stage, begin, times[stage]) for stage, begin in begun.items() if stage in times]


def last_run(work: Iterable[Work]) -> list[Work]:
    """Return what was done since the last pause, in order."""
    order = sorted(work, key=lambda each: each.begin)
    kept: list[Work] = []
    for each in order:
        if kept and each.begin - max(earlier.end for earlier in kept[-50:]) > PAUSE:
            kept = []
        kept.append(each)
    return kept


def chart(work: Sequence[Work], titles: Mapping[str, str], *, width: int) -> Chart:
    """Return when each item's stages ran, an item a row; `titles` are those of items by their ids."""
    begin = min(each.begin for each in work)
    seconds = (max(each.end for each in work) - begin).total_seconds()
    size, unit = (60.0, "minutes") if seconds >= 120 else (1.0, "seconds")
    groups = {stage: group for group, stages in GROUPS.items() for stage in stages}
    rows = [
        {
            "item": titles[each.item],
            "group": groups.get(each.stage, "preparing"),
            "from": (each.begin - begin).total_seconds() / size,
            "to": (each.end - begin).total_seconds() / size,
            "shown": f"{titles[each.item]}, {each.stage}: {each.seconds:.1f} s from {each.begin:%H:%M:%S}",
        }
        for each in work
    ]
    colours = {"domain": list(GROUPS), "range": [colour(tint) for tint in _TINTS]}
    limit = 200 if width > WIDTH else 90
    spec: Spec = {
        "data": {"values": rows},
        "width": width - round(1.2 * limit) - 15,
        "height": {"step": 24},
        "mark": {"type": "bar", "height": 14, "stroke": colour("surface"), "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": f"{unit} since {begin:%Y-%m-%d %H:%M}"},
            "x2": {"field": "to"},
            "y": {"field": "item", "type": "nominal", "sort": None, "title": None, "axis": label_axis(limit)},
            "color": {
                "field": "group",
                "type": "nominal",
                "scale": colours,
                "legend": {"columns": 5 if width > WIDTH else 2},
            },
            "description": {"field": "shown"},
        },
    }
    stages = {each.stage: sum(other.seconds for other in work if other.stage == each.stage) for each in work}
    most = ", ".join(f"{name} {took:.0f} s" for name, took in sorted(stages.items(), key=lambda each: -each[1])[:5])
    items = figures.counted(len({each.item for each in work}), "item")
    return Chart("The run", f"{items} in {seconds / size:.0f} {unit}. Most time went into: {most}.", spec)
