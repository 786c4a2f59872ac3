"""What a run still has to do for each item, and how long that will take, estimated from earlier runs."""

from collections.abc import Iterable, Mapping
from statistics import median

from ..pipeline import NAMES

_USUAL = {"record": 8.0, "lint": 6.0, "tests": 8.0, "measure": 45.0}
"""Seconds of stages that no item of the manifest has run yet; stages that are not listed take about a second."""
_SHORT = 1.0
_LEAST_LEFT = 0.05


class RunPlan:
    """The tasks of a run, by item; `times` are the seconds that stages took when they last ran, by item and stage."""

    def __init__(self, tasks: Iterable[str], times: Mapping[str, Mapping[str, float]]) -> None:
        self._times = {item: dict(seconds) for item, seconds in times.items()}
        self._stages: dict[str, list[str]] = {}
        for name in tasks:
            stage, _, item = name.partition(":")
            if item and stage in NAMES:
                self._stages.setdefault(item, []).append(stage)
        self._waiting = {item: set(stages) for item, stages in self._stages.items()}
        self._elapsed: dict[tuple[str, str], float] = {}

    @property
    def total(self) -> int:
        return len(self._waiting)

    @property
    def done(self) -> int:
        return sum(not stages for stages in self._waiting.values())

    def last_stage(self, item: str) -> str:
        return max(self._stages.get(item, ()), key=NAMES.index, default="")

    def end(self, stage: str, item: str) -> bool:
        """Record that a stage ended, or was not necessary; return whether it was the item's last."""
        if elapsed := self._elapsed.pop((item, stage), 0):
            self._times.setdefault(item, {})[stage] = elapsed
        waiting = self._waiting.get(item, set())
        was_waiting = stage in waiting
        waiting.discard(stage)
        return was_waiting and not waiting

    def progress(self, item: str, stage: str, elapsed: float) -> tuple[float, float]:
        """Return the share of the item's work that is done, and the seconds left, `elapsed` seconds into a stage.

        The seconds are 0 if they are not known, because the stage takes longer than expected.
        """
        self._elapsed[item, stage] = elapsed
        waiting = self._waiting.get(item, set())
        done = elapsed + sum(self._expected(item, each) for each in self._stages.get(item, ()) if each not in waiting)
        left_of_stage = self._expected(item, stage) - elapsed
        later = sum(self._expected(item, each) for each in waiting if each != stage)
        left = max(left_of_stage, 0) + later
        # A bar is full only at the end.
        return done / (done + max(left, _LEAST_LEFT * done) or 1), left if left_of_stage > 0 else 0

    def _expected(self, item: str, stage: str) -> float:
        """Return the stage's seconds: as last time, else as for other items, else as usual."""
        if stage in self._times.get(item, {}):
            return self._times[item][stage]
        if others := [times[stage] for times in self._times.values() if stage in times]:
            return median(others)
        if stage == "verify":  # it measures once more, with new environments
            return self._expected(item, "measure") + self._expected(item, "lint")
        return _USUAL.get(stage, _SHORT)
