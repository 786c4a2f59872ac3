"""Effect, interval, verdict and stopping rule: pure functions of launches.

Within a launch the n-th samples of base and head were taken one after the other, so that what disturbs the machine for
longer than that disturbs both. Everything that differs between processes of the same code is drawn again for each
launch, so only launches count as independent. Samples are costs per call (seconds, bytes or counts); ratios are
head/base. `python -m benchmarks.coverage_of_intervals` shows what led to each choice here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import sub
from statistics import fmean, median, stdev

from ..artifacts import SIDES, Interval, Launch, Measurement, Side, Verdict

TRIM = 0.4
"""Share of a launch's pairs that is trimmed at either end: half of the blocks may be disturbed on one side."""
LAUNCHES_PER_TRIM = 12
"""One launch of so many is trimmed at either end: with fewer, two kinds of process would look like one."""
FEWEST_LAUNCHES = 3
"""Fewer do not show how launches differ."""
NO_SAMPLES = (math.nan,)
SPENDING_POWER = 2
"""How late the looks spend the error: look k of K has spent the share (k/K)² of it."""


def launch_ratios(launches: Sequence[Launch]) -> list[float]:
    """Return ln(head/base) of each launch.

    The trimmed mean (TRIM at either end) of ln(head[n]/base[n]) over the n-th samples of both sides; surplus samples of
    one side are dropped. In the order ABBA a drift favours each side equally often and cancels. If a control ran, this
    is the mean over both trees with base's code, each trimmed by itself: a disturbance only makes a block longer, so
    the difference of two blocks is symmetric, that of one block and the mean of two is not. Equal samples give 0, also
    zeros; zeros on one side only can give a result that is not finite.
    """
    return [
        _mean([_log_ratio(launch, "head", base) for base in (("base", "control") if launch.control else ("base",))])
        for launch in launches
    ]


def ratio_interval(launches: Sequence[Launch], confidence: float) -> Interval:
    """Return the ratio head/base with its two-sided interval at `confidence`, a share.

    exp(c ± t(m-1) · s·√n / m), Student's t over the log ratios of n launches: c is their mean without the g = ⌊n/12⌋
    smallest and largest, m = n - 2g, s the standard deviation after clipping those to their neighbours (Tukey and
    McLaughlin 1963; Student's interval if g = 0). If nothing varies on either side in two launches or more, the ratio
    is exact and the interval a point, infinite if base is zero. Fewer than three launches, or zeros in some of them,
    give 0 to infinity.
    """
    if (exact := _exact_ratio(launches)) is not None:
        return Interval(ratio=exact, low=exact, high=exact, confidence=confidence)
    if interval := _interval(launch_ratios(launches), confidence):
        return interval
    # The launches' own ratios cannot be trusted.
    base, head = (math.fsum(value for launch in launches for value in getattr(launch, side)) for side in SIDES)
    return Interval(ratio=_quotient(head, base), low=0.0, high=math.inf, confidence=confidence)


def control_interval(launches: Sequence[Launch], confidence: float) -> Interval | None:
    """Return the ratio control/base with its interval, as `ratio_interval` does; None if too few launches have it."""
    return _interval([_log_ratio(launch, "control", "base") for launch in launches if launch.control], confidence)


def interval_of(measurement: Measurement, confidence: float) -> Interval:
    """Return a measurement's interval of head/base, valid at `confidence` however often its launches were looked at."""
    interval = ratio_interval(measurement.launches, adjusted_confidence(measurement, confidence))
    return interval.model_copy(update={"confidence": confidence})


def control_of(measurement: Measurement, confidence: float) -> Interval | None:
    """Return the interval of control/base in the same way; None without a control."""
    interval = control_interval(measurement.launches, adjusted_confidence(measurement, confidence))
    return interval and interval.model_copy(update={"confidence": confidence})


def interval_between(first: Measurement, second: Measurement, confidence: float) -> Interval | None:
    """Return the interval of the ratio of two heads with one base, second/first; None if too few launches have both.

    It is that of the differences of ln(head/base) in each launch, from which what base and control did in its turns
    cancels. Its level is that of the head that left first: the launches that both have are those up to that look.
    """
    left_first = min(first, second, key=lambda each: (len(each.launches), each.stopped != "decided"))
    of_first, of_second = (
        dict(zip((launch.seed for launch in each.launches), launch_ratios(each.launches), strict=True))
        for each in (first, second)
    )
    logs = [of_second[seed] - log for seed, log in of_first.items() if seed in of_second]
    interval = _interval(logs, adjusted_confidence(left_first, confidence))
    return interval and interval.model_copy(update={"confidence": confidence})


