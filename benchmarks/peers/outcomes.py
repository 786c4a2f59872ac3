"""Results of tools by function and comparison, stored line by line so that a run can be interrupted and continued."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Claim = Literal["less", "more", ""]
"""What the tool says that head costs compared with base; "" if it makes no claim."""


@dataclass(frozen=True)
class FunctionResult:
    """One function in one comparison: the ratio head/base, the claim, and the seconds `inside` the function.

    `narrow` is the claim by a narrower factor on the same samples, None if the tool has no factor; `interval` the
    ratio's, if the tool gives one.
    """

    function: str
    ratio: float | None
    claim: Claim
    inside: float = 0.0
    narrow: Claim | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Outcome:
    """One function in one comparison of a scenario; `wall` is all of its seconds, `broken` why there is no result."""

    scenario: str
    tool: str
    effect: int
    function: str
    ratio: float | None
    claim: Claim
    wall: float
    inside: float
    """Seconds inside all functions of the comparison together."""
    load: float
    broken: str = ""


def append(file: Path, outcomes: Iterable[Outcome]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(asdict(outcome), separators=(",", ":")) + "\n" for outcome in outcomes)


def read(file: Path) -> list[Outcome]:
    """Return the stored outcomes without a last line that was cut short."""
    if not file.exists():
        return []
    return [
        Outcome(**json.loads(line)) for line in file.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]


def claimed_by_table(ratio: float | None, beyond: float = 0.01) -> Claim:
    """Read a table of speed-ups as people do: more than a per cent is a difference."""
    if ratio is None or abs(ratio - 1) <= beyond:
        return ""
    return "less" if ratio < 1 else "more"
