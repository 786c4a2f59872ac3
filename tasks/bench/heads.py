"""Compare heads with each other that were timed in the same turns."""

from collections.abc import Iterator

from ..artifacts import Change, Comparison, Measurement, MetricName, Samples
from ..storage.artifact import read_if_valid
from ..storage.paths import ItemPaths
from . import statistics


def changes_between(first: ItemPaths, second: ItemPaths) -> Iterator[Change]:
    """Yield the change of each test's time from the first head to the second; nothing if they share no launches."""
    comparison, of_first = read_if_valid(Comparison, second.compare), _times(first)
    if comparison is None:
        return
    confidence = comparison.changes[0].interval.confidence
    for test, measurement in _times(second).items():
        if other := of_first.get(test):
            change = _change(other, measurement, confidence=confidence, negligible=comparison.negligible)
            yield from [change] if change else []


def _times(paths: ItemPaths) -> dict[str, Measurement]:
    samples = read_if_valid(Samples, paths.samples)
    return {each.test: each for each in samples.measurements if each.metric is MetricName.TIME} if samples else {}


def _change(first: Measurement, second: Measurement, *, confidence: float, negligible: float) -> Change | None:
    interval = statistics.interval_between(first, second, confidence)
    if interval is None:
        return None
    shared = min(first, second, key=lambda each: len(each.launches))
    control = statistics.control_of(shared, confidence)
    before, after = statistics.split([_cost(first, confidence), _cost(second, confidence)], interval.ratio)
    return Change(
        test=first.test,
        metric=first.metric,
        unit="s",
        base=before,
        head=after,
        samples=sum(len(launch.head) for launch in shared.launches),
        interval=interval,
        verdict=statistics.verdict(interval, negligible, control),
        negligible=negligible,
        launches=len(shared.launches),
        primary=False,
        control=control,
    )


def _cost(measurement: Measurement, confidence: float) -> float:
    ratio = statistics.interval_of(measurement, confidence).ratio
    return statistics.costs(measurement.launches, ratio)[1]
