"""Measure time: launches in lockstep, one after the other, until the sequence says that it is enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ...artifacts import SIDES, Measurement, MetricName, Module, Output, Side
from ..outputs.outputs import judge
from ..workers import memory_layout
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, hash_seed, starting_cores
from .lockstep import KeyLaunch, LaunchRecord, Pair, Plan, launch, paired
from .sequence import Sampling, deadline_of, looks_for

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request

LOOKS = (8, 12, 16, 24, 36, 54)
"""Numbers of launches after which the data are looked at, as far as the budget goes."""
LAUNCHES = 8, 16
"""Launches that a budget is meant for: fewer say too little of how processes differ, more would mostly start processes."""
SHORTEST_LAUNCH, USUAL_LAUNCH, LONGEST_LAUNCH = 0.3, 1.6, 2.5
"""Seconds of blocks in a launch; in the usual one the processes of the next are started."""
PLAIN = 0.25
"""The log of a ratio that short launches show as well: a quarter."""


@dataclass
class Run:
    """What the launches of the benchmark gave beside their samples."""

    tests: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    modules: dict[Side, set[Module]] = field(default_factory=lambda: {"base": set(), "head": set()})
    records: list[LaunchRecord] = field(default_factory=list)

    def add_modules(self, modules: Mapping[Side, Iterable[Module]]) -> None:
        for side in SIDES:
            self.modules[side] |= set(modules[side])

    def take(self, record: LaunchRecord) -> None:
        for side in SIDES:
            self.modules[side] |= record.modules[side]
        self.tests = self.tests or record.tests
        described = [entry for entry in record.keys if len(entry.repeats) == len(SIDES)]
        self.outputs = self.outputs or tuple(judge(entry.key, entry.described, entry.repeats) for entry in described)
        self.records.append(record)

    @property
    def notes(self) -> tuple[str, ...]:
        """Tell of calls that never became steady, and of turns that were left out."""
        return tuple(note for key in dict.fromkeys(entry.key for entry in self.timed) for note in self._notes_on(key))

    @property
    def timed(self) -> list[KeyLaunch]:
        return [entry for record in self.records for entry in record.keys if entry.turns]

    def _notes_on(self, key: str) -> Iterator[str]:
        entries, name = [entry for entry in self.timed if entry.key == key], key.rpartition("::")[2]
        if falling := sum(not entry.steady for entry in entries):
            yield f"{name}: in {falling} of {len(entries)} launches times were still falling when warming up ended."
        turns = sum(len(entry.turns) for entry in entries)
        if left_out := turns - sum(len(entry.kept) for entry in entries):
            yield f"{name}: {left_out:,} of {turns:,} turns were left out on all sides, because another process took the core in them."

    @property
    def preempted(self) -> float:
        """Return the share of blocks from which another process took the core."""
        blocks = [block for entry in self.timed for turn in entry.turns for block in turn.values()]
        return sum(block.was_preempted for block in blocks) / len(blocks) if blocks else 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the budget is spent: seconds of blocks in a launch, and the numbers of launches at which the data are looked at."""

    share: float
    looks: tuple[int, ...]


def schedule(budget: float, ratios: Sequence[float]) -> Schedule:
    """Plan by the rough ratios that calibrating saw, which are no samples: where all are plain, launches are short."""
    launches = min(max(budget / USUAL_LAUNCH, LAUNCHES[0]), LAUNCHES[1])
    share = min(max(budget / launches, SHORTEST_LAUNCH), LONGEST_LAUNCH)
    if ratios and all(ratio > 0 and abs(math.log(ratio)) > PLAIN for ratio in ratios):
        share = max(share / 4, SHORTEST_LAUNCH)
    return Schedule(share, looks_for(budget, LOOKS, share))


