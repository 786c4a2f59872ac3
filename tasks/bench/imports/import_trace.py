"""Read what `python -X importtime` tells, and hold base and head against each other."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, median_low

from ...artifacts import SIDES, ImportedModule, Side

REPEATS = 3
SHOWN = 20
BEGIN, END = "prprep: imports begin", "prprep: imports end"
"""What the timer writes between Python's lines; `MARKS` of `prprep_worker.startup.import_timer` is the other end's."""

# Behind anything that the target left standing in its line.
_LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|\s+(\S+)$", re.MULTILINE)

Loads = dict[str, tuple[int, int]]
"""Name to own and cumulative microseconds."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The modules that only one side loads, the heaviest first, and how many modules either side loads."""

    modules: tuple[ImportedModule, ...] = ()
    loaded: Mapping[Side, int] = field(default_factory=dict)


def trace(traced: Callable[[Side, Path], list[str]]) -> Trace:
    """Trace REPEATS times a side in turns; `traced` writes Python's lines to the file and gives the modules that were loaded."""
    runs: dict[Side, list[Loads]] = {"base": [], "head": []}
    with tempfile.TemporaryDirectory(prefix="prprep-") as scratch:
        for repeat in range(REPEATS):
            for side in SIDES if repeat % 2 == 0 else SIDES[::-1]:
                log = Path(scratch) / f"{side}-{repeat}"
                names = traced(side, log)
                runs[side].append(loads(log.read_text(encoding="utf-8", errors="replace"), names))
    return one_sided(runs)


def loads(text: str, names: Collection[str]) -> Loads:
    """Read the lines between the marks; every one of `names`, for Python also has a line for what it looked for in vain.

    A module that was loaded by other means than an import statement's has no line and took no time.
    A name that was imported several times has the sum.
    """
    found: Loads = dict.fromkeys(names, (0, 0))
    begun = text.partition(BEGIN)[2].partition(END)[0]
    for own, cumulative, name in _LINE.findall(begun):
        if name in found:
            before = found[name]
            found[name] = (before[0] + int(own), before[1] + int(cumulative))
    return found


def one_sided(runs: Mapping[Side, Sequence[Loads]]) -> Trace:
    """Return the modules that every run of one side loads and none of the other's, with the medians of their times in seconds."""
    found = [module for side in SIDES for module in _only(runs[side], runs["head" if side == "base" else "base"], side)]
    heaviest = sorted(found, key=lambda module: (-module.cumulative, module.name))[:SHOWN]
    return Trace(tuple(heaviest), {side: median_low(len(run) for run in runs[side]) for side in SIDES})


def _only(runs: Sequence[Loads], others: Sequence[Loads], side: Side) -> list[ImportedModule]:
    names = set.intersection(*map(set, runs)) - set().union(*others)
    return [
        ImportedModule(name=name, side=side, cumulative=_median(runs, name, 1), own=_median(runs, name, 0))
        for name in sorted(names)
    ]


def _median(runs: Sequence[Loads], name: str, column: int) -> float:
    return median(run[name][column] for run in runs) / 1e6
