"""What one tool said of one function in one comparison, kept line by line so that a run can be interrupted and gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Claim = Literal["less", "more", ""]
"""What head is said to cost, compared with base; nothing where the tool makes no claim."""


@dataclass(frozen=True)
class Found:
    """One function in one comparison: the ratio head over base, what is claimed, and the seconds inside the function.

    `narrow` is what the same samples are said to show by a narrower factor, None where the tool has no such thing.
    """

    function: str
    ratio: float | None
    claim: Claim
    inside: float = 0.0
    narrow: Claim | None = None


@dataclass(frozen=True)
class Outcome:
    """One function in one comparison of one scenario; `wall` is the whole comparison's seconds, `broken` why there is no result."""

    scenario: str
    tool: str
    effect: int
    function: str
    ratio: float | None
    claim: Claim
    wall: float
    inside: float
    """Of all functions of the comparison together."""
    load: float
    broken: str = ""


def append(file: Path, outcomes: Iterable[Outcome]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(asdict(outcome), separators=(",", ":")) + "\n" for outcome in outcomes)


def read(file: Path) -> list[Outcome]:
    """Give what was kept; a last line that was cut short is left out."""
    if not file.exists():
        return []
    return [
        Outcome(**json.loads(line)) for line in file.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]


def claimed_by_table(ratio: float | None, beyond: float = 0.01) -> Claim:
    """Read a table of speed-ups as its readers do: what it shows beyond a per cent is a difference."""
    if ratio is None or abs(ratio - 1) <= beyond:
        return ""
    return "less" if ratio < 1 else "more"
