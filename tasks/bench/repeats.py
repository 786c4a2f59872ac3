"""Repeat a count in fresh processes, one sample each: for memory and instructions, which hardly vary."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..artifacts import SIDES, Launch, Measurement, MetricName, Side
from ..errors import MeasuringError
from .workers.workers import Settings, hash_seed

Counts = dict[str, tuple[float, ...]]
"""The counts of each benchmark call, one for each metric."""


@dataclass(slots=True)
class Repeats:
    """The launches so far by benchmark call and metric; a launch is one process a side."""

    metrics: tuple[MetricName, ...]
    launches: dict[tuple[str, MetricName], list[Launch]] = field(default_factory=lambda: defaultdict(list))
    number: int = 0

    def add(
        self,
        rng: random.Random,
        count: Callable[[Side, Settings], Counts],
        *,
        iterations: Mapping[str, int] | None = None,
        **settings: Any,
    ) -> None:
        """Count on both sides, in a random order and with one hash seed; a count is the mean of `iterations` calls."""
        order = SIDES if rng.random() < 0.5 else SIDES[::-1]
        shared = Settings(hash_seed(rng), **settings)
        counts = {side: count(side, shared) for side in order}
        check_same_calls(counts)
        self.number += 1
        for key, base in counts["base"].items():
            calls = dict.fromkeys(SIDES, (iterations or {}).get(key, 1))
            for metric, one, other in zip(self.metrics, base, counts["head"][key], strict=True):
                launch = Launch(first=order[0], seed=shared.seed, iterations=calls, base=(one,), head=(other,))
                self.launches[key, metric].append(launch)

    def latest(self, metric: MetricName) -> tuple[list[float], list[float]]:
        """Return the latest counts of all calls, base's and head's."""
        launches = [each[-1] for (_, name), each in self.launches.items() if name is metric]
        return [launch.base[0] for launch in launches], [launch.head[0] for launch in launches]

    def measurements(self, stopped: str) -> tuple[Measurement, ...]:
        return tuple(
            Measurement(test=key, metric=metric, launches=tuple(launches), looks=(len(launches),), stopped=stopped)
            for (key, metric), launches in self.launches.items()
        )


def check_same_calls(by_side: Mapping[Side, Mapping[str, Any]]) -> None:
    """Raise MeasuringError for a benchmark call that only one side makes."""
    base, head = (by_side[side].keys() for side in SIDES)
    if lopsided := sorted(base ^ head):
        raise MeasuringError(f"only {'base' if lopsided[0] in base else 'head'} makes this call", where=lopsided[0])
