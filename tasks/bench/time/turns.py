"""Let the sides run blocks in turns: calibration, warm-up, and the samples, in forked children if possible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import cycle
from statistics import fmean, median

from ..request import Role
from ..workers.workers import Block, ChildFailedError, Worker

Turn = dict["Role", Block]
"""One block of every side, one after the other."""

BLOCK_SECONDS = 0.003
"""The least that the fastest side's block should take."""
LONGEST_BLOCK_SECONDS = 0.012
"""The most that the slowest side's block should take, unless one call takes longer: another process would get the
core."""
LONG_CALL_SECONDS = 0.03
"""The test's own call warms up a call that takes as long."""
WARM_SHARE = 0.08
"""Largest share of the time for blocks that warming up may take; if that is less than WARM_SECONDS, those or a quarter
of the time, whichever is less."""
WARM_SECONDS = 0.15
STEADY_TURNS = 3
"""Blocks of a side are steady if the median of so many is not smaller than that of as many before, but for
STILL_FALLING."""
STILL_FALLING = 0.02
CHILD_SECONDS = 0.08
"""Of blocks of one side in one child: the difference between two children is then larger than what more blocks would
show."""
FEWEST_TURNS = 8
"""In a child, so that its untimed turn stays a small part."""
PHASE_STEP = (math.sqrt(5) - 1) / 2
"""From turn to turn the garbage collector's cycle begins so much later: steps of the golden ratio cover it evenly."""
ROUGH_TURNS = 5
MOST = 1.5
"""Multiple of its share that a launch may take."""


def calibrate(workers: Mapping[Role, Worker], seconds: Mapping[Role, float]) -> int:
    """Find the rounds of a block, the same for all sides, from the seconds of one call on each."""
    rounds, more = 0, 1
    if max(seconds.values()) >= LONG_CALL_SECONDS:
        return more
    while more > rounds:
        rounds = more
        blocks = [worker.run(rounds, timed=False) for worker in workers.values()]
        more = more_rounds(rounds, min(block.wall for block in blocks) / 1e9, max(block.elapsed for block in blocks))
    return rounds


def more_rounds(rounds: int, fast: float, slow: float) -> int:
    """Return the rounds to try next; `rounds` took `fast` seconds on the fastest and `slow` on the slowest side."""
    if fast >= 0.8 * BLOCK_SECONDS or slow >= 0.8 * LONGEST_BLOCK_SECONDS:
        return rounds
    growth = min(BLOCK_SECONDS / max(fast, 1e-9), LONGEST_BLOCK_SECONDS / max(slow, 1e-9), 20.0)
    return max(rounds + 1, math.ceil(rounds * growth))


def settle(workers: Mapping[Role, Worker]) -> bool:
    """Freeze what a garbage collection leaves, so that later ones are short; return whether all sides can fork."""
    forkable = [worker.settle() for worker in workers.values()]
    return all(forkable)


class Turns:
    """The turns of one benchmark call in one launch; `taken` gets those that are samples.

    A call takes about `seconds`; the first block begins at `phase` of the garbage collector's cycle.
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
        """Return the ratio head/base of a few turns that is closest to 1, and 1 if they disagree on the direction."""
        turns = [self._turn(timed=False) for _ in range(ROUGH_TURNS)]
        logs = [math.log(turn["head"].wall / turn["base"].wall) for turn in turns]
        if min(logs) <= 0 <= max(logs):
            return 1.0
        return math.exp(min(logs, key=abs))

    def warm(self, share: float, *, rounds: int) -> bool:
        """Run untimed turns until they are steady and `rounds` are done; return whether they became steady in time."""
        turns: list[Turn] = []
        limit = max(WARM_SHARE * share, min(WARM_SECONDS, share / 4))
        if not rounds and self.is_long:
            return True
        while True:
            turns.append(self._turn(timed=False))
            self._latest = [block.elapsed for block in turns[-1].values()]
            if len(turns) * self._rounds < rounds:
                continue
            comparable = len(turns) >= 2 * STEADY_TURNS
            if comparable and all(is_steady([turn[role].wall for turn in turns]) for role in self._workers):
                return True
            if sum(block.elapsed for turn in turns for block in turn.values()) >= limit:
                # A few turns show no trend.
                return not comparable

    def sample(self, share: float) -> None:
        """Run turns for `share` seconds: at least one."""
        one = self._latest or [self._seconds]
        forkable = settle(self._workers)
        planned = max(1, round(share / (len(self._workers) * fmean(one))))
        children = planned // max(FEWEST_TURNS, math.ceil(CHILD_SECONDS / max(one))) or planned >= FEWEST_TURNS
        if not (forkable and children and self._in_children(planned, int(children), share)):
            self._here(planned, share)

    def _in_children(self, planned: int, children: int, share: float) -> bool:
        """Run the turns in about so many children; False if the first child fails: then children are not possible."""
        while self._spent < share * (1 - 0.5 / children):
            try:
                for worker in self._workers.values():
                    worker.fork()
                # An untimed turn copies the pages that the child writes to.
                self._turn(math.ceil(self._rounds / 3), timed=False)
                self._here(planned // children, share)
            except ChildFailedError:
                self._end_children()
                if self._taken:
                    raise
                return False
            self._end_children()
        return True

    def _end_children(self) -> None:
        for worker in self._workers.values():
            worker.join()

    def _here(self, number: int, share: float) -> None:
        """Run so many turns; fewer if the machine has become so slow that they would take far longer than planned."""
        for _ in range(number):
            turn = self._turn()
            self._taken.append(turn)
            self._spent += sum(block.elapsed for block in turn.values())
            if self._spent >= MOST * share:
                break

    @property
    def is_long(self) -> bool:
        """Return whether the test's own call is enough warm-up for a call so long."""
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
