"""Let the sides run blocks in turns: calibration, warm-up, and the samples, in forked children if possible."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from statistics import fmean, median

from ..workers.blocks import Block
from ..workers.workers import ChildFailedError, Worker

Turn = dict[str, Block]
"""One block of every side, by its name, one after the other."""

BLOCK_SECONDS = 0.003
"""What a block of every side should take, unless one call of the slowest takes longer.

Blocks of one duration on all sides: what disturbs the machine, and what a block's first calls pay for cold caches, is
then the same share of every side's time. With one number of calls the longer block would be preempted more often, and
every large effect exaggerated.
"""
LONGEST_BLOCK_SECONDS = 0.012
"""The most that a block with setup and teardown should take, unless one round takes longer."""
EQUAL = 1.05
"""Ratio of the longest block to the shortest at which all count as equally long.

A tick of the system's timer takes up to 40 µs and comes every 4 ms, so the median of many blocks has a whole number of
ticks: beside a busy loop, blocks of 4.0 and 3.2 ms made a true ratio of 0.8 one of 0.796.
"""
LONGEST_EQUAL_BLOCK_SECONDS = 0.008
"""The most that a block may take so that it is as long as those of the other sides."""
SHORTEST_OF = 5
"""Blocks of a side, of which the shortest that was read right says how long its rounds take."""
ENOUGH = 0.8
"""Share of the wanted duration at which a block counts as long enough."""
MOST_GROWTH = 20.0
"""Of the rounds from one try to the next: the first ones are slower than those to come."""
TRUSTED_SECONDS = 0.3
"""A call that takes longer is not called again to find its rounds."""
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
MOST_UNREAD = 6.0
"""The same while all turns were misread."""


def calibrate(workers: Mapping[str, Worker], seconds: Mapping[str, float]) -> dict[str, int]:
    """Find the rounds of each side's block so that all blocks take as long; a call took `seconds` at first."""
    single = {
        role: first if (first := seconds[role]) >= TRUSTED_SECONDS else worker.run(1, timed=False).own / 1e9
        for role, worker in workers.items()
    }
    target = max(BLOCK_SECONDS, *single.values())
    rounds = {role: _rounds(worker, target, single[role]) for role, worker in workers.items()}
    if target > LONGEST_EQUAL_BLOCK_SECONDS / 2:
        return rounds
    turns: list[Turn] = []
    left = SHORTEST_OF * len(workers) * LONGEST_BLOCK_SECONDS  # setup and teardown may take far longer
    while len(turns) < SHORTEST_OF and left > 0:
        turns.append({role: worker.run(rounds[role], timed=False) for role, worker in workers.items()})
        left -= sum(block.elapsed for block in turns[-1].values())
    blocks = {role: min((turn[role] for turn in turns), key=_least_disturbed) for role in workers}
    # Where waiting is not left out, only turns without it count, of which longer blocks leave fewer.
    return balanced(rounds, blocks) if all(block.is_explained for block in blocks.values()) else rounds


def _least_disturbed(block: Block) -> tuple[bool, int, int]:
    """Return a key for sorting: blocks read right come first, then those with all rounds, then the shortest."""
    return block.misread, -block.calls, block.own


def balanced(rounds: Mapping[str, int], blocks: Mapping[str, Block]) -> dict[str, int]:
    """Return rounds with which the blocks of all sides are equally long, or most nearly so; not fewer of the slowest.

    `blocks` are blocks of these `rounds`. None becomes longer than LONGEST_EQUAL_BLOCK_SECONDS, with setup and teardown
    and without waiting for a core.
    """
    own = {role: max(block.own, 1) / 1e9 / rounds[role] for role, block in blocks.items()}
    if "control" in own:  # it runs base's code
        own |= dict.fromkeys(("base", "control"), min(own["base"], own["control"]))
    slowest = max(own, key=own.__getitem__)
    shares = (block.own / max(1, 1e9 * block.elapsed - (block.waited or 0)) for block in blocks.values())
    longest = LONGEST_EQUAL_BLOCK_SECONDS * min(1.0, *shares)
    more = (
        {role: max(1, round(number * own[slowest] / each)) for role, each in own.items()}
        for number in range(rounds[slowest], int(longest / own[slowest]) + 1)
    )
    best = dict(rounds)
    for each in more:
        if _spread(best, own) <= EQUAL:
            break
        best = min(best, each, key=lambda choice: _spread(choice, own))
    return best


def _spread(rounds: Mapping[str, int], seconds: Mapping[str, float]) -> float:
    """Return the ratio of the longest block to the shortest."""
    took = [rounds[role] * each for role, each in seconds.items()]
    return max(took) / min(took)


