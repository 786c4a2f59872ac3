"""Measure time: launches in lockstep, one after the other, until the sequence says that it is enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..artifacts import SIDES, Launch, Measurement, MetricName, Module, Output, Side
from .channel import TimeLimitError
from .lockstep import KeyLaunch, LaunchRecord, Plan, launch
from .outputs import judge
from .sequence import Sampling, looks_for
from .workers import Settings, core, hash_seed

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

    from ..progress import Report
    from .request import Request

LOOKS = (8, 12, 17, 24, 36, 54)
"""Numbers of launches after which the data are looked at, as far as the budget goes."""
LAUNCH_SECONDS = 0.8
"""Seconds of blocks that are worth a launch: two processes of the same code differ by more than longer blocks would show."""


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
        self.add_modules(record.modules)
        self.tests = self.tests or record.tests
        described = [entry for entry in record.keys if len(entry.repeats) == len(SIDES)]
        self.outputs = self.outputs or tuple(judge(entry.key, entry.described, entry.repeats) for entry in described)
        self.records.append(record)


def measure_time(request: Request, lots: random.Random, report: Report) -> tuple[tuple[Measurement, ...], Run]:
    """Measure every call of the benchmark; with a timeout, what was complete by then."""
    run = Run()
    looks = looks_for(request.budget, LOOKS, LAUNCH_SECONDS)
    sampling = Sampling(request, metric=MetricName.TIME, looks=looks)
    while sampling.goes_on():
        record = LaunchRecord()
        plan = Plan(_settings(request, lots, sampling), share=request.budget / max(looks), rounds=_rounds(run))
        try:
            launch(request, plan, lots, record)
        except TimeLimitError:
            sampling.cut()
        run.take(record)
        sampling.add(_samples(record), spent=sum(block.elapsed for entry in record.keys for _, block in entry.blocks))
        report(sampling.line())
    return sampling.measurements(), run


def check(request: Request, lots: random.Random, report: Report) -> Run:
    """Run the benchmark once on both sides without timing it: it must pass, and what its calls return is compared."""
    report("running the benchmark on both sides")
    record, run = LaunchRecord(), Run()
    settings = Settings(hash_seed(lots), core=core(pin=request.pin), describe=True)
    launch(request, Plan(settings, share=None), lots, record)
    run.take(record)
    return run


def _settings(request: Request, lots: random.Random, sampling: Sampling) -> Settings:
    return Settings(hash_seed(lots), core=core(pin=request.pin), describe=sampling.number == 0, deadline=sampling.deadline)


def _rounds(run: Run) -> dict[str, int]:
    return {entry.key: entry.rounds for record in run.records[:1] for entry in record.keys}


def _samples(record: LaunchRecord) -> dict[str, Launch]:
    return {entry.key: _launch(entry) for entry in record.keys if entry.per_call("base")}


def _launch(entry: KeyLaunch) -> Launch:
    return Launch(
        first=entry.first,
        seed=entry.seed,
        iterations=entry.rounds * entry.iterations,
        base=entry.per_call("base"),
        head=entry.per_call("head"),
    )