def first_call_interval(launches: Sequence[Launch], confidence: float) -> Interval | None:
    """Return the interval of head/base of the first calls in their processes; None if too few launches have them."""
    return _interval([_log_of(launch.first_call) for launch in launches if launch.first_call], confidence)


def growth_interval(launches: Sequence[Launch], side: Side, confidence: float) -> Interval | None:
    """Return the interval of last/first samples of a side in one process; None if too few launches have it."""
    growths = [launch.growth[side] for launch in launches if side in launch.growth]
    return _interval([_logarithm(growth) for growth in growths], confidence)


def _log_of(times: Mapping[str, float]) -> float:
    return _logarithm(times["head"]) - _logarithm(times["base"])


def band(negligible: float) -> tuple[float, float]:
    """Return the ratios between which a change is negligible, inclusive: 0.99 and 1.01 for 0.01."""
    return 1 - negligible, 1 + negligible


def verdict(interval: Interval, negligible: float, control: Interval | None = None) -> Verdict:
    """Judge by where the whole interval lies: below the negligible band, above it or inside it; inconclusive otherwise.

    An interval that excludes 1 but reaches into the band is no claim: the change may be too small to matter, and
    systematic errors (layout, alignment) are of that size. The three questions are two minimum-effect tests and an
    equivalence test (Schuirmann 1987) on one interval, so at most one holds. A claim must also exceed what identical
    code in the same launches, `control`, may differ by in either direction.
    """
    low, high = band(negligible)
    spread = spread_of(control)
    if interval.high < min(low, 1 / spread):
        return Verdict.IMPROVED
    if interval.low > max(high, spread):
        return Verdict.REGRESSED
    if low <= interval.low and interval.high <= high:
        return Verdict.UNCHANGED
    return Verdict.INCONCLUSIVE


def spread_of(control: Interval | None) -> float:
    """Return the end of a control's interval that is farther from 1, as a ratio of at least 1."""
    if control is None:
        return 1.0
    return max(control.high, 1 / control.low if control.low else math.inf)


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """The sequential rule: the numbers of launches at which the data are looked at, and whether they decide.

    Look k of K spends (k/K)² - ((k-1)/K)² of the error 1 - `confidence` (an increment of the power family of Kim and
    DeMets 1987). The sum is the error of all looks together, however the launches depend on each other; so the
    intervals of all looks hold at once (repeated confidence intervals, Jennison and Turnbull 1989), also the one at
    which sampling stops.
    """

    planned: tuple[int, ...]
    confidence: float
    negligible: float

    def decide(self, launches: Sequence[Launch]) -> bool:
        """Return whether sampling can stop: only at planned looks, from `first_look` on unless nothing varies."""
        if len(launches) not in self.planned:
            return False
        number = self.planned.index(len(launches)) + 1
        last = number == len(self.planned)
        if not last and len(launches) < first_look(self.confidence) and _exact_ratio(launches) is None:
            return False
        level = _level(number, of=len(self.planned), last=last, confidence=self.confidence)
        control = control_interval(launches, level)
        return verdict(ratio_interval(launches, level), self.negligible, control) is not Verdict.INCONCLUSIVE


def first_look(confidence: float) -> int:
    """Return the launches before which sampling does not stop early, ⌈1 - log₂(1 - confidence)⌉: 8 at 99 %.

    Noise with two values (two memory layouts) puts all of n launches on the same side of 1 with probability 2^(1-n);
    their spread is then far too small, which Student's t cannot know.
    """
    return math.ceil(1 - math.log2(1 - confidence))


def adjusted_confidence(measurement: Measurement, confidence: float) -> float:
    """Return the level of a measurement's interval at which all of its looks together keep `confidence`.

    It is the level at which `StoppingRule` decided. If the budget or the time limit ended sampling, which do not depend
    on the ratio, that look is the last and spends what the earlier ones left.
    """
    planned = max(measurement.planned_looks, 1)
    number = min(max(len(measurement.looks), 1), planned)
    return _level(number, of=planned, last=measurement.stopped != "decided" or number == planned, confidence=confidence)


