"""One launch: a process for each side, led through the benchmark in turns; only one of them runs at any time.

For each benchmark call: one untimed call, a common number of rounds so that a block takes a few milliseconds, warm-up until
times no longer fall, garbage collected and frozen, then turns. A turn is one block of every side, in an order by lot that is
reversed from turn to turn (ABBA), on one core: whatever disturbs the machine for longer than a turn disturbs all sides, and
what drifts slowly cancels within two. Where the target allows it, each side makes its turns in a sequence of forked children.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import TYPE_CHECKING

from ...artifacts import SIDES, Launch, Module, Side
from ...errors import MeasuringError
from ..workers.channel import TimeLimitError
from ..workers.workers import Ready, Settings, Worker, core, started
from .turns import Turns, calibrate, settle

if TYPE_CHECKING:
    import random

    from ..request import Request, Role
    from ..workers.channel import Message
    from .turns import Turn


@dataclass(frozen=True, slots=True)
class Plan:
    """How one launch is to be run.

    `share` is the seconds of blocks for the whole benchmark (0: the blocks are only calibrated, None: not even that; the
    calls are checked and described), `rounds` the rounds of a block for each key that an earlier launch has calibrated.
    """

    share: float | None
    rounds: Mapping[str, int] = field(default_factory=dict)


@dataclass
class KeyLaunch:
    """One benchmark call in one launch; turns in the order in which they were."""

    key: str
    order: tuple[Role, ...]
    seed: int
    phase: float = 0.0
    rounds: int = 1
    iterations: int = 1
    steady: bool = True
    rough_ratio: float | None = None
    """Where blocks were only calibrated: head over base, as a few of them showed it."""
    turns: list[Turn] = field(default_factory=list)
    described: dict[Side, Message] = field(default_factory=dict)
    repeats: dict[Side, bool] = field(default_factory=dict)

    @property
    def first(self) -> Side:
        return next(role for role in self.order if role != "control")

    @property
    def kept(self) -> list[Turn]:
        """Return the turns in which no block was preempted; all of them where that would leave out more than half.

        The rule is the same for every side: a turn is kept or left out as a whole.
        """
        undisturbed = [turn for turn in self.turns if not any(block.was_preempted for block in turn.values())]
        return undisturbed if 2 * len(undisturbed) >= len(self.turns) else self.turns

    @property
    def seconds(self) -> float:
        """Return the seconds that the turns took, with setup and teardown."""
        return sum(block.elapsed for turn in self.turns for block in turn.values())

    def launch(self, clock: str) -> Launch:
        """Return the samples by one of the block's clocks, `wall` or `cpu`, in seconds per call."""
        calls = self.rounds * self.iterations * 1e9
        kept = self.kept
        samples = {
            role: tuple(float(f"{getattr(turn[role], clock) / calls:.6g}") for turn in kept) for role in self.order
        }
        told = {
            "steady": self.steady,
            "left_out": len(self.turns) - len(kept),
            "iterations": self.rounds * self.iterations,
        }
        return Launch(first=self.first, seed=self.seed, **samples, **told)


@dataclass
class LaunchRecord:
    """What one launch gave, kept up to the moment when it was cut short."""

    keys: list[KeyLaunch] = field(default_factory=list)
    tests: tuple[str, ...] = ()
    modules: dict[Role, set[Module]] = field(default_factory=lambda: {"base": set(), "head": set(), "control": set()})
    complete: bool = False


class Pair:
    """The workers of all sides, always at the same place of the benchmark."""

    def __init__(self, workers: Mapping[Role, Worker], settings: Settings) -> None:
        self.workers, self.settings = workers, settings

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(self.workers)

    def agree_on_tests(self) -> tuple[str, ...]:
        """Wait for all sides' tests; raise MeasuringError where there are none, or others on one side."""
        tests = {role: worker.collected() for role, worker in self.workers.items()}
        for role in self.roles[1:]:
            if lopsided := sorted(set(tests["base"]) ^ set(tests[role])):
                has, lacks = ("base", role) if lopsided[0] in tests["base"] else (role, "base")
                what = f"this test is on {has} but not on {lacks}; the sides cannot be compared"
                raise MeasuringError(what, where=lopsided[0], hint=_SAME)
        if not tests["base"]:
            raise MeasuringError("no test of the benchmark uses the `benchmark` fixture", hint=_FIXTURE)
        return tests["base"]

    def advance(self) -> dict[Role, Ready] | None:
        """Lead all sides to their next benchmark call; None where all have ended."""
        ready = {role: worker.advance() for role, worker in self.workers.items()}
        reached = {role: call for role, call in ready.items() if call is not None}
        if not reached:
            return None
        if len(reached) < len(ready) or len({call.key for call in reached.values()}) > 1:
            told = " and ".join(
                f"`{each.key}` on {side}" if each else f"none on {side}" for side, each in ready.items()
            )
            raise MeasuringError(f"the sides call the `benchmark` fixture differently: next is {told}", hint=_SAME)
        return reached

    def leave(self) -> None:
        for worker in self.workers.values():
            worker.leave()

    def move(self, to: int | None) -> None:
        for worker in self.workers.values():
            worker.move(to)


