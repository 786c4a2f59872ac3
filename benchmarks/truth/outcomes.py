"""Outcomes of comparisons with a known ratio, stored line by line so that a run can be continued."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

BEFORE = "prprep before"
"""An earlier checkout of prprep."""


@dataclass(frozen=True)
class Outcome:
    """One call in one comparison; ratios are head/base."""

    tool: str
    call: str
    condition: str
    """The load during the comparison."""
    ratio: str
    """Of the units of work, like `1/20`."""
    truth: float
    estimate: float | None
    interval: tuple[float, float] | None
    """At 99 %, None from tools without intervals."""
    claim: str
    """What the tool says that head costs: `less`, `more` or nothing."""
    wall: float
    """Seconds of the whole comparison, divided by the calls that it measured."""
    inside: float
    """Seconds inside the call."""
    budget: float
    """Seconds of samples for all calls of the comparison."""
    load: float
    """1-minute load average before the comparison."""
    broken: str = ""
    """Why there is no result."""
    shifted: float | None = None
    """The truth if a call without units costs the most that it may; None if that cost is known."""

    @property
    def contains_truth(self) -> bool | None:
        """Return whether the interval contains a possible truth; None without an interval."""
        if self.interval is None:
            return None
        low, high = sorted((self.truth, self.truth if self.shifted is None else self.shifted))
        return self.interval[0] <= high and low <= self.interval[1]

    @property
    def half_width(self) -> float:
        """Return half of the interval's width as a share of the estimate; infinite if the interval says nothing."""
        if self.interval is None or not self.estimate:
            return float("inf")
        return (self.interval[1] - self.interval[0]) / 2 / self.estimate

    @property
    def error(self) -> float | None:
        """Return the estimate's error as a share of the truth."""
        return None if self.estimate is None else self.estimate / self.truth - 1

    @property
    def expected(self) -> str:
        """Return the claim that is true: `less`, `more` or nothing."""
        return "less" if self.truth < 1 else "more" if self.truth > 1 else ""

    @property
    def is_wrong_claim(self) -> bool:
        """Return whether the claim is of an effect that is not there, or of the opposite one."""
        return bool(self.claim) and self.claim != self.expected

    def __str__(self) -> str:
        if self.estimate is None:
            return f"{self.call}: {self.broken or 'no result'}"
        interval = "" if self.interval is None else f" ({self.interval[0]:.4f} to {self.interval[1]:.4f})"
        missed = " MISSED" if self.contains_truth is False else ""
        return f"{self.call} {self.truth:.4f}: {self.estimate:.4f}{interval}{missed}"


def append(file: Path, outcomes: Iterable[Outcome]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(asdict(outcome), separators=(",", ":")) + "\n" for outcome in outcomes)


def read(file: Path) -> list[Outcome]:
    """Return the stored outcomes without a last line that was cut short."""
    if not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
    return [Outcome(**{**line, "interval": line["interval"] and tuple(line["interval"])}) for line in lines]
