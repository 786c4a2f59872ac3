"""Measure time: launches in lockstep, one after the other, until the data decide."""

import math
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ...artifacts import Launch, Measurement, MetricName
from ...errors import PrprepError
from ...manifest.model import CoreChoice
from ...processes.progress import Report, silent
from ..request import Request, deadline_in
from ..workers.channel import TimeLimitError
from .benchmark_run import BenchmarkRun
from .launch_record import Clock, LaunchRecord
from .launches import Launches
from .lockstep import LaunchPlan
from .sequence import LaunchSequence, looks_for

LOOKS = (8, 12, 16, 24, 36, 54)
"""Numbers of launches at which the data are looked at, while the budget lasts."""
LAUNCHES = 8, 16
"""The fewest and most launches that a budget is divided into: fewer say too little about how processes differ, more
would mostly start processes."""
SHORTEST_LAUNCH, USUAL_LAUNCH, LONGEST_LAUNCH = 0.3, 1.6, 2.5
"""Seconds of blocks in a launch; the usual one lasts while the processes of the next launch start."""
CLOCKS: tuple[Clock, ...] = ("wall", "cpu")
PLAIN = 0.25
"""Log ratio of an effect so large that even short launches show it: about 25 %."""


class TimedHead(NamedTuple):
    """The times of one head against base, and what its launches returned besides."""

    measurements: tuple[Measurement, ...]
    run: BenchmarkRun


class Schedule(NamedTuple):
    """Seconds of blocks in a launch, and the numbers of launches at which the data are looked at."""

    share: float
    looks: tuple[int, ...]


def schedule(budget: float, ratios: Sequence[float]) -> Schedule:
    """Plan by the rough ratios of the calibration, which are no samples: if all are plain, launches are short."""
    launches = min(max(budget / USUAL_LAUNCH, LAUNCHES[0]), LAUNCHES[1])
    share = min(max(budget / launches, SHORTEST_LAUNCH), LONGEST_LAUNCH)
    if ratios and all(ratio > 0 and abs(math.log(ratio)) > PLAIN for ratio in ratios):
        share = max(share / 4, SHORTEST_LAUNCH)
    return Schedule(share, looks_for(budget, LOOKS, share))


def measure_time(request: Request, rng: random.Random, report: Report) -> TimedHead:
    """Measure every call of the benchmark; at the time limit, return what was complete by then."""
    return measure_heads({"": request}, rng, report)[""]


def measure_heads(requests: Mapping[str, Request], rng: random.Random, report: Report) -> dict[str, TimedHead]:
    """Measure several heads with one base in the same turns, each until its own data decide; outputs only of the first.

    The requests differ in their heads alone. Budget and time limit are those of one comparison, multiplied by the
    sides that run. If one of the heads fails, the others are measured again without it: the result may have fewer
    heads, but always the first. Raises MeasuringError as for one head.
    """
    try:
        return _LockstepRun(requests, rng, report).measured()
    except PrprepError as error:
        if len(requests) == 1:
            raise
        report(f"not all {len(requests)} heads can be measured together: {error.what.splitlines()[0]}")
    first, *others = requests
    passing = [name for name in others if _passes(requests[name], rng)]
    # If each passes alone, it is not known which of them failed.
    again = [first, *(passing if len(passing) < len(others) else ())]
    return measure_heads({name: requests[name] for name in again}, rng, report)


def _passes(request: Request, rng: random.Random) -> bool:
    try:
        check(request, rng, silent, deadline=request.deadline())
    except (PrprepError, TimeLimitError):
        return False
    return True