COMPILED = (".so", ".pyd", ".dylib")
_SAME = "the benchmark must run the same tests at both commits"
_FIXTURE = "write one that takes `benchmark` and calls it: `def test_x(benchmark): benchmark(function, argument)`"


@contextmanager
def paired(request: Request, settings: Settings, cores: tuple[int, ...] = ()) -> Iterator[Pair]:
    """Start all sides together, spread over `cores` (where there are any); their process groups end with the block."""
    spread = cycle(cores or (settings.core,))
    with ExitStack() as stack:
        sides = {role: replace(settings, core=next(spread)) for role in request.roles}
        yield Pair({role: stack.enter_context(started(request, role, sides[role])) for role in sides}, settings)


def launch(request: Request, pair: Pair, plan: Plan, *, lots: random.Random, record: LaunchRecord) -> None:
    """Run one launch into `record`; raise TimeLimitError at the deadline, with the record as far as it came."""
    record.tests = pair.agree_on_tests()
    pair.move(core(pin=request.pin))
    keys = max(len(record.tests), len(plan.rounds))
    while ready := pair.advance():
        for role in pair.roles:
            record.modules[role] |= set(ready[role].modules)
        order = _lot(pair.roles, lots)
        entry = KeyLaunch(
            ready["base"].key, order, pair.settings.seed, iterations=ready["base"].iterations, phase=lots.random()
        )
        record.keys.append(entry)
        _serve(pair, ready, entry, plan, share=None if plan.share is None else plan.share / keys)
    record.complete = True
    _agree_on_outcomes(pair, record)


def _serve(pair: Pair, ready: dict[Role, Ready], entry: KeyLaunch, plan: Plan, *, share: float | None) -> None:
    seconds = {role: call.seconds for role, call in ready.items()}
    if pair.settings.describe:
        seconds |= _describe(pair, entry)
    if share is None:
        return
    if len({call.iterations for call in ready.values()}) > 1:
        raise MeasuringError("the sides ask for different `iterations`", where=entry.key, hint=_SAME)
    settle(pair.workers)
    if entry.key in plan.rounds:
        entry.rounds = plan.rounds[entry.key]
    else:
        entry.rounds = calibrate(pair.workers, seconds)
    turns = Turns(
        pair.workers,
        entry.order,
        rounds=entry.rounds,
        seconds=max(seconds.values()),
        taken=entry.turns,
        phase=entry.phase,
    )
    if not share:
        entry.rough_ratio = seconds["head"] / seconds["base"] if turns.is_long else turns.rough_ratio()
        return
    entry.steady = turns.warm(share, asked=ready["base"].warmup)
    turns.sample(share)


def _describe(pair: Pair, entry: KeyLaunch) -> dict[Role, float]:
    """Keep what either side returned, and whether it returns it again; give the second call's seconds."""
    seconds: dict[Role, float] = {}
    for side in SIDES:
        entry.described[side] = pair.workers[side].described()
        again = pair.workers[side].ask("again")
        entry.repeats[side], seconds[side] = again["same"], again["seconds"]
    if "control" in pair.workers:
        pair.workers["control"].described()
    return seconds


def _agree_on_outcomes(pair: Pair, record: LaunchRecord) -> None:
    for role, worker in pair.workers.items():
        if missing := sorted(set(record.tests) - set(worker.passed)):
            raise MeasuringError(f"this test was not run to its end on {role}", where=missing[0], hint=_SAME)
    if record.tests and not record.keys:
        raise MeasuringError(
            "the benchmark passes without calling its `benchmark` fixture", where=record.tests[0], hint=_FIXTURE
        )
    # What is compiled holds paths of the folder where that was done.
    base, control = (
        {module.path: module.blob for module in record.modules[role] if not module.path.endswith(COMPILED)}
        for role in ("base", "control")
    )
    if other := sorted(path for path in base.keys() & control.keys() if base[path] != control[path]):
        raise MeasuringError(
            "this file of the control is not base's", where=other[0], hint="delete prprep's cache and run doit again"
        )


def _lot(roles: tuple[Role, ...], lots: random.Random) -> tuple[Role, ...]:
    return tuple(lots.sample(roles, len(roles)))


__all__ = ["KeyLaunch", "LaunchRecord", "Pair", "Plan", "TimeLimitError", "launch", "paired"]
