"""Hold sentences that a program wrote against the evidence: no figure that it does not hold, no claim without the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..artifacts import Verdict

if TYPE_CHECKING:
    from ..artifacts import Change, Comparison

MOST, LONGEST = 3, 300

_TIMES = {
    "ns": 1e-9,
    "us": 1e-6,
    "μs": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "milliseconds": 1e-3,
}
_BYTES = {"B": 1, "bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9}
_SHARES = {"%": 0.01, "percent": 0.01}
_FACTORS = {"x": 1.0, "\u00d7": 1.0, "times": 1.0, "fold": 1.0}
_UNITS = {**_TIMES, **_BYTES, **_SHARES, **_FACTORS}
_SPELLED = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NUMBER = re.compile(rf"(?<![\w.^])(?<!\w-)(?P<digits>\d[\d,]*(?:\.\d+)?)(?:[ -]?(?P<unit>{_SPELLED}))?(?!\w|\.\d)")
_IN_WORDS = re.compile(
    r"\b(?:twice|thrice|half|halves|halved?|doubl\w*|tripl\w*|quadrupl\w*|\w+fold|orders? of magnitude"
    r"|(?:two|three|four|five|six|seven|eight|nine|ten|dozens?|hundreds?|thousands?|many) times)\b",
    re.IGNORECASE,
)
_BETTER = re.compile(
    r"\b(?:fast\w*|quick\w*|speed\w*|improv\w*|sav(?:e|es|ing|ed)|reduc\w*|less|fewer|lower\w*|cheap\w*|smaller|cuts?|shrinks?|efficien\w*)\b",
    re.IGNORECASE,
)
_BREAKS_OUT = re.compile(r"</?[a-z!]|\]\(|!\[|://|\bwww\.|```|^\s*\||@\w|(?:^|\s)#\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Held:
    """What a claim is held against: the comparison, and the texts (diff, titles) whose bare numbers may be repeated."""

    comparison: Comparison
    texts: str


def objections(bullets: list[str], held: Held) -> tuple[str, ...]:
    """Return what is wrong with the bullets, one line each, with the bullet that it is about; empty where nothing is."""
    if not bullets:
        return ("there is no bullet",)
    found = [f"there are {len(bullets)} bullets, and {MOST} are the most"] if len(bullets) > MOST else []
    return (*found, *(f"{wrong}: {bullet[:LONGEST]}" for bullet in bullets for wrong in _wrong(bullet, held)))


def unheld(text: str, held: Held) -> tuple[str, ...]:
    """Return the figures with a unit (times, sizes, shares, factors) in a text that the evidence does not hold."""
    found = (match for match in _NUMBER.finditer(text) if match["unit"])
    return tuple(match[0] for match in found if not _is_held(match["digits"], match["unit"], held))


def _wrong(bullet: str, held: Held) -> Iterator[str]:
    if len(bullet) > LONGEST:
        yield f"longer than {LONGEST} characters"
    if _BREAKS_OUT.search(bullet):
        yield "markup, a link or a mention"
    if amount := _IN_WORDS.search(bullet):
        yield f"an amount in words (“{amount[0]}”), which cannot be looked up"
    if held.comparison.verdict != Verdict.IMPROVED and (claim := _BETTER.search(bullet)):
        yield f"an improvement (“{claim[0]}”), and the verdict is {held.comparison.verdict}"
    for match in _NUMBER.finditer(bullet):
        if not _is_held(match["digits"], match["unit"], held):
            yield f"a number that the evidence does not hold ({match[0]})"


def _is_held(digits: str, unit: str | None, held: Held) -> bool:
    """Look a number up, as far as its last digit goes; a share also where the body rounds it outwards."""
    if unit is None and re.search(rf"(?<![\w.]){re.escape(digits)}(?![\w.]\d|\d)", held.texts):
        return True
    plain = digits.replace(",", "")
    scale = _UNITS.get(unit or "", 1.0)
    slack = 10.0 ** -len(plain.partition(".")[2]) * scale * (1.0001 if unit in _SHARES else 0.5001)
    return any(
        abs(float(plain) * scale - value) <= slack + abs(value) * 1e-9 for value in _values(held.comparison, unit)
    )


def _values(comparison: Comparison, unit: str | None) -> Iterator[float]:
    """Yield what the comparison holds that is told in `unit`, without signs."""
    for change in comparison.changes:
        if unit in _SHARES:
            yield from _shares(change)
        elif unit in _FACTORS:
            yield from _factors(change)
        elif (
            (unit in _TIMES and change.unit == "s")
            or (unit in _BYTES and change.unit == "B")
            or (unit is None and change.unit not in {"s", "B"})
        ):
            yield from _amounts(change)
    if unit in _SHARES:
        yield from (side.share for share in comparison.functions for side in (share.base, share.head) if side)
    if unit is None:
        yield from (output.inputs for output in comparison.outputs)


def _amounts(change: Change) -> Iterator[float]:
    for statistic in ("minimum", "median", "mean"):
        base, head = getattr(change.base, statistic), getattr(change.head, statistic)
        yield from (base, head, abs(base - head))


def _factors(change: Change) -> Iterator[float]:
    for statistic in ("minimum", "median", "mean"):
        base, head = getattr(change.base, statistic), getattr(change.head, statistic)
        yield from (base / head, head / base) if base and head else ()
    yield from (1 / ratio for ratio in (change.interval.ratio, change.interval.low, change.interval.high) if ratio)


def _shares(change: Change) -> Iterator[float]:
    for ratio in (change.interval.ratio, change.interval.low, change.interval.high):
        yield from (abs(ratio - 1), abs(1 / ratio - 1)) if ratio else (1.0,)
    yield change.interval.confidence
