"""The tables of false claims, true effects and overhead; every share with its count and interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from . import target

if TYPE_CHECKING:
    from .outcomes import Outcome

Z = 1.959964
IDENTICAL = {"identical": "machine as it is", "identical-load": "load on and off"}


def wilson(hits: int, number: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927); 0 to 1 without data."""
    if not number:
        return 0.0, 1.0
    share, extra = hits / number, Z * Z / number
    centre = (share + extra / 2) / (1 + extra)
    reach = Z * math.sqrt(share * (1 - share) / number + extra / number / 4) / (1 + extra)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def all_tables(outcomes: Sequence[Outcome]) -> str:
    parts = [false_claims(outcomes), true_effects(outcomes), overhead(outcomes), aim(outcomes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def false_claims(outcomes: Sequence[Outcome]) -> str:
    """Show how often identical code was called different."""
    rows = []
    for tool in _tools(outcomes):
        cells = [_claimed(_of(outcomes, tool, name)) for name in IDENTICAL]
        every = [each for name in IDENTICAL for each in _of(outcomes, tool, name)]
        rows.append((tool, *cells, _spread(every)))
    heading = (
        "Tool",
        *(f"False claims, {condition}" for condition in IDENTICAL.values()),
        "Middle 90 % of the estimates",
    )
    return "## Identical code\n\n" + table(heading, rows)


def true_effects(outcomes: Sequence[Outcome]) -> str:
    """Show how often an effect was found with the right sign, and the errors of the estimates."""
    rows = []
    for tool in _tools(outcomes):
        for function in (work.name for work in target.FUNCTIONS):
            of = [each for each in _of(outcomes, tool, "effects") if each.function == function]
            cells = [_found([each for each in of if each.effect == effect]) for effect in target.EFFECTS]
            if any(cells):
                rows.append((tool, function, *cells))
    heading = ("Tool", "Function", *(f"{effect} % less" for effect in target.EFFECTS))
    caption = "Found with the right sign; median and largest error of the estimate in percentage points."
    return f"## True effects\n\n{caption}\n\n{table(heading, rows)}"


def overhead(outcomes: Sequence[Outcome]) -> str:
    """Show the wall time of whole comparisons over the time inside the measured functions."""
    rows = []
    for tool in _tools(outcomes):
        of = [each for each in outcomes if each.tool == tool and each.scenario != "aim"]
        whole = [each for each in of if each.function == target.FUNCTIONS[0].name and each.inside]
        if whole:
            ratios = [each.wall / each.inside for each in whole]
            walls = [each.wall for each in whole]
            rows.append((tool, str(len(whole)), _three(ratios, ".2f"), _three(walls, ".1f")))
    heading = (
        "Tool",
        "Comparisons",
        "Wall time over time inside: median (least to most)",
        "Wall time in s: median (least to most)",
    )
    return "## Overhead\n\n" + table(heading, rows)


def aim(outcomes: Sequence[Outcome]) -> str:
    """Show prprep alone with the default budget."""
    of = [each for each in outcomes if each.scenario == "aim"]
    if not of:
        return ""
    hits = _found(of)
    walls, ratios = [each.wall for each in of], [each.wall / each.inside for each in of if each.inside]
    text = f"found {hits}; wall time {_three(walls, '.1f')} s; wall time over time inside {_three(ratios, '.2f')}"
    return f"## prprep alone, the 1 ms function alone, 2 % less, a budget of 20 s\n\n{text}"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tools(outcomes: Iterable[Outcome]) -> list[str]:
    return list(dict.fromkeys(sorted((each.tool for each in outcomes), key=lambda tool: tool != "prprep")))


def _of(outcomes: Iterable[Outcome], tool: str, scenario: str) -> list[Outcome]:
    return [each for each in outcomes if (each.tool, each.scenario) == (tool, scenario)]


def _claimed(outcomes: Sequence[Outcome]) -> str:
    """Count the claims among the comparisons with a result, and those without."""
    text = _share([bool(each.claim) for each in outcomes if not each.broken])
    broken = sum(bool(each.broken) for each in outcomes)
    return f"{text}; no result in {broken}" if broken else text


def _share(hits: Sequence[bool]) -> str:
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)} of {len(hits)} ({100 * low:.0f} to {100 * high:.0f} %)" if hits else "–"


def _found(outcomes: Sequence[Outcome]) -> str:
    """Count the right and any wrong claims; broken comparisons count as not found."""
    if not outcomes:
        return ""
    wrong = sum(each.claim == "more" for each in outcomes)
    errors = [100 * abs(each.ratio - target.truth(each.effect)) for each in outcomes if each.ratio is not None]
    text = f"{sum(each.claim == 'less' for each in outcomes)} of {len(outcomes)}" + (
        f", {wrong} wrong" if wrong else ""
    )
    return text + (f"; {statistics.median(errors):.1f}, {max(errors):.1f}" if errors else "; none")


def _spread(outcomes: Sequence[Outcome]) -> str:
    ratios = sorted(each.ratio for each in outcomes if each.ratio is not None)
    if not ratios:
        return "–"
    cut = len(ratios) // 20
    return f"{ratios[cut]:.3f} to {ratios[-1 - cut]:.3f}"


def _three(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})" if values else "–"