def measure_time(request: Request, lots: random.Random, report: Report) -> tuple[tuple[Measurement, ...], Run]:
    """Measure every call of the benchmark; with a timeout, what was complete by then."""
    run, deadline = Run(), deadline_of(request)
    with Launches(request, lots, deadline) as launches:
        pilot = LaunchRecord()
        with suppress(TimeLimitError):
            launches.run(Plan(share=0.0), pilot, describe=True)
        run.take(pilot)
        planned = schedule(request.budget, _rough(pilot))
        sampling = Sampling(request, metric=MetricName.TIME, looks=planned.looks, deadline=deadline)
        plan = Plan(share=planned.share, rounds={entry.key: entry.rounds for entry in pilot.keys})
        while sampling.goes_on():
            record = LaunchRecord()
            try:
                launches.run(plan, record)
            except TimeLimitError:
                sampling.cut()
            run.take(record)
            entries = [entry for entry in record.keys if entry.turns]
            sampling.add(
                {entry.key: entry.launch("wall") for entry in entries}, spent=sum(entry.seconds for entry in entries)
            )
            report(sampling.line())
    return _with_cpu_time(sampling.measurements(), run), run


def check(request: Request, lots: random.Random, report: Report) -> Run:
    """Run the benchmark once on both sides without timing it: it must pass, and what its calls return is compared."""
    report("running the benchmark on both sides")
    record, run = LaunchRecord(), Run()
    with Launches(request, lots, deadline=None) as launches:
        launches.run(Plan(share=None), record, describe=True, last=True)
    run.take(record)
    return run


class Launches:
    """Run launches; where another core is free, the processes of the next one start there while one is measured.

    Those of the one before come to their end there: waiting for either every time would take as long as the samples.
    """

    def __init__(self, request: Request, lots: random.Random, deadline: float | None) -> None:
        self._request, self._lots, self._deadline = request, lots, deadline
        self._others = starting_cores(pin=request.pin, alone=False)
        self._ahead: Started | None = None
        self._ended: Started | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ahead:
            self._ahead.end()
        if self._ended:
            self._ended.leave()

    def run(self, plan: Plan, record: LaunchRecord, *, describe: bool = False, last: bool = False) -> None:
        """Run one launch into `record`, the `last` of all or not; raise TimeLimitError at the deadline."""
        current, self._ahead = self._ahead or self._start(describe=describe, alone=True), None
        with current.until_finished():
            if self._others and not last:
                self._ahead = self._start(describe=False, alone=False)
            launch(self._request, current.pair, plan, lots=self._lots, record=record)
        if self._ended:
            self._ended.leave()
        self._ended = current
        current.pair.move(self._others[0] if self._others else None)

    def _start(self, *, describe: bool, alone: bool) -> Started:
        settings = Settings(
            hash_seed(self._lots), layout=memory_layout.draw(self._lots), describe=describe, deadline=self._deadline
        )
        return Started(paired(self._request, settings, starting_cores(pin=self._request.pin, alone=alone)))


class Started:
    """A pair whose processes live beyond one block of code."""

    def __init__(self, sides: AbstractContextManager[Pair]) -> None:
        self._stack = ExitStack()
        self.pair = self._stack.enter_context(sides)

    @contextmanager
    def until_finished(self) -> Iterator[None]:
        """End the processes where the block fails."""
        try:
            yield
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End the processes where they are."""
        self._stack.close()

    def leave(self) -> None:
        """Let the processes end by themselves, so that they write what they still have to say; then for certain."""
        with self._stack:
            self.pair.leave()


def _rough(pilot: LaunchRecord) -> list[float]:
    return [entry.rough_ratio for entry in pilot.keys if entry.rough_ratio is not None]


def _with_cpu_time(timed: tuple[Measurement, ...], run: Run) -> tuple[Measurement, ...]:
    """Put the CPU time of the same blocks beside their wall time."""

    def beside(measurement: Measurement) -> Measurement:
        launches = tuple(entry.launch("cpu") for entry in run.timed if entry.key == measurement.test)
        return measurement.model_copy(update={"metric": MetricName.CPU, "launches": launches})

    return tuple(each for measurement in timed for each in (measurement, beside(measurement)))
