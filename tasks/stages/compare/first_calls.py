"""What the first call in a process pays, and whether later calls differ from it: caches, and state that grows."""

from collections.abc import Collection, Iterator, Sequence

from ...artifacts import (
    SIDES,
    Change,
    FirstCall,
    FunctionShare,
    Interval,
    Measurement,
    MetricName,
    Samples,
    Verdict,
)
from ...bench import statistics
from ...text import figures

GROWTH = 1.05
"""Ratio of the last calls' time in a process to the first ones' beyond which state grows from call to call."""
CACHED = 0.5
"""Ratio of head to base up to which it is asked whether head's later calls only look up what the first one kept."""
COLD = 2.0
"""If base's first call takes more than so many times a later one, what a process does once hides a cache."""


def first_calls(samples: Samples, changes: Sequence[Change], removed: Collection[str], level: float) -> list[FirstCall]:
    """Return the first calls of all tests whose time was measured, with intervals at the confidence `level`.

    `removed` are functions that head no longer has.
    """
    times = {change.test: change for change in changes if change.metric is MetricName.TIME}
    found = []
    for measurement in samples.measurements:
        change = times.get(measurement.test)
        if measurement.metric is not MetricName.TIME or not change:
            continue
        if interval := statistics.first_call_interval(measurement.launches, level):
            taken = [launch.first_call for launch in measurement.launches if launch.first_call]
            base, head = statistics.split([each[side] for each in taken for side in SIDES], interval.ratio)
            cached = _is_cached(change, base, interval, unused=any(_unused(samples.functions, change.test, removed)))
            found.append(FirstCall(test=change.test, base=base, head=head, interval=interval, is_cached=cached))
    return found


def _unused(functions: Sequence[FunctionShare], test: str, removed: Collection[str]) -> Iterator[str]:
    """Yield the changed functions that a later call of the test executes at base and no longer at head."""
    for share in functions:
        executed = share.base and not (share.head and share.head.calls)
        if share.test == test and share.changed and executed and share.function not in removed:
            yield share.function


def _is_cached(change: Change, first_base: float, first: Interval, *, unused: bool) -> bool:
    """Return whether the first call saves less than half as much as later ones, and not because all starts are slow.

    If later calls are `unused`, which means that they no longer execute what changed, return True unless the interval
    excludes it.
    """
    ratio = change.interval.ratio
    if change.verdict is not Verdict.IMPROVED:
        return False
    if unused:
        return first.high > _half(ratio)
    return first.low > _half(ratio) and ratio <= CACHED and first_base <= COLD * change.base


def _half(ratio: float) -> float:
    """Return the ratio of first calls that save half as much as later ones."""
    return (1 + ratio) / 2


def about_caches(
    samples: Samples, changes: Sequence[Change], first: Sequence[FirstCall], removed: Collection[str]
) -> Iterator[str]:
    """Name claims that hold only for repeated calls; without a measured time, those that may."""
    calls = {each.test: each for each in first}
    ratios = {each.test: each.interval.ratio for each in changes if each.metric is MetricName.TIME}
    for test in dict.fromkeys(each.test for each in changes if each.primary and each.verdict is Verdict.IMPROVED):
        name, call = test.rpartition("::")[2], calls.get(test)
        if call and call.is_cached:
            base, head = figures.seconds(call.base), figures.seconds(call.head)
            low, high = call.interval.low, call.interval.high
            only = "only later calls take less at head"
            if low <= _half(ratios[test]):
                only = f"perhaps only later calls take less at head ({figures.interval(low, high)} for first calls)"
            yield (
                f"the first call of {name} in a process takes {base} at base and {head} at head; {only}: "
                "use other arguments in each call, or say in `summary` that calls are repeated"
            )
        elif not call and (unused := ", ".join(_unused(samples.functions, test, removed))):
            yield (
                f"later calls of {name} execute {unused} at base and no longer at head; if head keeps the result of an "
                "earlier call, this holds only for repeated calls: measure `time` too, it compares first calls"
            )


def about_growth(measurements: Sequence[Measurement], level: float) -> Iterator[str]:
    """Name tests whose calls take longer the more of them a process has made."""
    for measurement in measurements:
        for side in SIDES if measurement.metric is MetricName.TIME else ():
            interval = statistics.growth_interval(measurement.launches, side, level)
            if interval and interval.low > GROWTH:
                more = figures.percent(interval.ratio - 1)
                yield (
                    f"calls of {measurement.test.rpartition('::')[2]} take longer and longer at {side} ({more} within "
                    "one process): something grows from call to call, so the effect depends on the number of calls"
                )