class _LockstepRun:
    """One measurement of heads; `_names` are those of the requests by the names of the heads in launches."""

    def __init__(self, requests: Mapping[str, Request], rng: random.Random, report: Report) -> None:
        self._names = {f"head-{number}" if number > 1 else "head": name for number, name in enumerate(requests, 1)}
        self._requests = {head: requests[name] for head, name in self._names.items()}
        self._request, self._rng, self._report = self._requests["head"], rng, report
        self._runs = {head: BenchmarkRun() for head in self._names}

    def measured(self) -> dict[str, TimedHead]:
        request, timeout = self._request, self._request.timeout
        deadline = deadline_in(timeout and timeout * self._share_of_sides(self._names))
        with Launches(request, self._rng, deadline, heads=self._requests) as launches:
            plan, looks = self._planned(launches)
            new_sequence = partial(LaunchSequence, request, metric=MetricName.TIME, looks=looks, deadline=deadline)
            sequences = {head: new_sequence() for head in self._names}
            while running := {head: each for head, each in sequences.items() if each.should_continue()}:
                self._run(launches, plan, running)
        return {
            name: TimedHead(sequences[head].measurements(), self._runs[head])
            for head, name in self._names.items()
            if head == "head" or sequences[head].has_launches
        }

    def _share_of_sides(self, heads: Collection[str]) -> float:
        """Return how many sides run, as a multiple of those that a comparison of one head has."""
        return 1 + (len(heads) - 1) / len(self._request.roles)

    def _planned(self, launches: Launches) -> tuple[LaunchPlan, tuple[int, ...]]:
        """Run the launch that calibrates blocks and shows outputs; return the plan of the others, and the looks."""
        pilot, request = LaunchRecord(), self._request
        with suppress(TimeLimitError):
            launches.run(LaunchPlan(share=0.0), pilot, describe=True)
        parallel = parallel_calls(pilot, request.cores)
        if parallel:
            launches.use_all_cores()
        for head, run in self._runs.items():
            of_head = pilot.of_head(head)
            run.add(of_head)
            run.shared = tuple(call.key for call in of_head.calls if call.shared)
            run.shared_by_others = tuple(call.key for call in pilot.calls if call.shared and call.key not in run.shared)
            run.parallel = tuple(call.key for call in of_head.calls if call.key in parallel)
        self._runs["head"].compare(request, self._rng, self._report)
        ratios = [ratio for call in pilot.calls for ratio in call.rough_ratios.values()]
        planned = schedule(request.budget, ratios)
        rounds = {call.key: call.rounds for call in pilot.calls}
        return LaunchPlan(share=planned.share, rounds=rounds, parallel=parallel), planned.looks

    def _run(self, launches: Launches, plan: LaunchPlan, running: Mapping[str, LaunchSequence]) -> None:
        """Run a launch of those heads that are not decided yet."""
        record, is_last = LaunchRecord(), all(sequence.next_is_last for sequence in running.values())
        launches.keep(running)
        plan = replace(plan, share=(plan.share or 0.0) * self._share_of_sides(running))
        try:
            launches.run(plan, record, last=is_last)
        except TimeLimitError:
            for sequence in running.values():
                sequence.stopped = "timeout"
        for head, sequence in running.items():
            of_head = record.of_head(head)
            self._runs[head].add(of_head)
            wall, cpu = (_launches(of_head, clock) for clock in CLOCKS)
            sequence.add(wall, cpu=cpu, spent=sum(call.seconds for call in of_head.timed))
        line, several = next(iter(running.values())).line(), len(self._names)
        self._report(line if several == 1 else f"{line.partition(',')[0]}, {len(running)} of {several} heads")


def parallel_calls(pilot: LaunchRecord, choice: CoreChoice) -> frozenset[str]:
    """Return the calls that run on all cores: those in which others than the calling thread did part of the work."""
    return frozenset(call.key for call in pilot.calls if choice == "all" or (choice == "auto" and call.shared))


def _launches(record: LaunchRecord, clock: Clock) -> dict[str, Launch]:
    launches = {call.key: call.launch(clock) for call in record.timed}
    return {key: launch for key, launch in launches.items() if launch}


def check(request: Request, rng: random.Random, report: Report, *, deadline: float | None = None) -> BenchmarkRun:
    """Run the benchmark once on both sides without timing it: it must pass, and what its calls return is compared.

    Raises TimeLimitError at the deadline.
    """
    report("running the benchmark on both sides")
    record, run = LaunchRecord(), BenchmarkRun()
    with Launches(request, rng, deadline) as launches:
        launches.run(LaunchPlan(share=None), record, describe=True, last=True)
    run.add(record)
    run.compare(request, rng, report)
    return run
