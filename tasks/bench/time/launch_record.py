"""What one launch recorded: its calls, the turns of each, and the samples that these give."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import fmean, median
from typing import Literal, TypeVar

from ...artifacts import Launch, Module, Side
from ..outputs.attributes import Attributes
from ..workers.blocks import SAME_IDLE, Block
from ..workers.channel import Message
from .turns import Turn

Clock = Literal["wall", "cpu"]
T = TypeVar("T")


@dataclass
class TimedCall:
    """One benchmark call in one launch; turns in the order in which they ran."""

    key: str
    order: tuple[str, ...]
    seed: int
    phase: float = 0.0
    rounds: Mapping[str, int] = field(default_factory=dict)
    iterations: int = 1
    first_call: dict[str, float] = field(default_factory=dict)
    """The seconds of the process's first call on each side."""
    shared: frozenset[str] = frozenset()
    """The sides on which other threads or processes did part of the first call."""
    runs: list[int] = field(default_factory=list)
    """How many turns ran one after the other in the same processes."""
    steady: bool = True
    rough_ratios: dict[str, float] = field(default_factory=dict)
    """Each head over base as a few blocks showed it, if blocks were only calibrated."""
    turns: list[Turn] = field(default_factory=list)
    described: dict[Side, Message] = field(default_factory=dict)
    """What each side returned."""
    again: dict[Side, Message] = field(default_factory=dict)
    """What a second call in the same process returned."""
    attributes: Attributes = field(default_factory=lambda: {"base": {}, "head": {}})
    """What was read from objects in addition to what they hold."""
    refused: str = ""
    """Why no further inputs can be tried, if that is known."""

    def of_head(self, name: str) -> TimedCall:
        """Return the call on base, control and this head, which is then `head`; outputs are those of the first head."""
        new_names = {each: "head" if each == name else each for each in self.order if each in {"base", name, "control"}}

        def pick(values: Mapping[str, T]) -> dict[str, T]:
            return {new_names[side]: value for side, value in values.items() if side in new_names}

        return replace(
            self,
            order=tuple(new_names.values()),
            rounds=pick(self.rounds),
            first_call=pick(self.first_call),
            rough_ratios=pick(self.rough_ratios),
            shared=frozenset(new_names[side] for side in self.shared if side in new_names),
            turns=[pick(turn) for turn in self.turns],
        )

    @property
    def is_corrected(self) -> bool:
        """Return whether it is known how long the calls waited for a core, so that it is left out of their time.

        If on one side other threads or processes do part of the work, it is not known on any: a thread also waits for a
        core while others of its own process run on it.
        """
        return all(2 * sum(turn[role].is_explained for turn in self.turns) > len(self.turns) for role in self.order)

    @property
    def usable(self) -> list[Turn]:
        """Return the turns whose times can be trusted, however few; a turn is kept or discarded as a whole.

        If the calls wait for other threads or processes, the core was taken in a block that waited longer than the one
        of its side that waited least.
        """
        if self.is_corrected:
            return [turn for turn in self.turns if all(block.is_explained for block in turn.values())]
        least = {role: min((turn[role].idle for turn in self.turns), default=0.0) for role in self.order}
        return [turn for turn in self.turns if all(is_calm(block, least[role]) for role, block in turn.items())]

    @property
    def is_outlived(self) -> bool:
        """Return whether child processes of a side outlive its calls or are not seen: then CPU time is not known."""
        return any(2 * sum(turn[role].outliving > 0 for turn in self.turns) > len(self.turns) for role in self.order)

    @property
    def seconds(self) -> float:
        """What the turns took, with setup and teardown."""
        return sum(block.elapsed for turn in self.turns for block in turn.values())

    def growth(self) -> dict[str, float]:
        """Return for each side the ratio of its last calls' time to its first calls' in the same process."""
        growths = {}
        for role in self.order:
            turns = iter(self.turns)
            times = [[turn[role].seconds for turn in islice(turns, number)] for number in self.runs]
            logs = [log for run in times if min(run, default=0) > 0 and (log := growth_of(run)) is not None]
            if logs:
                growths[role] = math.exp(fmean(logs))
        return growths

    def launch(self, clock: Clock) -> Launch | None:
        """Return the samples by one of the block's clocks, in seconds per call; None if no turn can be used.

        Nor is CPU time known if child processes outlive the calls.
        """
        turns = self.usable
        if not turns or (clock == "cpu" and self.is_outlived):
            return None
        is_corrected = clock == "wall" and self.is_corrected
        field = "own" if is_corrected else clock
        return Launch(
            first=next(role for role in self.order if role != "control"),
            seed=self.seed,
            first_call=self.first_call if clock == "wall" else {},
            growth=self.growth() if clock == "wall" else {},
            steady=self.steady,
            computes=all(_computes([turn[role] for turn in turns]) for role in self.order),
            left_out=len(self.turns) - len(turns),
            iterations={role: self.rounds.get(role, 1) * self.iterations for role in self.order},
            waited={role: _samples(turns, role, "waited") for role in self.order} if is_corrected else {},
            **{role: _samples(turns, role, field) for role in self.order},
        )


def _computes(blocks: Sequence[Block]) -> bool:
    """Return whether the calls gave up the core by themselves, or let others work, in less than half of the blocks."""
    return 2 * sum(block.voluntary > 0 or block.is_shared for block in blocks) < len(blocks)


def is_calm(block: Block, least: float) -> bool:
    """Return whether no other process took the core; the calls of a block's side wait for the share `least` anyway."""
    return not block.was_preempted or (block.is_shared and block.idle <= least + SAME_IDLE)


def growth_of(times: Sequence[float]) -> float | None:
    """Return the log ratio of the medians of the last and the first half; None for a single time."""
    half = len(times) // 2
    return math.log(median(times[-half:]) / median(times[:half])) if half else None


def _samples(turns: Sequence[Turn], role: str, field: str) -> tuple[float, ...]:
    return tuple(float(f"{getattr(turn[role], field) / (turn[role].calls * 1e9):.6g}") for turn in turns)


@dataclass
class LaunchRecord:
    """The calls of one launch, complete or up to the moment when it was cut short."""

    calls: list[TimedCall] = field(default_factory=list)
    tests: tuple[str, ...] = ()
    unknown_options: tuple[str, ...] = ()
    modules: dict[str, set[Module]] = field(default_factory=lambda: defaultdict(set))
    complete: bool = False

    def of_head(self, name: str) -> LaunchRecord:
        """Return what the launch recorded on base, this head and control."""
        modules = defaultdict(set, {**self.modules, "head": self.modules[name]})
        return replace(self, calls=[call.of_head(name) for call in self.calls], modules=modules)

    @property
    def timed(self) -> list[TimedCall]:
        return [call for call in self.calls if call.turns]
