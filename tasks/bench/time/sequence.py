"""Decide after each launch whether another is needed: the data decide, the budget is spent, or the time is up."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from ...artifacts import Launch, Measurement, MetricName
from ...errors import MeasuringError
from ..request import Request
from ..statistics import FEWEST_LAUNCHES, StoppingRule, ratio_interval

Decided = Callable[[Sequence[Launch]], bool]
"""Return whether the launches of one benchmark call are enough for a verdict."""

MINIMUM_LAUNCHES = 5
"""Fewer launches say too little about how processes of the same code differ."""


class LaunchSequence:
    """All launches of one metric, and when to stop.

    A look is an interim analysis: `decided` is called only after the numbers of launches in `looks`, which are planned
    in advance: its error rate holds for all of them together. The last look is the one after which sampling ends, for
    whatever reason.
    """

    def __init__(
        self,
        request: Request,
        *,
        metric: MetricName,
        looks: tuple[int, ...],
        decided: Decided | None = None,
        deadline: float | None = None,
    ) -> None:
        self._budget, self._metric, self._planned = request.budget, metric, looks
        if decided is None:
            rule = StoppingRule(planned=looks, confidence=request.confidence, negligible=request.negligible)
            decided = rule.decide
        self._decided = decided
        self._timeout, self._confidence = request.timeout, request.confidence
        self.deadline = deadline or request.deadline()
        self.number = 0
        self.stopped = ""
        self._spent = 0.0
        self._looked: list[int] = []
        self._wall: dict[str, list[Launch]] = defaultdict(list)
        self._cpu: dict[str, list[Launch]] = defaultdict(list)

    def add(self, wall: Mapping[str, Launch], *, spent: float, cpu: Mapping[str, Launch] | None = None) -> None:
        """Add one launch of each benchmark call, which took `spent` seconds of samples; `cpu` is its CPU time.

        Only wall time decides when to stop.
        """
        self.number += 1
        self._spent += spent
        for launches, added in ((self._wall, wall), (self._cpu, cpu or {})):
            for key, launch in added.items():
                launches[key].append(launch)

    def line(self) -> str:
        """Return the progress as a line of text; the interval in it decides nothing."""
        line, calls = f"launch {self.number} of at most {max(self._planned)}", [*self._wall.values()]
        if len(calls) != 1 or len(calls[0]) < FEWEST_LAUNCHES:
            return line
        interval = ratio_interval(calls[0], self._confidence)
        if interval.high == math.inf:
            return line
        return f"{line}, head costs {100 * (interval.low - 1):+.1f} % to {100 * (interval.high - 1):+.1f} %"

    def should_continue(self) -> bool:
        if not self.stopped:
            self.stopped = self._reason()
        return not self.stopped

    @property
    def next_is_last(self) -> bool:
        """Return whether sampling ends after the next launch even if it decides nothing."""
        return self._is_spent(self.number + 1)

    @property
    def has_launches(self) -> bool:
        return bool(self._wall)

    def measurements(self) -> tuple[Measurement, ...]:
        """Return wall time and then CPU time of each call; raise MeasuringError if there is no launch."""
        if not self._wall and self.stopped != "timeout":
            raise MeasuringError(
                "other processes interrupted every measurement, and it is not known for how long",
                hint="run prprep again when the machine has less to do",
            )
        if not self._wall:
            raise MeasuringError(
                f"not one launch was finished within the time limit of {self._timeout:g} s",
                hint="raise `timeout`, or give the benchmark a smaller input",
            )
        clocks = ((self._metric, self._wall), (MetricName.CPU, self._cpu))
        return tuple(
            Measurement(
                test=key,
                metric=metric,
                launches=tuple(launches[key]),
                looks=(*(look for look in self._looked if look < len(launches[key])), len(launches[key])),
                planned_looks=len(self._planned),
                stopped=self.stopped,
            )
            for key in self._wall
            for metric, launches in clocks
            if key in launches
        )

    def _reason(self) -> str:
        if self.number in self._planned:
            self._looked.append(self.number)
            if self._wall and all(self._decided(launches) for launches in self._wall.values()):
                return "decided"
        if self._is_spent(self.number):
            return "budget"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "timeout"
        return ""

    def _is_spent(self, number: int) -> bool:
        return number >= max(self._planned) or (number >= MINIMUM_LAUNCHES and self._spent >= self._budget)


def looks_for(budget: float, ladder: tuple[int, ...], seconds: float) -> tuple[int, ...]:
    """Return the looks of the ladder that the budget pays for at `seconds` of samples a launch, at least the first."""
    return tuple(look for look in ladder if look <= max(ladder[0], budget / seconds))
