"""Let the sides run blocks in turns: calibration, warm-up, and the samples, in forked children where that can be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from statistics import fmean, median
from typing import TYPE_CHECKING

from ..workers.workers import Block, ChildFailedError, Worker

if TYPE_CHECKING:
    from ..request import Role

Turn = dict["Role", Block]
"""One block of every side, taken one after the other."""

BLOCK_SECONDS = 0.003
"""What the fastest side's block should take at least."""
LONGEST_BLOCK_SECONDS = 0.012
"""What the slowest side's block should not exceed, unless one call does: another process would be let in."""
LONG_CALL_SECONDS = 0.03
"""A call that takes as long is warmed up by the test's own call."""
WARM_SHARE = 0.08
"""Of the time for blocks, what goes to warming up at most, unless that is less than WARM_SECONDS, or a quarter where that is less."""
WARM_SECONDS = 0.15
STEADY_TURNS = 3
"""Blocks of a side are steady when the median of so many is not smaller than that of as many before them, but for STILL_FALLING."""
STILL_FALLING = 0.02
CHILD_SECONDS = 0.08
"""Of blocks of one side in one child: what two children differ by is then more than what more blocks would show."""
FEWEST_TURNS = 8
"""In a child, so that its untimed turn stays a small part."""
PHASE_STEP = (math.sqrt(5) - 1) / 2
"""From turn to turn the garbage collector's cycle begins so much further on: steps of the golden ratio cover it evenly."""
ROUGH_TURNS = 5
MOST = 1.5
"""Times its share that a launch may take."""


def calibrate(workers: Mapping[Role, Worker], seconds: Mapping[Role, float]) -> int:
    """Find the rounds of a block, the same for all sides, given the seconds of one call on each."""
    rounds = 1
    if max(seconds.values()) >= LONG_CALL_SECONDS:
        return rounds
    while True:
        blocks = [worker.run(rounds, timed=False) for worker in workers.values()]
        more = more_rounds(rounds, min(block.wall for block in blocks) / 1e9, max(block.elapsed for block in blocks))
        if more <= rounds:
            return rounds
        rounds = more


def more_rounds(rounds: int, fast: float, slow: float) -> int:
    """Return the rounds to try next, after `rounds` took `fast` seconds on the fastest and `slow` on the slowest side."""
    if fast >= 0.8 * BLOCK_SECONDS or slow >= 0.8 * LONGEST_BLOCK_SECONDS:
        return rounds
    growth = min(BLOCK_SECONDS / max(fast, 1e-9), LONGEST_BLOCK_SECONDS / max(slow, 1e-9), 20.0)
    return max(rounds + 1, math.ceil(rounds * growth))


def settle(workers: Mapping[Role, Worker]) -> bool:
    """Collect garbage and freeze what is left, so that collections before blocks are short; say whether all can fork."""
    forkable = [worker.settle() for worker in workers.values()]
    return all(forkable)


class Turns:
    """The turns of one benchmark call in one launch, `taken` as far as they are samples.

    A call takes about `seconds`; blocks begin at `phase` of the garbage collector's cycle, and go on from there.
    """

    def __init__(
        self,
        workers: Mapping[Role, Worker],
        order: tuple[Role, ...],
        *,
        rounds: int,
        seconds: float,
        taken: list[Turn],
        phase: float = 0.0,
    ) -> None:
        self._workers, self._rounds, self._seconds, self._taken = workers, rounds, seconds, taken
        self._orders, self._phase = cycle((order, order[::-1])), phase
        self._spent = 0.0
        self._latest: list[float] = []

    def rough_ratio(self) -> float:
        """Return the ratio head over base, to see whether it is plain: of a few turns the one closest to 1, and 1 where they disagree."""
        logs = [
            math.log(turn["head"].wall / turn["base"].wall)
            for turn in (self._turn(timed=False) for _ in range(ROUGH_TURNS))
        ]
        if min(logs) <= 0 <= max(logs):
            return 1.0
        return math.exp(min(logs, key=abs))

    def warm(self, share: float, *, asked: int) -> bool:
        """Take untimed turns until they are steady, and `asked` rounds are done; say whether they became steady in time."""
        turns: list[Turn] = []
        limit = max(WARM_SHARE * share, min(WARM_SECONDS, share / 4))
        if not asked and self.is_long:
            return True
        while True:
            turns.append(self._turn(timed=False))
            done = len(turns) * self._rounds >= asked
            self._latest = [block.elapsed for block in turns[-1].values()]
            spent = sum(block.elapsed for turn in turns for block in turn.values())
            if (
                done
                and len(turns) >= 2 * STEADY_TURNS
                and all(is_steady([turn[role].wall for turn in turns]) for role in self._workers)
            ):
                return True
            if done and spent >= limit:
                # What was called only a few times tells nothing.
                return len(turns) < 2 * STEADY_TURNS

    def sample(self, share: float) -> None:
        """Take turns for `share` seconds: at least one."""
        one = self._latest or [self._seconds]
        forkable = settle(self._workers)
        planned = max(1, round(share / (len(self._workers) * fmean(one))))
        children = planned // max(FEWEST_TURNS, math.ceil(CHILD_SECONDS / max(one))) or planned >= FEWEST_TURNS
        if not (forkable and children and self._in_children(planned, int(children), share)):
            self._here(planned, share)

    def _in_children(self, planned: int, children: int, share: float) -> bool:
        """Take the turns in about so many children; the first child's failure only says that it cannot be done in children."""
        while self._spent < share * (1 - 0.5 / children):
            try:
                with _children(self._workers):
                    # It makes the pages that are written to a child's own.
                    self._turn(math.ceil(self._rounds / 3), timed=False)
                    self._here(planned // children, share)
            except ChildFailedError:
                if self._taken:
                    raise
                return False
        return True

    def _here(self, number: int, share: float) -> None:
        """Take so many turns; fewer where the machine has become so slow that they would take far longer than planned."""
        for _ in range(number):
            turn = self._turn()
            self._taken.append(turn)
            self._spent += sum(block.elapsed for block in turn.values())
            if self._spent >= MOST * share:
                break

    @property
    def is_long(self) -> bool:
        """Return whether the test's own call is all the warming up that a call so long can have."""
        return self._seconds >= LONG_CALL_SECONDS and self._rounds == 1

    def _turn(self, rounds: int | None = None, *, timed: bool = True) -> Turn:
        self._phase = (self._phase + PHASE_STEP) % 1
        return {
            role: self._workers[role].run(rounds or self._rounds, phase=self._phase, timed=timed)
            for role in next(self._orders)
        }


def is_steady(walls: list[int]) -> bool:
    """Return whether the latest blocks of a side are no faster than those before them."""
    latest, before = median(walls[-STEADY_TURNS:]), median(walls[-2 * STEADY_TURNS : -STEADY_TURNS])
    return latest >= (1 - STILL_FALLING) * before


@contextmanager
def _children(workers: Mapping[Role, Worker]) -> Iterator[None]:
    """Let children of all sides take the turns; end them where that is over, or where one of them has failed."""
    try:
        for worker in workers.values():
            worker.fork()
        yield
    except ChildFailedError:
        _join(workers)
        raise
    _join(workers)


def _join(workers: Mapping[Role, Worker]) -> None:
    for worker in workers.values():
        worker.join()
