"""One launch: a process for each side, led through the benchmark in turns; only one of them runs at a time.

The sides are base, head and control; further heads with the same base can take part (head-2, head-3, ...). The calls
and turns of a launch have the sides by these names; `TimedCall.of_head` returns those of one head, with base and
control.

For each benchmark call: one untimed call, rounds for each side so that every block takes the same few milliseconds,
warm-up until times no longer fall, garbage collected and frozen, then turns. A turn is one block of every side, in a
random order that is reversed from turn to turn (ABBA), on one core, or on all if the calls use threads or processes:
whatever disturbs the machine for longer than a turn disturbs all sides, and a slow drift cancels within two turns. If
the project's code allows it, each side runs its turns in a sequence of forked children.

The time of a call is wall time without the time in which its thread was ready to run and waited for a core
(`Block.own`): what it would have taken had the core been free. If that is not known, because the system does not report
it or other threads or processes do part of the work, it is the wall time of turns in which no other process took the
core.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import cycle
from types import MappingProxyType
from typing import Self

from ...artifacts import SIDES
from ...errors import MeasuringError
from ...processes.cores import Cores, all_cores, one_core
from ..outputs.attributes import merged, missing_attributes
from ..outputs.exploration import refusal
from ..provenance import check_control
from ..request import Request, Role
from ..workers.blocks import ELSEWHERE
from ..workers.workers import Ready, Settings, Worker, started
from .launch_record import LaunchRecord, TimedCall
from .turns import Turns, calibrate, settle

DEEPEST_PROPERTY = 3
"""Attributes that became properties are read so many times, since their values may have such attributes too."""
LEAST_ELSEWHERE = 50e-6
"""Seconds of other threads and processes in a first call that are no more than the readings themselves."""

_SAME = "the benchmark must run the same tests at both commits"
_FIXTURE = "write one that takes `benchmark` and calls it: `def test_x(benchmark): benchmark(function, argument)`"


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """How to run one launch.

    `share` is the seconds of blocks for the whole benchmark (0: blocks are only calibrated; None: not even that, the
    calls are only checked and described), `rounds` the rounds of each side's block for each key that an earlier
    launch has calibrated. `parallel` are the keys of calls that run on all cores, others on one; None: all do.
    """

    share: float | None
    rounds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    parallel: frozenset[str] | None = None

    def cores(self, key: str) -> Cores:
        """Return where a call runs."""
        return all_cores() if self.parallel is None or key in self.parallel else one_core()

    @property
    def first_cores(self) -> Cores:
        """Return where processes start and call for the first time: threads and children stay where they begin."""
        return all_cores() if self.parallel is None or self.parallel else one_core()


class Pair:
    """The workers of all sides, always at the same call of the benchmark; their process groups end with the context.

    They start together, each on the next of the `cores`. `heads` are the heads by their names, without them that of the
    request; each is a request for the same comparison but for the head.
    """

    def __init__(
        self,
        request: Request,
        settings: Settings,
        cores: Sequence[Cores] = (),
        *,
        heads: Mapping[str, Request] = MappingProxyType({}),
    ) -> None:
        self.settings = settings
        self._cores: Cores = ()
        sides: dict[str, tuple[Request, Role]] = {"base": (request, "base")}
        sides |= {name: (each, "head") for name, each in (heads or {"head": request}).items()}
        sides |= {"control": (request, "control")} if request.control else {}
        self.workers: dict[str, Worker] = {}
        self._contexts: dict[str, ExitStack] = {}
        with ExitStack() as stack:
            for (name, (asked, role)), each in zip(sides.items(), cycle(cores or ((),)), strict=False):
                self._contexts[name] = context = stack.enter_context(ExitStack())
                self.workers[name] = context.enter_context(started(asked, role, self._settings_of(name, each)))
            self._processes = stack.pop_all()

    def _settings_of(self, name: str, cores: Cores) -> Settings:
        # Control runs base's code too; if results differ, another process describes them (`outputs.witness`).
        return replace(self.settings, cores=cores, describe=self.settings.describe and name in SIDES)

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(name for name in self.workers if name not in {"base", "control"})

    def drop(self, heads: Iterable[str]) -> None:
        """End the processes of heads that take no further part."""
        for name in heads:
            del self.workers[name]
            self._contexts.pop(name).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._processes.close()

    def agree_on_tests(self) -> tuple[str, ...]:
        """Wait for all sides' tests; raise MeasuringError if there are none, or others on one side."""
        tests = {role: worker.collected() for role, worker in self.workers.items()}
        at_base = tests["base"]
        for role, others in tests.items():
            if lopsided := sorted(set(at_base) ^ set(others)):
                has, lacks = ("base", role) if lopsided[0] in at_base else (role, "base")
                what = f"this test is on {has} but not on {lacks}; the sides cannot be compared"
                raise MeasuringError(what, where=lopsided[0], hint=_SAME)
        if not at_base:
            raise MeasuringError("no test of the benchmark uses the `benchmark` fixture", hint=_FIXTURE)
        return at_base

    def advance(self) -> dict[str, Ready]:
        """Lead all sides to their next benchmark call; return nothing if all have ended."""
        ready = {role: worker.advance() for role, worker in self.workers.items()}
        if len({call and call.key for call in ready.values()}) > 1:
            calls = " and ".join(f"{f'`{call.key}`' if call else 'none'} on {role}" for role, call in ready.items())
            raise MeasuringError(f"the sides call the `benchmark` fixture differently: next is {calls}", hint=_SAME)
        return {role: call for role, call in ready.items() if call}

    def leave(self) -> None:
        """Let the processes end by themselves, so that they write what they still have to report; then end them."""
        with self:
            for worker in self.workers.values():
                worker.leave()

    def move(self, cores: Cores) -> None:
        """Let all processes run on these cores from now on."""
        if cores != self._cores:
            self._cores = cores
            for worker in self.workers.values():
                worker.move(cores)


