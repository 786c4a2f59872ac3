"""Format an effect as a reader says it: how many times faster, and how much less."""

import math

from ..artifacts import Change, Interval, MetricName, Verdict
from ..text import figures

_COMPARATIVES = {
    MetricName.TIME: ("faster", "slower", " time"),
    MetricName.CPU: ("less CPU time", "more CPU time", ""),
    MetricName.IMPORT: ("faster import", "slower import", " time"),
    MetricName.START: ("faster start-up", "slower start-up", " time"),
    MetricName.INSTRUCTIONS: ("fewer instructions", "more instructions", ""),
    MetricName.ALLOCATIONS: ("fewer allocations", "more allocations", ""),
    MetricName.PEAK: ("less peak memory", "more peak memory", ""),
    MetricName.LEAKED: ("less memory left", "more memory left", ""),
    MetricName.KEPT: ("less memory kept by import", "more memory kept by import", ""),
}
"""What follows the factor of an effect that costs less or more at head, and the percentage."""
_SHOWS_LITTLE = {Verdict.UNCHANGED: "negligible: ", Verdict.INCONCLUSIVE: "inconclusive: "}


def effect(change: Change) -> str:
    """Format an effect in both forms: `1.31x faster (23.7 % less time, 99 % interval 23.1 % to 24.3 %)`."""
    interval, (less, more, amount) = change.interval, _COMPARATIVES[change.metric]
    if not 0 < interval.ratio < math.inf:
        return f"{change.metric} {change_of(interval)}"
    is_less = interval.ratio <= 1
    factor = figures.times(1, interval.ratio) if is_less else figures.times(interval.ratio, 1)
    size = f"{figures.amount_of_change(interval.ratio, interval.low, interval.high)} {'less' if is_less else 'more'}"
    certainty = (
        f"no spread in {figures.counted(change.launches, 'launch', 'launches')}"
        if interval.low == interval.high
        else f"{figures.share(interval.confidence)} interval {figures.amounts_of_change(interval.low, interval.high)}"
    )
    return f"{factor} {less if is_less else more} ({size}{amount}, {certainty})"


def judged_effect(change: Change) -> str:
    """Format an effect; one that is not shown says so first, since its factor alone would claim one."""
    return _SHOWS_LITTLE.get(change.verdict, "") + effect(change)


def change_of(interval: Interval) -> str:
    return figures.change(interval.ratio, interval.low, interval.high)
