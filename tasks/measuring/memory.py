"""Measure peak memory and number of allocations of the benchmark's call alone, a fresh process each."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts import SIDES, Launch, Measurement, MetricName, Side
from ..errors import MeasuringError
from .channel import TimeLimitError
from .workers import Settings, hash_seed, started

if TYPE_CHECKING:
    import random

    from ..progress import Report
    from .request import Request
    from .workers import Worker

REPEATS = 3

Tracked = dict[str, tuple[int, int]]
"""Peak (bytes) and allocations of each benchmark call."""


def measure_memory(request: Request, lots: random.Random, report: Report) -> tuple[Measurement, ...]:
    """Track every call REPEATS times a side, alternating; keep the profiles of the first repeat."""
    deadline = None if request.memory_timeout is None else time.monotonic() + request.memory_timeout
    launches: dict[tuple[str, MetricName], list[Launch]] = defaultdict(list)
    stopped = "repeats"
    _clear(request.profiles)
    for repeat in range(REPEATS):
        try:
            first, seed, tracked = _repeat(request, lots, deadline, keep=repeat == 0)
        except TimeLimitError:
            stopped = "timeout"
            break
        report(f"memory {repeat + 1} of {REPEATS}: {_line(tracked)}")
        for key, (base, head) in _paired(tracked).items():
            for metric, one, other in zip((MetricName.PEAK, MetricName.ALLOCATIONS), base, head, strict=True):
                launches[key, metric].append(Launch(first=first, seed=seed, base=(one,), head=(other,)))
    if not launches:
        what = f"no call's memory was measured within the time limit of {request.memory_timeout:g} s"
        raise MeasuringError(what, now="raise `timeout`, or give the benchmark a smaller input")
    return tuple(
        Measurement(test=key, metric=metric, launches=tuple(taken), looks=(len(taken),), stopped=stopped)
        for (key, metric), taken in launches.items()
    )


def _repeat(request: Request, lots: random.Random, deadline: float | None, *, keep: bool) -> tuple[Side, int, dict[Side, Tracked]]:
    order = SIDES if lots.random() < 0.5 else SIDES[::-1]  # noqa: PLR2004 - a coin
    settings = Settings(hash_seed(lots), malloc=True, deadline=deadline)
    return order[0], settings.seed, {side: _track(request, side, settings, keep=keep) for side in order}


def _track(request: Request, side: Side, settings: Settings, *, keep: bool) -> Tracked:
    tracked: Tracked = {}
    with tempfile.TemporaryDirectory(prefix="prprep-") as scratch, started(request, side, settings) as worker:
        worker.collected()
        while ready := worker.advance():
            profile = Path(scratch) / profile_name(side, ready.key)
            tracked[ready.key] = _ask(worker, profile)
            if keep:
                request.profiles.mkdir(parents=True, exist_ok=True)
                shutil.move(profile, request.profiles / profile.name)
            else:
                profile.unlink()
    return tracked


def _ask(worker: Worker, profile: Path) -> tuple[int, int]:
    answer = worker.ask("track", profile=str(profile))
    if answer["kind"] == "untracked":
        raise MeasuringError(f"memray cannot be imported on {worker.side}: {answer['reason']}", now="add memray to `env: install:`")
    return answer["peak"], answer["allocations"]


def profile_name(side: Side, key: str) -> str:
    """Name a profile after its side and test, the same every time."""
    path, _, test = key.partition("::")
    return f"{side}-{re.sub('[^A-Za-z0-9_.]+', '-', path.rpartition('/')[2] + '-' + test).strip('-')}.bin"


def _clear(profiles: Path) -> None:
    for side in SIDES:
        for stale in profiles.glob(f"{side}-*.bin"):
            stale.unlink()


def _paired(tracked: dict[Side, Tracked]) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    base, head = tracked["base"], tracked["head"]
    if lopsided := sorted(base.keys() ^ head.keys()):
        raise MeasuringError(f"this call was measured on {'base' if lopsided[0] in base else 'head'} only", where=lopsided[0])
    return {key: (base[key], head[key]) for key in base}


def _line(tracked: dict[Side, Tracked]) -> str:
    """Show the largest peak of either side."""
    base, head = (max((peak for peak, _ in tracked[side].values()), default=0) for side in SIDES)
    return f"peak {base / 2**20:.1f} MiB at base, {head / 2**20:.1f} MiB at head"