def costs(launches: Sequence[Launch], ratio: float) -> tuple[float, float]:
    """Return what a call costs at base and head, with exactly the `ratio` head/base that was estimated from them.

    exp(c ∓ ln(ratio)/2), c the mean over launches of the mean of ln(median) of both sides: the level is that of the
    samples, and the difference that of the pairs, which disturbances of both sides leave alone. The medians of all
    samples would have another ratio, at times one outside of the interval. They are returned if nothing
    varies, or if a logarithm is not defined: with zeros among the samples, or without a finite ratio.
    """
    medians = [median(getattr(launch, side) or NO_SAMPLES) for launch in launches for side in SIDES]
    if _exact_ratio(launches) is not None or not (0 < ratio < math.inf and all(each > 0 for each in medians)):
        base, head = (median(_all_samples(launches, side) or NO_SAMPLES) for side in SIDES)
        return base, head
    return split(medians, ratio)


def split(values: Iterable[float], ratio: float) -> tuple[float, float]:
    """Return two figures with the `ratio` of the second to the first, at the geometric mean of positive `values`."""
    level = fmean(map(math.log, values))
    return math.exp(level - math.log(ratio) / 2), math.exp(level + math.log(ratio) / 2)


def _all_samples(launches: Sequence[Launch], side: str) -> list[float]:
    return [value for launch in launches for value in getattr(launch, side)]


def _level(number: int, *, of: int, last: bool, confidence: float) -> float:
    before = ((number - 1) / of) ** SPENDING_POWER
    share = (1.0 if last else (number / of) ** SPENDING_POWER) - before
    return 1 - share * (1 - confidence)


def _log_ratio(launch: Launch, side: str, reference: str) -> float:
    pairs = min(len(getattr(launch, side)), len(getattr(launch, reference)))
    if not pairs:
        return math.nan
    cut = min(math.ceil(TRIM * pairs), (pairs - 1) // 2)
    above, below = getattr(launch, side)[:pairs], getattr(launch, reference)[:pairs]
    try:
        logs = [*map(sub, map(math.log, above), map(math.log, below))]
    except ValueError:  # a sample of nothing
        both = zip(above, below, strict=True)
        logs = [0.0 if one == other else _logarithm(one) - _logarithm(other) for one, other in both]
    return _mean(_trimmed(logs, cut))


def _interval(logs: Sequence[float], confidence: float) -> Interval | None:
    """Return the interval of log ratios, by the formula of `ratio_interval`; None if they are too few or not finite."""
    launches = len(logs)
    if launches < FEWEST_LAUNCHES or not all(map(math.isfinite, logs)):
        return None
    inner = _trimmed(logs, launches // LAUNCHES_PER_TRIM)
    clipped = [min(max(log, inner[0]), inner[-1]) for log in logs]
    quantile = student_quantile(len(inner) - 1, confidence)
    centre, reach = fmean(inner), quantile * stdev(clipped) * math.sqrt(launches) / len(inner)
    low, middle, high = (_exponential(value) for value in (centre - reach, centre, centre + reach))
    return Interval(ratio=middle, low=low, high=high, confidence=confidence)


@lru_cache(maxsize=1024)
def student_quantile(degrees: int, confidence: float) -> float:
    """Return the t with P(-t ≤ T ≤ t) = `confidence`, T of Student's distribution with whole `degrees` of freedom.

    The probability as a function of θ = atan(t/√degrees) is a finite sum (Abramowitz and Stegun, 26.7.3 and 26.7.4),
    and is inverted by bisection of θ. SciPy has this function, too, and takes 140 MB.
    """
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if _share_within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan(high)


def _share_within(theta: float, degrees: int) -> float:
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    term, total = (cosine if odd else 1.0), 0.0
    for power in range(odd, degrees - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    return 2 / math.pi * (theta + sine * total) if odd else sine * total


def _trimmed(values: Iterable[float], cut: int) -> list[float]:
    ordered = sorted(values)
    return ordered[cut : len(ordered) - cut]


def _mean(values: Sequence[float]) -> float:
    """Return the mean, which is not a number for infinities of both signs; `fmean` raises for these."""
    return sum(values) / len(values)


def _logarithm(value: float) -> float:
    if value > 0:
        return math.log(value)
    return -math.inf if value == 0 else math.nan


def _exact_ratio(launches: Sequence[Launch]) -> float | None:
    """Return the ratio if nothing varies on either side in two launches or more, else None."""
    base, head = ({value for launch in launches for value in getattr(launch, side)} for side in SIDES)
    if len(launches) < 2 or len(base) != 1 or len(head) != 1:
        return None
    return _quotient(head.pop(), base.pop())


def _quotient(head: float, base: float) -> float:
    if head == base:
        return 1.0
    return head / base if base else math.inf


def _exponential(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf
