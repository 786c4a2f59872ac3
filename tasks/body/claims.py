"""Check generated sentences against the evidence: no figure that is not in it, no claim without the verdict."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..artifacts import Change, Comparison, Interval, Verdict

MOST, LONGEST = 3, 300

_TIMES = {
    "ns": 1e-9,
    **dict.fromkeys(("us", "\u03bcs", "\u00b5s"), 1e-6),
    **dict.fromkeys(("ms", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "seconds"), 1.0),
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
_MARKUP = re.compile(r"</?[a-z!]|\]\(|!\[|://|\bwww\.|```|^\s*\||@\w|(?:^|\s)#\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CitableEvidence:
    """The comparison, and the texts (diff, titles) whose bare numbers may be repeated."""

    comparison: Comparison
    texts: str


def objections(bullets: list[str], evidence: CitableEvidence) -> tuple[str, ...]:
    """Return what is wrong with the bullets, one line each with the bullet it is about."""
    if not bullets:
        return ("there is no bullet",)
    too_many = [f"there are {len(bullets)} bullets; at most {MOST} are allowed"] if len(bullets) > MOST else []
    wrong = (f"{fault}: {bullet[:LONGEST]}" for bullet in bullets for fault in _faults(bullet, evidence))
    return (*too_many, *wrong)


def unsupported_figures(text: str, evidence: CitableEvidence) -> tuple[str, ...]:
    """Return the figures with a unit (times, sizes, shares, factors) that are not in the evidence."""
    figures = (match for match in _NUMBER.finditer(text) if match["unit"])
    return tuple(match[0] for match in figures if not _is_supported(match["digits"], match["unit"], evidence))


def _faults(bullet: str, evidence: CitableEvidence) -> Iterator[str]:
    if len(bullet) > LONGEST:
        yield f"longer than {LONGEST} characters"
    if _MARKUP.search(bullet):
        yield "markup, a link or a mention"
    if amount := _IN_WORDS.search(bullet):
        yield f"an amount in words (“{amount[0]}”), which cannot be checked"
    verdict = evidence.comparison.verdict
    if verdict != Verdict.IMPROVED and (claim := _BETTER.search(bullet)):
        yield f"claims an improvement (“{claim[0]}”), but the verdict is {verdict}"
    for match in _NUMBER.finditer(bullet):
        if not _is_supported(match["digits"], match["unit"], evidence):
            yield f"a number that is not in the evidence ({match[0]})"


def _is_supported(digits: str, unit: str | None, evidence: CitableEvidence) -> bool:
    """Look a number up to its last digit; a share also matches if the body rounds it outwards."""
    if unit is None and re.search(rf"(?<![\w.]){re.escape(digits)}(?![\w.]\d|\d)", evidence.texts):
        return True
    plain = digits.replace(",", "")
    scale = _UNITS.get(unit or "", 1.0)
    number = float(plain) * scale
    slack = 10.0 ** -len(plain.partition(".")[2]) * scale * (1.0001 if unit in _SHARES else 0.5001)
    return any(abs(number - value) <= slack + abs(value) * 1e-9 for value in _values(evidence.comparison, unit))


def _values(comparison: Comparison, unit: str | None) -> Iterator[float]:
    """Yield the comparison's values that are shown in `unit`, without signs."""
    measured_in = "s" if unit in _TIMES else "B" if unit in _BYTES else "1"
    for change in comparison.changes:
        if unit in _SHARES:
            yield from _shares(change.interval)
        elif unit in _FACTORS:
            yield from _factors(change)
        elif change.unit == measured_in:
            yield from _amounts(change)
    for first in comparison.first_calls:
        if unit in _SHARES:
            yield from _shares(first.interval)
        elif unit in _TIMES:
            yield from (first.base, first.head, abs(first.base - first.head))
    if unit in _SHARES:
        yield from (side.share for share in comparison.functions for side in (share.base, share.head) if side)
    elif unit is None:
        yield from (output.inputs for output in comparison.outputs)


def _amounts(change: Change) -> tuple[float, ...]:
    return change.base, change.head, abs(change.base - change.head)


def _factors(change: Change) -> Iterator[float]:
    for ratio in (change.interval.ratio, change.interval.low, change.interval.high):
        yield from (ratio, 1 / ratio) if ratio else ()


def _shares(interval: Interval) -> Iterator[float]:
    for ratio in (interval.ratio, interval.low, interval.high):
        yield from (abs(ratio - 1), abs(1 / ratio - 1)) if ratio else (1.0,)
    yield interval.confidence
