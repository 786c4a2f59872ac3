"""Measure peak memory, allocations and what is left of the benchmark's call alone, a fresh process each."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import SIDES, Launch, Measurement, MetricName, Side, Site
from ...errors import MeasuringError
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, hash_seed, started
from .flamegraphs import SUFFIX, read_profiles
from .sites import changed_sites, renamed

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request
    from ..workers.workers import Worker

REPEATS = 3
MOST_REPEATS = 8
"""Where repeats differ: the 99 % interval of three reaches 5.7 standard deviations to either side, of eight 1.2."""
LONGEST_NAME = 120

METRICS = (MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED)
Figures = tuple[int, int, int]
"""Of METRICS: bytes, a number, and bytes."""
Tracked = dict[str, Figures]
"""The figures of each benchmark call."""
Profiles = dict[Side, dict[str, Path]]


@dataclass(slots=True)
class _Repeats:
    """What was measured so far, by benchmark call and metric."""

    launches: dict[tuple[str, MetricName], list[Launch]] = field(default_factory=lambda: defaultdict(list))
    number: int = 0

    def add(self, first: Side, seed: int, tracked: dict[Side, Tracked]) -> None:
        self.number += 1
        for key, (base, head) in _paired(tracked).items():
            for metric, one, other in zip(METRICS, base, head, strict=True):
                self.launches[key, metric].append(Launch(first=first, seed=seed, base=(one,), head=(other,)))

    @property
    def differ(self) -> bool:
        return any(len({(launch.base, launch.head) for launch in launches}) > 1 for launches in self.launches.values())

    @property
    def enough(self) -> int:
        return MOST_REPEATS if self.differ else REPEATS

    def measurements(self, stopped: str) -> tuple[Measurement, ...]:
        return tuple(
            Measurement(test=key, metric=metric, launches=tuple(taken), looks=(len(taken),), stopped=stopped)
            for (key, metric), taken in self.launches.items()
        )


def measure_memory(
    request: Request, lots: random.Random, report: Report, *, native: bool = False
) -> tuple[tuple[Measurement, ...], tuple[Site, ...]]:
    """Track every call REPEATS times a side, alternating; keep profiles and flame graphs of the first repeat.

    Where repeats differ there are more, up to MOST_REPEATS or until the budget is spent: whether they differ, and the clock, are
    all that decides, so the interval holds as if their number had been fixed. `native` records C stacks as well.
    """
    began = time.monotonic()
    deadline = None if request.memory_timeout is None else began + request.memory_timeout
    repeats, profiles, stopped = _Repeats(), Profiles(), ""
    _clear(request.profiles)
    while not stopped:
        try:
            repeats.add(*_repeat(request, lots, deadline, kept=None if repeats.number else profiles, native=native))
        except TimeLimitError:
            stopped = "timeout"
            break
        report(f"memory {repeats.number} of {repeats.enough}: {_line(repeats)}")
        stopped = _stopped(repeats, spent=time.monotonic() - began, budget=request.budget)
    if not repeats.number:
        what = f"no call's memory was measured within the time limit of {request.memory_timeout:g} s"
        raise MeasuringError(what, hint="raise `timeout`, or give the benchmark a smaller input")
    return repeats.measurements(stopped), _sites(request, profiles, report)


def _stopped(repeats: _Repeats, *, spent: float, budget: float) -> str:
    if repeats.number >= repeats.enough:
        return "repeats"
    return "budget" if repeats.number >= REPEATS and spent >= budget else ""


def _repeat(
    request: Request, lots: random.Random, deadline: float | None, *, kept: Profiles | None, native: bool
) -> tuple[Side, int, dict[Side, Tracked]]:
    order = SIDES if lots.random() < 0.5 else SIDES[::-1]
    settings = Settings(hash_seed(lots), malloc=True, deadline=deadline)
    tracked: dict[Side, Tracked] = {}
    for side in order:
        profiles: dict[str, Path] | None = None if kept is None else kept.setdefault(side, {})
        tracked[side] = _track(request, side, settings, kept=profiles, native=native)
    return order[0], settings.seed, tracked


def _track(request: Request, side: Side, settings: Settings, *, kept: dict[str, Path] | None, native: bool) -> Tracked:
    tracked: Tracked = {}
    with (
        tempfile.TemporaryDirectory(prefix="prprep-") as scratch,
        started(request, side, replace(settings, writable=(Path(scratch),))) as worker,
    ):
        worker.collected()
        while ready := worker.advance():
            profile = Path(scratch) / "profile.bin"
            tracked[ready.key] = _ask(worker, profile, native=native and kept is not None)
            if kept is None:
                profile.unlink()
                continue
            request.profiles.mkdir(parents=True, exist_ok=True)
            name = profile_name(side, ready.key, taken={path.name for path in kept.values()})
            kept[ready.key] = Path(shutil.move(profile, request.profiles / name))
    return tracked


def _ask(worker: Worker, profile: Path, *, native: bool) -> Figures:
    answer = worker.ask("track", profile=str(profile), native=native)
    if answer["kind"] == "untracked":
        raise MeasuringError(
            f"memray cannot be imported on {worker.side}: {answer['reason']}", hint="add memray to `env: install:`"
        )
    return answer["peak"], answer["allocations"], answer["left"]


def profile_name(side: Side, key: str, *, taken: set[str] | None = None) -> str:
    """Name a profile after its side and test, the same every time; what is too long or `taken` gets a digest of its own."""
    path, _, test = key.partition("::")
    name = f"{side}-{re.sub('[^A-Za-z0-9_.]+', '-', path.rpartition('/')[2] + '-' + test).strip('-')}"
    if len(name) > LONGEST_NAME or f"{name}.bin" in (taken or ()):
        name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    return f"{name}.bin"


def _clear(profiles: Path) -> None:
    for side in SIDES:
        for suffix in (".bin", SUFFIX):
            for stale in profiles.glob(f"{side}-*{suffix}"):
                stale.unlink()


def _paired(tracked: dict[Side, Tracked]) -> dict[str, tuple[Figures, Figures]]:
    base, head = tracked["base"], tracked["head"]
    if lopsided := sorted(base.keys() ^ head.keys()):
        raise MeasuringError(
            f"this call was measured on {'base' if lopsided[0] in base else 'head'} only", where=lopsided[0]
        )
    return {key: (base[key], head[key]) for key in base}


def _sites(request: Request, profiles: Profiles, report: Report) -> tuple[Site, ...]:
    """Compare the call sites of each benchmark call, where both sides' profiles could be read."""
    base, head = (read_profiles(request, side, profiles[side], report) for side in SIDES)
    moved = renamed(request.functions)
    return tuple(
        site for key in base if key in head for site in changed_sites(key, base[key], head[key], renamed=moved)
    )


def _line(repeats: _Repeats) -> str:
    """Show the largest peak of either side."""
    last = [launches[-1] for (_, metric), launches in repeats.launches.items() if metric is MetricName.PEAK]
    base, head = (
        max((launch.base[0] for launch in last), default=0),
        max((launch.head[0] for launch in last), default=0),
    )
    return f"peak {base / 2**20:.1f} MiB at base, {head / 2**20:.1f} MiB at head"
