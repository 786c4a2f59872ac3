"""One launch: a process for each side, led through the benchmark in turns; only one of them runs at any time.

For each benchmark call: one untimed call, a common number of rounds so that a block takes a few milliseconds,
warm-up, garbage collected and frozen, then blocks in the order ABBA, the first side by lot. Whatever disturbs the
machine for longer than a block disturbs both sides, and what drifts slowly cancels within four blocks.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..artifacts import SIDES, Module, Side
from ..errors import MeasuringError
from .channel import Message, TimeLimitError
from .workers import Block, Ready, Settings, Worker, started

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

    from .request import Request

BLOCK_SECONDS = 0.003
"""What the faster side's block should take at least."""
LONGEST_BLOCK_SECONDS = 0.06
"""What the slower side's block should not exceed, unless one call does."""
WARM_SHARE = 0.1
"""Of the time for blocks, what goes to warming up, at most WARM_SECONDS."""
WARM_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Plan:
    """How one launch is to be run.

    `share` is the seconds of blocks for the whole benchmark (None: no blocks, the calls are only checked and
    described), `rounds` the rounds of a block for each key that an earlier launch has calibrated.
    """

    settings: Settings
    share: float | None
    rounds: Mapping[str, int] = field(default_factory=dict)


@dataclass
class KeyLaunch:
    """One benchmark call in one launch; blocks in the order in which they ran."""

    key: str
    first: Side
    seed: int
    rounds: int = 1
    iterations: int = 1
    blocks: list[tuple[Side, Block]] = field(default_factory=list)
    described: dict[Side, Message] = field(default_factory=dict)
    repeats: dict[Side, bool] = field(default_factory=dict)

    def per_call(self, side: Side) -> tuple[float, ...]:
        """Give seconds per call of each block of a side, as many as the other side has."""
        pairs = min(sum(1 for owner, _ in self.blocks if owner == each) for each in SIDES)
        calls = self.rounds * self.iterations * 1e9
        return tuple(float(f"{block.wall / calls:.6g}") for owner, block in self.blocks if owner == side)[:pairs]


@dataclass
class LaunchRecord:
    """What one launch gave, kept up to the moment when it was cut short."""

    keys: list[KeyLaunch] = field(default_factory=list)
    tests: tuple[str, ...] = ()
    modules: dict[Side, set[Module]] = field(default_factory=lambda: {"base": set(), "head": set()})
    complete: bool = False


class Pair:
    """Both sides' workers, always at the same place of the benchmark."""

    def __init__(self, workers: Mapping[Side, Worker]) -> None:
        self.workers = workers

    def agree_on_tests(self) -> tuple[str, ...]:
        """Wait for both sides' tests; raise MeasuringError where there are none, or others on one side."""
        base, head = (self.workers[side].collected() for side in SIDES)
        if lopsided := sorted(set(base) ^ set(head)):
            has, lacks = SIDES if lopsided[0] in base else SIDES[::-1]
            raise MeasuringError(f"this test is on {has} but not on {lacks}; the sides cannot be compared", where=lopsided[0], now=_SAME)
        if not base:
            raise MeasuringError("no test of the benchmark uses the `benchmark` fixture", now=_FIXTURE)
        return base

    def advance(self) -> dict[Side, Ready] | None:
        """Lead both sides to their next benchmark call; None where both have ended."""
        ready = {side: self.workers[side].advance() for side in SIDES}
        base, head = ready["base"], ready["head"]
        if base is None and head is None:
            return None
        if base is None or head is None or base.key != head.key:
            told = " and ".join(f"`{each.key}` on {side}" if each else f"none on {side}" for side, each in ready.items())
            raise MeasuringError(f"the sides call the `benchmark` fixture differently: next is {told}", now=_SAME)
        return {"base": base, "head": head}


_SAME = "the benchmark must run the same tests at both commits"
_FIXTURE = "write one that takes `benchmark` and calls it: `def test_x(benchmark): benchmark(function, argument)`"


@contextmanager
def paired(request: Request, settings: Settings) -> Iterator[Pair]:
    """Start both sides together; their process groups end with the block."""
    with ExitStack() as stack:
        yield Pair({side: stack.enter_context(started(request, side, settings)) for side in SIDES})


def launch(request: Request, plan: Plan, lots: random.Random, record: LaunchRecord) -> None:
    """Run one launch into `record`; raise TimeLimitError at the deadline, with the record as far as it came."""
    with paired(request, plan.settings) as pair:
        record.tests = pair.agree_on_tests()
        keys = max(len(record.tests), len(plan.rounds))
        while ready := pair.advance():
            for side in SIDES:
                record.modules[side] |= set(ready[side].modules)
            entry = KeyLaunch(ready["base"].key, _lot(lots), plan.settings.seed, iterations=ready["base"].iterations)
            record.keys.append(entry)
            _serve(pair, ready, entry, plan, share=None if plan.share is None else plan.share / keys)
        record.complete = True
        _agree_on_outcomes(pair, record)


def _serve(pair: Pair, ready: dict[Side, Ready], entry: KeyLaunch, plan: Plan, *, share: float | None) -> None:
    seconds = {side: ready[side].seconds for side in SIDES}
    if plan.settings.describe:
        seconds = _describe(pair, entry)
    if share is None:
        return
    if len({ready[side].iterations for side in SIDES}) > 1:
        raise MeasuringError("the sides ask for different `iterations`", where=entry.key, now=_SAME)
    entry.rounds = plan.rounds.get(entry.key) or _calibrate(pair, seconds)
    long = max(seconds.values()) >= LONGEST_BLOCK_SECONDS and entry.rounds == 1
    _warm(pair, entry, 0.0 if long else min(WARM_SHARE * share, WARM_SECONDS), asked=ready["base"].warmup)
    for side in SIDES:
        pair.workers[side].settle()
    _sample(pair, entry, share)


def _describe(pair: Pair, entry: KeyLaunch) -> dict[Side, float]:
    """Keep what either side returned, and whether it returns it again; give the second call's seconds."""
    seconds = {}
    for side in SIDES:
        entry.described[side] = pair.workers[side].described()
        again = pair.workers[side].again()
        entry.repeats[side], seconds[side] = again["same"], again["seconds"]
    return seconds


def _calibrate(pair: Pair, seconds: Mapping[Side, float]) -> int:
    """Find the rounds of a block, the same for both sides."""
    rounds = 1
    if min(seconds.values()) >= LONGEST_BLOCK_SECONDS:
        return rounds
    while True:
        blocks = [pair.workers[side].run(rounds, timed=False) for side in SIDES]
        more = more_rounds(rounds, min(block.wall for block in blocks) / 1e9, max(block.elapsed for block in blocks))
        if more <= rounds:
            return rounds
        rounds = more


def more_rounds(rounds: int, fast: float, slow: float) -> int:
    """Give the rounds to try next, after `rounds` took `fast` seconds on the faster and `slow` on the slower side."""
    if fast >= 0.8 * BLOCK_SECONDS or slow >= 0.8 * LONGEST_BLOCK_SECONDS:
        return rounds
    growth = min(BLOCK_SECONDS / max(fast, 1e-9), LONGEST_BLOCK_SECONDS / max(slow, 1e-9), 20.0)
    return max(rounds + 1, math.ceil(rounds * growth))


def _warm(pair: Pair, entry: KeyLaunch, seconds: float, *, asked: int) -> None:
    """Run untimed blocks until the time is up and as many rounds as the benchmark asks for are done."""
    rounds, spent = 0, 0.0
    while spent < seconds or rounds < asked:
        blocks = [pair.workers[side].run(entry.rounds, timed=False) for side in order(entry.first)[:2]]
        rounds, spent = rounds + entry.rounds, spent + sum(block.elapsed for block in blocks)


def _sample(pair: Pair, entry: KeyLaunch, share: float) -> None:
    """Run blocks ABBA for `share` seconds: whole fours, only one pair where a call is so long that four exceed it."""
    spent = 0.0
    while True:
        for index, side in enumerate(order(entry.first)):
            block = pair.workers[side].run(entry.rounds)
            entry.blocks.append((side, block))
            spent += block.elapsed
            if len(entry.blocks) == index + 1 == len(SIDES) and spent >= share:
                return
        if spent >= share:
            return


def order(first: Side) -> tuple[Side, Side, Side, Side]:
    other: Side = "head" if first == "base" else "base"
    return (first, other, other, first)


def _agree_on_outcomes(pair: Pair, record: LaunchRecord) -> None:
    for side in SIDES:
        if missing := sorted(set(record.tests) - set(pair.workers[side].passed)):
            raise MeasuringError(f"this test was not run to its end on {side}", where=missing[0], now=_SAME)
    if record.tests and not record.keys:
        raise MeasuringError("the benchmark passes without calling its `benchmark` fixture", where=record.tests[0], now=_FIXTURE)


def _lot(lots: random.Random) -> Side:
    return "base" if lots.random() < 0.5 else "head"  # noqa: PLR2004 - a coin


def expired(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


__all__ = ["KeyLaunch", "LaunchRecord", "Pair", "Plan", "TimeLimitError", "expired", "launch", "paired"]
