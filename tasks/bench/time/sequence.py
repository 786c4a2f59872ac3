"""Go on launch by launch until the data decide, the budget is spent or the time is up."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...artifacts import Launch, Measurement, MetricName
from ...errors import MeasuringError
from ..request import MINIMUM_LAUNCHES

if TYPE_CHECKING:
    from ..request import Request

    Decided = Callable[[Sequence[Launch]], bool]
    """Whether the launches of one benchmark call decide at one of the planned looks."""


class Sampling:
    """All launches of one metric, and when to stop.

    The data are looked at only at the numbers of launches in `looks`, planned beforehand, so that the rule behind
    `decided` can keep its error over all of them. The last look is where sampling ends, for whatever reason.
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
        self._decided = decided or _rule(request, looks)
        self._timeout, self._confidence = request.timeout, request.confidence
        self.deadline = deadline or deadline_of(request)
        self.number = 0
        self.stopped = ""
        self._spent = 0.0
        self._looked: list[int] = []
        self._launches: dict[str, list[Launch]] = defaultdict(list)

    def add(self, launches: Mapping[str, Launch], spent: float) -> None:
        """Take what one launch gave for each benchmark call, and the seconds that its samples took."""
        self.number += 1
        self._spent += spent
        for key, launch in launches.items():
            self._launches[key].append(launch)

    def line(self) -> str:
        """Say how far it is: for reading along, nothing is decided on it."""
        told = (
            "".join(_shown(launches, self._confidence) for launches in self._launches.values())
            if len(self._launches) == 1
            else ""
        )
        return f"launch {self.number} of at most {max(self._planned)}{told}"

    def cut(self) -> None:
        """Stop at the time limit."""
        self.stopped = "timeout"

    def goes_on(self) -> bool:
        """Return whether another launch is wanted."""
        if not self.stopped:
            self.stopped = self._reason()
        return not self.stopped

    def measurements(self) -> tuple[Measurement, ...]:
        """Return all that was taken; raise MeasuringError where the time limit left nothing."""
        if not self._launches:
            raise MeasuringError(
                f"not one launch was finished within the time limit of {self._timeout:g} s",
                hint="raise `timeout`, or give the benchmark a smaller input",
            )
        return tuple(
            Measurement(
                test=key,
                metric=self._metric,
                launches=tuple(launches),
                looks=tuple(sorted({look for look in self._looked if look < len(launches)} | {len(launches)})),
                planned_looks=len(self._planned),
                stopped=self.stopped,
            )
            for key, launches in self._launches.items()
        )

    def _reason(self) -> str:
        if self.number in self._planned:
            self._looked.append(self.number)
            if all(self._decided(launches) for launches in self._launches.values()):
                return "decided"
        if self.number >= max(self._planned) or (self.number >= MINIMUM_LAUNCHES and self._spent >= self._budget):
            return "budget"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "timeout"
        return ""


def deadline_of(request: Request) -> float | None:
    """Return the moment of the monotonic clock at which the time limit of a metric ends that begins now."""
    return None if request.timeout is None else time.monotonic() + request.timeout


def looks_for(budget: float, ladder: tuple[int, ...], seconds: float) -> tuple[int, ...]:
    """Plan the looks: as many rungs of the ladder as the budget pays for at `seconds` of samples a launch, at least one."""
    return tuple(look for look in ladder if look <= max(ladder[0], budget / seconds))


def _rule(request: Request, looks: tuple[int, ...]) -> Decided:
    from ..statistics import StoppingRule

    return StoppingRule(planned=looks, confidence=request.confidence, negligible=request.negligible).decide


def _shown(launches: list[Launch], confidence: float) -> str:
    from ..statistics import FEWEST_LAUNCHES, ratio_interval

    if len(launches) < FEWEST_LAUNCHES:
        return ""
    interval = ratio_interval(launches, confidence)
    return f", head costs {100 * (interval.low - 1):+.1f} % to {100 * (interval.high - 1):+.1f} %"
