"""Measure time: launches in lockstep, one after the other, until the data decide."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ...artifacts import SIDES, Launch, Measurement, MetricName, Module, Output, Side
from ...manifest.model import CoreChoice
from ...processes import beside
from ...processes.cores import all_cores, other_cores
from ...processes.progress import Report
from ..outputs.witness import CallResults, compare_outputs
from ..request import Request
from ..workers import memory_layout
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, hash_seed
from .lockstep import Clock, LaunchPlan, LaunchRecord, Pair, TimedCall, launch
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


@dataclass
class BenchmarkRun:
    """What the launches of the benchmark returned besides their samples."""

    tests: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    modules: dict[Side, set[Module]] = field(default_factory=lambda: {"base": set(), "head": set()})
    records: list[LaunchRecord] = field(default_factory=list)
    shared: tuple[str, ...] = ()
    """The calls that used other threads or processes in the first launch."""
    parallel: tuple[str, ...] = ()
    """The calls that were timed on all cores."""

    def add(self, record: LaunchRecord) -> None:
        for side in SIDES:
            self.modules[side] |= record.modules[side]
        self.tests = self.tests or record.tests
        self.records.append(record)

    def compare(self, request: Request, rng: random.Random, report: Report) -> None:
        """Compare what the calls of the first launch returned."""
        calls = [call for call in self.records[0].calls if len(call.again) == len(SIDES)]
        results = [CallResults(call.key, call.described, call.again, call.attributes) for call in calls]
        self.outputs = compare_outputs(request, results, rng, report)

    @property
    def notes(self) -> tuple[str, ...]:
        keys = dict.fromkeys(call.key for call in self.timed)
        return (
            *self._notes_on_options(),
            *self._notes_on_cores(),
            *(note for key in keys for note in self._notes_on(key)),
        )

    @property
    def unknown_options(self) -> tuple[str, ...]:
        """Return those of the target's own options for pytest that nothing registers here."""
        return self.records[0].unknown_options if self.records else ()

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Return the calls without a single turn that can be used."""
        usable = {call.key for call in self.timed if call.usable}
        return tuple(dict.fromkeys(call.key for call in self.timed if call.key not in usable))

    @property
    def refused(self) -> dict[str, str]:
        """Return, by call, why its inputs cannot be varied; only the first launch asks."""
        return {call.key: call.refused for record in self.records[:1] for call in record.calls if call.refused}

    @property
    def timed(self) -> list[TimedCall]:
        return [call for record in self.records for call in record.timed]

    def _notes_on_options(self) -> Iterator[str]:
        if unknown := ", ".join(self.unknown_options):
            yield f"No conftest or installed plugin defines these options of the project for pytest: {unknown}."

    def _notes_on_cores(self) -> Iterator[str]:
        for key in self.shared if len(all_cores()) > 1 else ():
            uses = f"{key.rpartition('::')[2]}: the calls use several threads or processes"
            if key in self.parallel:
                yield f"{uses}, so they ran on all {len(all_cores())} cores."
            else:
                yield f"{uses}, but they ran on one core (`cores: 1`)."

    def _notes_on(self, key: str) -> Iterator[str]:
        calls, name = [call for call in self.timed if call.key == key], key.rpartition("::")[2]
        if falling := sum(not call.steady for call in calls):
            yield f"{name}: in {falling} of {len(calls)} launches times were still falling when warming up ended."
        if any(call.is_outlived for call in calls):
            yield (
                f"{name}: the CPU time is not known, because child processes of the call still run after it, "
                "or because this system does not report what they use."
            )
        turns = sum(len(call.turns) for call in calls)
        if discarded := turns - sum(len(call.usable) for call in calls):
            yield (
                f"{name}: {discarded:,} of {turns:,} turns were left out on all sides, "
                "because another process took the core in them."
            )

    @property
    def preempted(self) -> float:
        """Return the share of blocks from which another process took the core."""
        blocks = [block for call in self.timed for turn in call.turns for block in turn.values()]
        return sum(block.was_preempted for block in blocks) / len(blocks) if blocks else 0.0


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


def measure_time(request: Request, rng: random.Random, report: Report) -> tuple[tuple[Measurement, ...], BenchmarkRun]:
    """Measure every call of the benchmark; at the time limit, return what was complete by then."""
    run, deadline = BenchmarkRun(), request.deadline()
    with Launches(request, rng, deadline) as launches:
        pilot = LaunchRecord()
        with suppress(TimeLimitError):
            launches.run(LaunchPlan(share=0.0), pilot, describe=True)
        run.add(pilot)
        run.compare(request, rng, report)
        parallel = parallel_calls(pilot, request.cores)
        if parallel:
            launches.use_all_cores()
        run.shared = tuple(call.key for call in pilot.calls if call.is_shared)
        run.parallel = tuple(call.key for call in pilot.calls if call.key in parallel)
        planned = schedule(request.budget, [call.rough_ratio for call in pilot.calls if call.rough_ratio is not None])
        sequence = LaunchSequence(request, metric=MetricName.TIME, looks=planned.looks, deadline=deadline)
        plan = LaunchPlan(
            share=planned.share, rounds={call.key: call.rounds for call in pilot.calls}, parallel=parallel
        )
        while sequence.should_continue():
            record = LaunchRecord()
            try:
                launches.run(plan, record, last=sequence.next_is_last)
            except TimeLimitError:
                sequence.stopped = "timeout"
            run.add(record)
            wall, cpu = (_launches(record, clock) for clock in CLOCKS)
            sequence.add(wall, cpu=cpu, spent=sum(call.seconds for call in record.timed))
            report(sequence.line())
    return sequence.measurements(), run


def parallel_calls(pilot: LaunchRecord, choice: CoreChoice) -> frozenset[str]:
    """Return the calls that run on all cores: those in which others than the calling thread did part of the work."""
    return frozenset(call.key for call in pilot.calls if choice == "all" or (choice == "auto" and call.is_shared))


def _launches(record: LaunchRecord, clock: Clock) -> dict[str, Launch]:
    launches = {call.key: call.launch(clock) for call in record.timed}
    return {key: launch for key, launch in launches.items() if launch}


def check(request: Request, rng: random.Random, report: Report) -> BenchmarkRun:
    """Run the benchmark once on both sides without timing it: it must pass, and what its calls return is compared."""
    report("running the benchmark on both sides")
    record, run = LaunchRecord(), BenchmarkRun()
    with Launches(request, rng, deadline=None) as launches:
        launches.run(LaunchPlan(share=None), record, describe=True, last=True)
    run.add(record)
    run.compare(request, rng, report)
    return run


class Launches:
    """Run launches; if another core is free, the processes of the next launch start there while one is measured.

    Those of the previous launch end there: waiting for either each time would take as long as the samples.
    """

    def __init__(self, request: Request, rng: random.Random, deadline: float | None) -> None:
        self._request, self._rng, self._deadline = request, rng, deadline
        self._others, self._alone = other_cores(), False
        self._next: Pair | None = None
        self._previous: Pair | None = None

    def use_all_cores(self) -> None:
        """From now on start no processes while others are measured: these use all cores."""
        self._others, self._alone = (), True
        if self._next:
            # It was started on one core: what it imports may have seen that.
            self._next.end()
            self._next = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        beside.let_others_go_on()
        if self._next:
            self._next.end()
        if self._previous:
            self._previous.leave()

    def run(self, plan: LaunchPlan, record: LaunchRecord, *, describe: bool = False, last: bool = False) -> None:
        """Run one launch into `record`; `last` starts no next one. Raises TimeLimitError at the deadline."""
        if self._alone:
            beside.stop_others()  # those that have begun since the last launch, too
        pair, self._next = self._next or self._start(describe=describe, alone=True), None
        try:
            if self._others and not last:
                self._next = self._start(describe=False, alone=False)
            launch(pair, plan, rng=self._rng, record=record)
        except BaseException:
            pair.end()
            raise
        if self._previous:
            self._previous.leave()
        self._previous = pair
        pair.move(self._others[:1])

    def _start(self, *, describe: bool, alone: bool) -> Pair:
        settings = Settings(
            hash_seed(self._rng), layout=memory_layout.draw(self._rng), describe=describe, deadline=self._deadline
        )
        cores = [all_cores()] if alone else [(core,) for core in self._others]
        return Pair(self._request, settings, cores)
