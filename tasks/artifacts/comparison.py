"""The verdict on the samples."""

from enum import StrEnum

from ..storage.artifact import Record
from .linting import Reach
from .samples import Measured, MetricName


class Verdict(StrEnum):
    IMPROVED = "improved"
    REGRESSED = "regressed"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"


class Interval(Record):
    """A ratio head/base with its confidence interval: 0.8 means that head costs a fifth less."""

    ratio: float
    low: float
    high: float
    confidence: float


class Change(Record):
    """One metric of one test, judged."""

    test: str
    metric: MetricName
    unit: str
    base: float
    """The cost of a call at base, in `unit`: one estimate with `head` and the interval, whose ratio is head / base."""
    head: float
    samples: int
    """Of each side, in all launches."""
    interval: Interval
    verdict: Verdict
    negligible: float
    """The relative change below which this one counts as none; for peak memory it may follow from an amount."""
    launches: int
    primary: bool
    """Whether the item's claim rests on this metric."""
    control: Interval | None = None
    """A second tree of base compared with base, in the same launches."""
    control_row: bool = False
    """Whether this test reaches no changed function."""
    is_cost: bool = False
    """Whether it was measured only to see what else the change costs: it is shown if that is more."""
    together: bool = False
    """Whether a peak is that of the call's process and its child processes together."""


class FirstCall(Record):
    """A test's first call in a process: seconds at base and head, and the interval of their ratio."""

    test: str
    base: float
    head: float
    interval: Interval
    is_cached: bool
    """Whether later calls are fast at head only because something is kept from the first one."""


class Comparison(Measured):
    SCHEMA = 3
    STAGE = "compare"

    verdict: Verdict
    reason: str
    headline: str
    """Metric, change and interval: `time -48.7 % (99 % interval -48.8 % to -48.5 %)`, with true minus signs."""
    changes: tuple[Change, ...]
    first_calls: tuple[FirstCall, ...] = ()
    negligible: float
    needs_review: tuple[str, ...] = ()
    reach: Reach | None = None
    contradictions: tuple[str, ...] = ()
    """Where codeflash's figures contradict these; empty if it did not run."""
