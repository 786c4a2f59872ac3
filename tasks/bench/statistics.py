"""Effect, interval, verdict and stopping rule: pure functions over launches, the launch being the unit.

Within a launch the n-th samples of base and head were taken one after the other, so that what disturbs the machine for
longer than that disturbs both. From launch to launch everything that differs between processes of the same code is drawn
anew, which is why only launches count as independent. Every choice here was made by what
`python -m benchmarks.coverage_of_intervals` prints. NumPy and SciPy are imported: import this where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from ..artifacts import SIDES, Interval, Summary, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..artifacts import Launch, Measurement

    Array = NDArray[np.float64]

LEFT_OUT = 0.4
"""Share of a launch's pairs that is left out at either end: half of the blocks may be disturbed on one side."""
LAUNCHES_PER_TRIM = 12
"""One launch of so many is left out at either end: with fewer, two kinds of process would look like one."""
FEWEST_LAUNCHES = 3
"""Fewer say nothing about how launches differ, unless nothing differs at all."""
SPENDING_POWER = 2
"""How late the looks spend the error: look k of K has spent the share (k/K)² of it."""


def launch_ratios(launches: Sequence[Launch]) -> Array:
    """Return the log ratio head/base of each launch, shape (launches,).

    The trimmed mean of the log ratios of neighbours in time (the n-th sample of either side; what one side has more is left
    out). Taken in the order ABBA a drift is as often for one side as for the other and cancels. Where a control ran, this is
    the mean over both trees that have base's code: what they differ by then says nothing of the effect. It is taken over
    trimmed means and not within turns: what disturbs a block only ever makes it longer, and the difference of two blocks is
    still symmetric, where that of one and the mean of two is not.
    Equal samples give 0, zeros too; where what is left has zeros on one side the result is not finite.
    """
    return np.array(
        [np.mean([_log_ratio(launch, "head", over) for over in _bases(launch)]) for launch in launches], dtype=float
    )


def control_ratios(launches: Sequence[Launch]) -> Array:
    """Return the log ratio control/base of each launch that had a control: two trees of the same code, by the same protocol."""
    return np.array([_log_ratio(launch, "control", "base") for launch in launches if launch.control], dtype=float)


def ratio_interval(launches: Sequence[Launch], confidence: float) -> Interval:
    """Return the ratio head/base with its two-sided interval at `confidence`, a share.

    Student's t over the log ratios of n launches: c ± t(m-1) · s√n / m, where c is their mean without the g = ⌊n/12⌋ smallest
    and largest, m = n - 2g, s the standard deviation with those pulled in to their neighbours (Tukey and McLaughlin 1963;
    the usual interval where g = 0). Where every sample of base is the same and every sample of head is, in two launches or
    more, the ratio is exact and the interval a point, 0 or infinite where one side is zero. Fewer than three launches, or
    zeros in some of them, leave everything open: 0 to infinity.
    """
    if (exact := _exact_ratio(launches)) is not None:
        return Interval(ratio=exact, low=exact, high=exact, confidence=confidence)
    return _interval(launch_ratios(launches), confidence) or Interval(
        ratio=_overall_ratio(launches), low=0.0, high=math.inf, confidence=confidence
    )


def control_interval(launches: Sequence[Launch], confidence: float) -> Interval | None:
    """Return the ratio control/base with its interval as `ratio_interval` does; None where too few launches had a control."""
    return _interval(control_ratios(launches), confidence)


def interval_of(measurement: Measurement, confidence: float) -> Interval:
    """Return the interval of a measurement, valid at `confidence` however often its launches were looked at."""
    interval = ratio_interval(measurement.launches, adjusted_confidence(measurement, confidence))
    return interval.model_copy(update={"confidence": confidence})


def control_of(measurement: Measurement, confidence: float) -> Interval | None:
    """Return the interval of a measurement's control in the same way; None where there was none."""
    interval = control_interval(measurement.launches, adjusted_confidence(measurement, confidence))
    return interval and interval.model_copy(update={"confidence": confidence})


def band(negligible: float) -> tuple[float, float]:
    """Return the ratios between which a change is negligible, both included: 0.99 and 1.01 for 0.01."""
    return 1 - negligible, 1 + negligible


