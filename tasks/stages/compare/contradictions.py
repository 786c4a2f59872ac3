"""Find figures of codeflash that contradict prprep's own, for a person to review."""

import math
from collections.abc import Sequence
from typing import Final

from ...artifacts import Change, CodeflashFigure, Verdict
from ...text import figures

NOISE: Final = 1.75
"""Largest ratio of codeflash's medians for identical code (0.57 to 1.75 in 45 comparisons)."""
OTHER_SIGN: Final = 0.05
"""Distance from 1 beyond which a ratio counts as the opposite direction."""


def contradictions(changes: Sequence[Change], shown: Sequence[CodeflashFigure]) -> tuple[str, ...]:
    """Return a sentence for every figure that contradicts the change of the same test and metric."""
    sentences = []
    for change in changes:
        name = change.test.rpartition("::")[2]
        same = [each for each in shown if (each.test, each.function, each.metric) == (name, "", change.metric)]
        # codeflash's report does not distinguish two tests of one name.
        if len(same) != 1 or not same[0].base or not math.isfinite(change.interval.ratio):
            continue
        ratio = same[0].head / same[0].base
        if _contradicts(change, ratio):
            interval = figures.interval(change.interval.low, change.interval.high)
            both = (
                f"{figures.percent(ratio - 1)} by codeflash, "
                f"{figures.percent(change.interval.ratio - 1)} ({interval}) by prprep"
            )
            sentences.append(f"codeflash's {change.metric} of {name} contradicts prprep's: {both}")
    return tuple(sentences)


def _contradicts(change: Change, ratio: float) -> bool:
    """Return whether the sign is opposite, or codeflash's noise does not explain the difference in size."""
    beyond = max(OTHER_SIGN, change.negligible)
    if change.verdict is Verdict.IMPROVED and ratio > 1 + beyond:
        return True
    if change.verdict is Verdict.REGRESSED and ratio < 1 - beyond:
        return True
    return ratio > change.interval.high * NOISE or ratio < change.interval.low / NOISE
