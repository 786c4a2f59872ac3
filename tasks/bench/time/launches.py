"""Run launches, while the processes of the next one start on another core."""

import random
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Self

from ...processes import beside
from ...processes.cores import all_cores, other_cores
from ..request import Request
from ..workers import memory_layout
from ..workers.workers import Settings, hash_seed
from .launch_record import LaunchRecord
from .lockstep import LaunchPlan, Pair, launch


class Launches:
    """Run launches; if another core is free, the processes of the next launch start there while one is measured.

    Those of the previous launch end there: waiting for either each time would take as long as the samples.
    """

    def __init__(
        self,
        request: Request,
        rng: random.Random,
        deadline: float | None,
        *,
        heads: Mapping[str, Request] = MappingProxyType({}),
    ) -> None:
        """`heads` are as for `Pair`."""
        self._request, self._rng, self._deadline = request, rng, deadline
        self._heads = dict(heads or {"head": request})
        self._others, self._alone = other_cores(), False
        self._next: Pair | None = None
        self._previous: Pair | None = None

    def use_all_cores(self) -> None:
        """From now on start no processes while others are measured: these use all cores."""
        self._others, self._alone = (), True
        if self._next:
            # It was started on one core: what it imports may have seen that.
            self._next.end()
            self._next = None

    def keep(self, heads: Collection[str]) -> None:
        """From now on run only these heads."""
        self._heads = {name: request for name, request in self._heads.items() if name in heads}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        beside.let_others_go_on()
        if self._next:
            self._next.end()
        if self._previous:
            self._previous.leave()

    def run(self, plan: LaunchPlan, record: LaunchRecord, *, describe: bool = False, last: bool = False) -> None:
        """Run one launch into `record`; `last` starts no next one. Raises TimeLimitError at the deadline."""
        if self._alone:
            beside.stop_others()  # those that have begun since the last launch, too
        pair, self._next = self._next or self._start(describe=describe, alone=True), None
        try:
            pair.drop(set(pair.heads) - self._heads.keys())
            if self._others and not last:
                self._next = self._start(describe=False, alone=False)
            launch(pair, plan, rng=self._rng, record=record)
        except BaseException:
            pair.end()
            raise
        if self._previous:
            self._previous.leave()
        self._previous = pair
        pair.move(self._others[:1])

    def _start(self, *, describe: bool, alone: bool) -> Pair:
        settings = Settings(
            hash_seed(self._rng), layout=memory_layout.draw(self._rng), describe=describe, deadline=self._deadline
        )
        cores = [all_cores()] if alone else [(core,) for core in self._others]
        return Pair(self._request, settings, cores, heads=self._heads)
