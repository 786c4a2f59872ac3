"""Count the instructions of the benchmark's call with valgrind's callgrind, in fresh processes for each side.

The same code with the same hash seed has the same count in every run, so counts show changes far too small for a clock.
A count is not a time: one instruction takes from a quarter of a cycle to some hundred. Each launch has another seed,
shared by its sides, so the effect of the order of sets shows as a spread of the launches.
"""

import random
import shutil
from dataclasses import replace
from pathlib import Path

from ...artifacts import SIDES, Measurement, MetricName, Side
from ...errors import MeasuringError
from ...processes.progress import Report
from ...processes.scratch import temporary_folder
from ..repeats import Repeats, check_same_calls
from ..request import Request
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings, hash_seed, started

REPEATS = 3

Plans = dict[str, tuple[int, int]]
"""Warm-up calls and counted calls of each benchmark call."""


def check() -> str:
    """Return valgrind's full path; raise MeasuringError if it is not installed."""
    if path := shutil.which("valgrind"):
        return path
    raise MeasuringError(
        "instructions are counted by valgrind, which is not installed on this machine",
        hint="install it (`apt-get install valgrind`), or take `instructions` out of `metrics`; nothing was measured",
    )


def measure_instructions(request: Request, rng: random.Random, report: Report) -> tuple[Measurement, ...]:
    """Count every call in REPEATS processes a side, one sample each; raise MeasuringError if it cannot be counted."""
    check()
    deadline, repeats, stopped = request.deadline(), Repeats((MetricName.INSTRUCTIONS,)), "repeats"
    try:
        plans = _plan(request, Settings(hash_seed(rng), deadline=deadline))
        calls = {key: counted for key, (_, counted) in plans.items()}
        for repeat in range(REPEATS):
            repeats.add(
                rng, lambda side, settings: _count(request, side, settings, plans), iterations=calls, deadline=deadline
            )
            base, head = (sum(counts) / 1e6 for counts in repeats.latest(MetricName.INSTRUCTIONS))
            report(
                f"instructions {repeat + 1} of {REPEATS}: "
                f"{base:,.3f} million a call at base, {head:,.3f} million at head"
            )
    except TimeLimitError:
        stopped = "timeout"
    if not repeats.number:
        raise MeasuringError(
            f"no call's instructions were counted within the time limit of {request.timeout:g} s",
            hint="raise `timeout`, or give the benchmark a smaller input: valgrind makes everything 50 times slower",
        )
    return repeats.measurements(stopped)


def wrapper(folder: Path) -> tuple[str, ...]:
    """Return what starts a command under callgrind, which counts only on request and writes to `folder`.

    Valgrind's settings in the user's or the project's files and variables are ignored. Python keeps its own allocator.
    """
    options = ("--tool=callgrind", "--command-line-only=yes", "--quiet", "--instr-atstart=no")
    return (check(), *options, f"--callgrind-out-file={folder}/counts")


def _plan(request: Request, settings: Settings) -> Plans:
    """Let each side report how many calls it has time for, and take the smaller number for both.

    These processes also do what only the first process of a tree does: Python compiles its files.
    """
    answers: dict[Side, dict[str, Message]] = {side: _ask(request, side, settings, {}) for side in SIDES}
    check_same_calls(answers)
    base, head = (answers[side] for side in SIDES)
    return {
        key: (min(one["warmup"], head[key]["warmup"]), min(one["calls"], head[key]["calls"]))
        for key, one in base.items()
    }


def _count(request: Request, side: Side, settings: Settings, plans: Plans) -> dict[str, tuple[float, ...]]:
    answers = _ask(request, side, settings, plans)
    if lopsided := sorted(answers.keys() ^ plans.keys()):
        raise MeasuringError(f"only some processes of {side} make this call", where=lopsided[0])
    return {key: (answer["instructions"] / plans[key][1],) for key, answer in answers.items()}


def _ask(request: Request, side: Side, settings: Settings, plans: Plans) -> dict[str, Message]:
    """Return the answer at each benchmark call under valgrind: a count by `plans`, or a plan if it has none."""
    answers = {}
    with temporary_folder() as folder:
        settings = replace(settings, wrapper=wrapper(folder), writable=(folder,))
        with started(request, side, settings) as worker:
            worker.collected()
            while ready := worker.advance():
                worker.settle()
                warmup, calls = plans.get(ready.key, (0, 0))
                answers[ready.key] = answer = worker.ask("count", folder=str(folder), warmup=warmup, calls=calls)
                if answer["kind"] == "uncounted":
                    raise MeasuringError(
                        f"instructions cannot be counted on {side}: {answer['reason']}",
                        where=ready.key,
                        hint="take `instructions` out of `metrics`; nothing was counted",
                    )
    return answers
