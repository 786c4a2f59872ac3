"""Count the instructions of the benchmark's call with valgrind's callgrind, in fresh processes for each side.

A count is the same from run to run of the same code with the same hash seed, so that it shows changes far below what a clock
can. It is no time: instructions cost from a quarter of a cycle to some hundred. The seed is another one for each launch, and
common to its sides: what a count owes to the order of sets stands in the launches' spread.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import SIDES, Launch, Measurement, MetricName, Side
from ...errors import MeasuringError
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, hash_seed, started

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request
    from ..workers.channel import Message
    from ..workers.workers import Worker

REPEATS = 3

Counted = dict[str, float]
"""Instructions per call of each benchmark call."""

Plans = dict[str, tuple[int, int]]
"""Warm-up calls and counted calls of each benchmark call."""


def check() -> str:
    """Return valgrind's full path; raise MeasuringError where it is not installed."""
    found = shutil.which("valgrind")
    if not found:
        now = "install it (`apt-get install valgrind`), or take `instructions` out of `metrics`; nothing was measured"
        raise MeasuringError("instructions are counted by valgrind, which is not installed on this machine", hint=now)
    return found


def measure_instructions(request: Request, lots: random.Random, report: Report) -> tuple[Measurement, ...]:
    """Count every call in REPEATS processes a side, one sample each; raise MeasuringError where it cannot be counted."""
    check()
    deadline = None if request.timeout is None else time.monotonic() + request.timeout
    launches: dict[str, list[Launch]] = defaultdict(list)
    stopped = "repeats"
    try:
        plans = _plan(request, Settings(hash_seed(lots), deadline=deadline))
        for repeat in range(REPEATS):
            order = SIDES if lots.random() < 0.5 else SIDES[::-1]
            settings = Settings(hash_seed(lots), deadline=deadline)
            counted = {side: _count(request, side, settings, plans) for side in order}
            report(f"instructions {repeat + 1} of {REPEATS}: {_line(counted)}")
            for key, (_, calls) in plans.items():
                base, head = counted["base"][key], counted["head"][key]
                launches[key].append(
                    Launch(first=order[0], seed=settings.seed, iterations=calls, base=(base,), head=(head,))
                )
    except TimeLimitError:
        stopped = "timeout"
    if not launches:
        what = f"no call's instructions were counted within the time limit of {request.timeout:g} s"
        raise MeasuringError(
            what, hint="raise `timeout`, or give the benchmark a smaller input: under valgrind all is 50 times slower"
        )
    return tuple(
        Measurement(
            test=key, metric=MetricName.INSTRUCTIONS, launches=tuple(taken), looks=(len(taken),), stopped=stopped
        )
        for key, taken in launches.items()
    )


def wrapper(folder: str) -> tuple[str, ...]:
    """Return what starts a command under callgrind, which counts nothing until it is told and writes to `folder`.

    What the user or the target's folder sets for valgrind in files or variables is left aside. Python keeps its own allocator.
    """
    options = (
        "--tool=callgrind",
        "--command-line-only=yes",
        "--quiet",
        "--instr-atstart=no",
        f"--callgrind-out-file={folder}/counts",
    )
    return (check(), *options)


def _plan(request: Request, settings: Settings) -> Plans:
    """Let each side say what there is time for, and take the lesser: both make the same number of calls.

    Besides, what the first process of a tree alone does is done then: Python compiles its files.
    """
    answers = {side: _asked(request, side, settings, {}) for side in SIDES}
    base, head = ({key: (told["warmup"], told["calls"]) for key, told in answers[side].items()} for side in SIDES)
    if lopsided := sorted(base.keys() ^ head.keys()):
        raise MeasuringError(
            f"this call is made on {'base' if lopsided[0] in base else 'head'} only", where=lopsided[0]
        )
    return {key: (min(base[key][0], head[key][0]), min(base[key][1], head[key][1])) for key in base}


def _count(request: Request, side: Side, settings: Settings, plans: Plans) -> Counted:
    answers = _asked(request, side, settings, plans)
    if lopsided := sorted(answers.keys() ^ plans.keys()):
        raise MeasuringError(f"this call is made in some processes of {side} and not in others", where=lopsided[0])
    return {key: told["instructions"] / plans[key][1] for key, told in answers.items()}


def _asked(request: Request, side: Side, settings: Settings, plans: Plans) -> dict[str, Message]:
    """Return the answers at each benchmark call of a process under valgrind: counts by `plans`, or where it has none, plans."""
    with (
        tempfile.TemporaryDirectory(prefix="prprep-") as folder,
        _under_valgrind(request, side, settings, folder) as worker,
    ):
        worker.collected()
        answers = {}
        while ready := worker.advance():
            worker.settle()
            warmup, calls = plans.get(ready.key, (0, 0))
            answers[ready.key] = answer = worker.ask("count", folder=folder, warmup=warmup, calls=calls)
            if answer["kind"] == "uncounted":
                now = "take `instructions` out of `metrics`; nothing was counted"
                raise MeasuringError(
                    f"instructions cannot be counted on {side}: {answer['reason']}", where=ready.key, hint=now
                )
        return answers


def _under_valgrind(request: Request, side: Side, settings: Settings, folder: str) -> AbstractContextManager[Worker]:
    return started(request, side, replace(settings, wrapper=wrapper(folder), writable=(Path(folder),)))


def _line(counted: dict[Side, Counted]) -> str:
    base, head = (sum(counted[side].values()) for side in SIDES)
    return f"{base / 1e6:,.3f} million a call at base, {head / 1e6:,.3f} million at head"