def verdict(interval: Interval, negligible: float, control: Interval | None = None) -> Verdict:
    """Judge by where the whole interval lies: below the negligible band, above it, inside it; else it is inconclusive.

    An interval that leaves out 1 but reaches into the band is no claim: it says that there is a change, and not that the change
    is worth having; and what remains of a systematic error (layout, alignment) is of that size. The three questions are
    two minimum-effect tests and an equivalence test (Schuirmann 1987) on the one interval, so at most one holds.
    A claim must also lie beyond what `control`, identical code in the same launches, may differ by in either direction.
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
    """Return the end of a control's interval that lies farther from 1, as a ratio of 1 or more."""
    if control is None:
        return 1.0
    return max(control.high, 1 / control.low if control.low else math.inf)


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """The sequential rule: the numbers of launches at which the data are looked at, and whether they decide.

    Look k of K spends (k/K)² - ((k-1)/K)² of the error 1 - `confidence` (an increment of the power family of Kim and DeMets
    1987, used as it is). The sum is the error of all looks together, whatever the launches' dependence; so the intervals
    of all looks hold at once (repeated confidence intervals, Jennison and Turnbull 1989), and so does the one at which
    sampling stopped.
    """

    planned: tuple[int, ...]
    confidence: float
    negligible: float

    def decide(self, launches: Sequence[Launch]) -> bool:
        """Return whether sampling can stop; never between the planned looks, nor before the launches can tell."""
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
    """Return the launches before which sampling does not stop early: 8 at 99 %.

    Noise that has two values (two memory layouts) puts n launches on one side of 1 with a probability of 2^(1-n), and their
    spread is then far too small; t does not know that.
    """
    return math.ceil(1 - math.log2(1 - confidence))


def adjusted_confidence(measurement: Measurement, confidence: float) -> float:
    """Return the level of a measurement's interval, at which all of its looks together keep `confidence`.

    The same level as `StoppingRule` decided at. Where the budget or the time limit, which do not depend on the ratio, ended the
    sampling, the look that was taken then is the last and spends what the earlier ones left.
    """
    planned = max(measurement.planned_looks, 1)
    number = min(max(len(measurement.looks), 1), planned)
    return _level(number, of=planned, last=measurement.stopped != "decided" or number == planned, confidence=confidence)


def summarize(values: Sequence[float]) -> Summary:
    """Sum up one side's samples over all launches, at least one; units as given."""
    array = np.asarray(values, dtype=float)
    return Summary(
        minimum=float(array.min()), median=float(np.median(array)), mean=float(array.mean()), rounds=len(array)
    )


def _level(number: int, *, of: int, last: bool, confidence: float) -> float:
    before = ((number - 1) / of) ** SPENDING_POWER
    share = (1.0 if last else (number / of) ** SPENDING_POWER) - before
    return 1 - share * (1 - confidence)


def _bases(launch: Launch) -> tuple[str, ...]:
    return ("base", "control") if launch.control else ("base",)


def _log_ratio(launch: Launch, side: str, over: str) -> float:
    pairs = min(len(getattr(launch, side)), len(getattr(launch, over)))
    if not pairs:
        return math.nan
    above, below = (np.asarray(getattr(launch, each)[:pairs], dtype=float) for each in (side, over))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(above == below, 0.0, np.log(above) - np.log(below))
        return float(_without_ends(logs, min(math.ceil(LEFT_OUT * pairs), (pairs - 1) // 2)).mean())


def _interval(logs: Array, confidence: float) -> Interval | None:
    """Return the t interval of log ratios as ratios; None where they are too few or not finite."""
    if len(logs) < FEWEST_LAUNCHES or not np.isfinite(logs).all():
        return None
    centre, reach = _centre_and_reach(logs, confidence)
    low, middle, high = (_exponential(value) for value in (centre - reach, centre, centre + reach))
    return Interval(ratio=middle, low=low, high=high, confidence=confidence)


def _without_ends(values: Array, cut: int) -> Array:
    """Leave out the `cut` smallest and the `cut` largest."""
    return np.sort(values)[cut : len(values) - cut]


def _centre_and_reach(logs: Array, confidence: float) -> tuple[float, float]:
    launches = len(logs)
    inner = _without_ends(logs, launches // LAUNCHES_PER_TRIM)
    pulled_in = np.clip(logs, inner[0], inner[-1])
    quantile = stdtrit(len(inner) - 1, (1 + confidence) / 2)
    return float(inner.mean()), float(quantile * pulled_in.std(ddof=1) * math.sqrt(launches) / len(inner))


def _exact_ratio(launches: Sequence[Launch]) -> float | None:
    """Return the ratio where nothing varies on either side in two launches or more, else None."""
    base, head = ({value for launch in launches for value in getattr(launch, side)} for side in SIDES)
    if len(launches) < 2 or len(base) != 1 or len(head) != 1:
        return None
    return _quotient(head.pop(), base.pop())


def _overall_ratio(launches: Sequence[Launch]) -> float:
    """Return the ratio of the sums of either side, where no launch's ratio can be trusted."""
    return _quotient(
        *(math.fsum(value for launch in launches for value in getattr(launch, side)) for side in ("head", "base"))
    )


def _quotient(head: float, base: float) -> float:
    if head == base:
        return 1.0
    return head / base if base else math.inf


def _exponential(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf
