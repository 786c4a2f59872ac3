"""Hold the figures of codeflash against prprep's own: where they cannot both be right, a person has to look."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from ...artifacts import Change, CodeflashFigure, Verdict
from ...text import figures

NOISE: Final = 1.75
"""A factor that codeflash's medians differed by where both sides were the same code (0.57 to 1.75 in 45 comparisons)."""
OTHER_SIGN: Final = 0.05
"""A share beyond which a ratio on the other side of 1 is no more the same direction."""


def contradictions(changes: Sequence[Change], told: Sequence[CodeflashFigure], negligible: float) -> tuple[str, ...]:
    """Say in a sentence each where a figure contradicts the change of the same test and metric."""
    return tuple(_found(changes, [figure for figure in told if not figure.function], negligible))


def _found(changes: Sequence[Change], told: Sequence[CodeflashFigure], negligible: float) -> Iterator[str]:
    for change in changes:
        name = change.test.rpartition("::")[2]
        same = [figure for figure in told if (figure.test, figure.metric) == (name, change.metric)]
        # Two tests of one name cannot be told apart in codeflash's report.
        if len(same) != 1 or not same[0].base or not math.isfinite(change.interval.ratio):
            continue
        ratio = same[0].head / same[0].base
        if _contradicts(change, ratio, negligible):
            shown, measured = figures.percent(ratio - 1), figures.percent(change.interval.ratio - 1)
            within = figures.interval(change.interval.low, change.interval.high)
            yield f"codeflash's {change.metric} of {name} contradicts prprep's: {shown} by codeflash, {measured} ({within}) by prprep"


def _contradicts(change: Change, ratio: float, negligible: float) -> bool:
    """Tell another sign than that of a decided change, and a size that codeflash's own noise does not explain."""
    beyond = max(OTHER_SIGN, negligible)
    if change.verdict is Verdict.IMPROVED and ratio > 1 + beyond:
        return True
    if change.verdict is Verdict.REGRESSED and ratio < 1 - beyond:
        return True
    return ratio > change.interval.high * NOISE or ratio < change.interval.low / NOISE