def _rounds(worker: Worker, target: float, single: float) -> int:
    rounds = 1
    while single < ENOUGH * target:
        more = more_rounds(rounds, target, worker.run(rounds, timed=False))
        if more <= rounds:
            break
        rounds = more
    return rounds


def more_rounds(rounds: int, target: float, block: Block) -> int:
    """Return the rounds to try next after a block of `rounds`, to take `target` seconds of calls."""
    own, longest = max(block.own, 1) / 1e9, max(LONGEST_BLOCK_SECONDS, target)
    if own >= ENOUGH * target or block.elapsed >= ENOUGH * longest:
        return rounds
    return max(rounds + 1, math.ceil(rounds * min(target / own, longest / max(block.elapsed, 1e-9), MOST_GROWTH)))


def settle(workers: Mapping[str, Worker]) -> bool:
    """Freeze what a garbage collection leaves, so that later ones are short; return whether all sides can fork."""
    forkable = [worker.settle() for worker in workers.values()]
    return all(forkable)


class Turns:
    """The turns of one benchmark call in one launch; `taken` gets those that are samples.

    A call takes about `seconds`; the first block begins at `phase` of the garbage collector's cycle.
    """

    def __init__(
        self,
        workers: Mapping[str, Worker],
        order: tuple[str, ...],
        *,
        rounds: Mapping[str, int],
        seconds: float,
        taken: list[Turn],
        phase: float = 0.0,
    ) -> None:
        self._workers, self._rounds, self._seconds, self._taken = workers, rounds, seconds, taken
        self._orders, self._phase = cycle((order, order[::-1])), phase
        self.runs: list[int] = []
        """How many of the turns taken ran one after the other in the same processes."""
        self._spent = 0.0
        self._latest: list[float] = []

    def rough_ratios(self, heads: Sequence[str]) -> dict[str, float]:
        """Return each head's ratio to base that is closest to 1 in a few turns; 1 if they disagree on the direction."""
        turns = [self._turn(timed=False) for _ in range(ROUGH_TURNS)]
        return {head: _rough_ratio([(turn[head], turn["base"]) for turn in turns]) for head in heads}

    def warm(self, share: float, *, rounds: int) -> bool:
        """Run untimed turns until they are steady and `rounds` are done; return whether they became steady in time."""
        turns: list[Turn] = []
        limit = max(WARM_SHARE * share, min(WARM_SECONDS, share / 4))
        if not rounds and self.is_long:
            return True
        while True:
            turns.append(self._turn(timed=False))
            self._latest = [block.elapsed for block in turns[-1].values()]
            if len(turns) * min(self._rounds.values()) < rounds:
                continue
            comparable = len(turns) >= 2 * STEADY_TURNS
            if comparable and all(is_steady([turn[role].own for turn in turns]) for role in self._workers):
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
                self._turn(share=1 / 3, timed=False)
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
        """Run so many turns; fewer if the machine has become so slow that they would take far longer than planned.

        Turns that are misread do not count, and there is at least one that is not, unless that takes many times longer.
        """
        self.runs.append(0)
        read = 0
        while read < number:
            turn = self._turn()
            self._taken.append(turn)
            self.runs[-1] += 1
            read += not any(block.misread for block in turn.values())
            took = sum(block.elapsed for block in turn.values())
            self._spent += took
            if self._spent >= MOST * share and (read or self._spent >= MOST_UNREAD * max(share, took)):
                break

    @property
    def is_long(self) -> bool:
        """Return whether the test's own call is enough warm-up for a call so long."""
        return self._seconds >= LONG_CALL_SECONDS and min(self._rounds.values()) == 1

    def _turn(self, share: float = 1.0, *, timed: bool = True) -> Turn:
        """Run a block of every side, of its rounds or a `share` of them."""
        self._phase = (self._phase + PHASE_STEP) % 1
        return {
            role: self._workers[role].run(math.ceil(share * self._rounds[role]), phase=self._phase, timed=timed)
            for role in next(self._orders)
        }


def _rough_ratio(pairs: Iterable[tuple[Block, Block]]) -> float:
    logs = [math.log(head.seconds / base.seconds) for head, base in pairs if min(head.own, base.own) > 0]
    if not logs or min(logs) <= 0 <= max(logs):
        return 1.0
    return math.exp(min(logs, key=abs))


def is_steady(times: list[int]) -> bool:
    """Return whether the latest blocks of a side, in nanoseconds, are no faster than those before them."""
    latest, before = median(times[-STEADY_TURNS:]), median(times[-2 * STEADY_TURNS : -STEADY_TURNS])
    return latest >= (1 - STILL_FALLING) * before