def launch(pair: Pair, plan: LaunchPlan, *, rng: random.Random, record: LaunchRecord) -> None:
    """Run one launch into `record`; raise TimeLimitError at the deadline, with the record up to there."""
    record.tests = pair.agree_on_tests()
    record.unknown_options = pair.workers["base"].unknown_options
    pair.move(plan.first_cores)
    count = max(len(record.tests), len(plan.rounds))
    while ready := pair.advance():
        for role in ready:
            record.modules[role] |= set(ready[role].modules)
        order = tuple(rng.sample(list(pair.workers), len(pair.workers)))
        base = ready["base"]
        call = TimedCall(base.key, order, pair.settings.seed, iterations=base.iterations, phase=rng.random())
        call.first_call = {name: each.seconds for name, each in ready.items()}
        call.shared = frozenset(name for name, each in ready.items() if _is_shared(each))
        record.calls.append(call)
        pair.move(plan.cores(call.key))
        _serve(pair, ready, call, plan, share=None if plan.share is None else plan.share / count)
        pair.move(plan.first_cores)
    record.complete = True
    _agree_on_outcomes(pair, record)


def _is_shared(ready: Ready) -> bool:
    return ready.elsewhere > max(ELSEWHERE * ready.seconds, LEAST_ELSEWHERE)


def _serve(pair: Pair, ready: dict[str, Ready], call: TimedCall, plan: LaunchPlan, *, share: float | None) -> None:
    seconds = {role: each.seconds for role, each in ready.items()}
    if pair.settings.describe:
        seconds |= _describe(pair, call)
    if share is None:
        return
    if len({each.iterations for each in ready.values()}) > 1:
        raise MeasuringError("the sides set different `iterations`", where=call.key, hint=_SAME)
    settle(pair.workers)
    known = plan.rounds.get(call.key)
    call.rounds = {name: known[name] for name in pair.workers} if known else calibrate(pair.workers, seconds)
    turns = Turns(
        pair.workers, call.order, rounds=call.rounds, seconds=max(seconds.values()), taken=call.turns, phase=call.phase
    )
    if not share:
        call.rough_ratios = (
            {head: seconds[head] / seconds["base"] for head in pair.heads}
            if turns.is_long
            else turns.rough_ratios(pair.heads)
        )
        return
    call.steady, call.runs = turns.warm(share, rounds=ready["base"].warmup), turns.runs
    turns.sample(share)


def _describe(pair: Pair, call: TimedCall) -> dict[str, float]:
    """Record what base and head returned, and what they return again; return the second call's seconds."""
    seconds: dict[str, float] = {}
    for side in SIDES:
        call.described[side] = pair.workers[side].described()
    for _ in range(DEEPEST_PROPERTY):
        missing = missing_attributes(call.described)
        if not any(missing.values()):
            break
        call.attributes = merged(call.attributes, missing)
        for side in SIDES:
            call.described[side] |= pair.workers[side].again(call.attributes[side])["value"]
    for side in SIDES:
        again = pair.workers[side].again(call.attributes[side])
        call.again[side], seconds[side] = again["value"], again["seconds"]
    call.refused = refusal([pair.workers[side] for side in SIDES], max(call.first_call[side] for side in SIDES))
    return seconds


def _agree_on_outcomes(pair: Pair, record: LaunchRecord) -> None:
    for role, worker in pair.workers.items():
        if missing := sorted(set(record.tests) - set(worker.passed)):
            raise MeasuringError(f"this test was not run to its end on {role}", where=missing[0], hint=_SAME)
    if record.tests and not record.calls:
        raise MeasuringError(
            "the benchmark passes without calling its `benchmark` fixture", where=record.tests[0], hint=_FIXTURE
        )
    check_control(record.modules["base"], record.modules["control"])
