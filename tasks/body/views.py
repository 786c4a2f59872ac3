"""Arrange a comparison for a body: by test, its leading change, its losses, and rows as asv and pyperf show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from ..artifacts import (
    SIDES,
    Change,
    Comparison,
    Detection,
    FirstCall,
    FunctionShare,
    MetricName,
    Output,
    Side,
    Site,
    Verdict,
)
from ..project.code.definitions import MODULE

ENOUGH_SAMPLES = 30
KNOWN_WELL, KNOWN_ROUGHLY = 0.02, 0.2
"""Relative standard errors below which three digits, or two, are shown."""
MOST_FUNCTIONS, LEAST_SHARE = 8, 0.01
"""Rows of a table of functions, and the least share of the time on one side for a row."""
_OF_IMPORTS = {MetricName.IMPORT, MetricName.START, MetricName.KEPT}
_IN_SIGHT = {MetricName.TIME, MetricName.IMPORT, MetricName.START, MetricName.PEAK}
"""Metrics of the leading test that the table in sight shows."""
_ASV_MARKS = {Verdict.IMPROVED: "-", Verdict.REGRESSED: "+", Verdict.UNCHANGED: "", Verdict.INCONCLUSIVE: "~"}


@dataclass(frozen=True, slots=True)
class FunctionTable:
    """The functions of one test to show, changed ones first; `sides` have shares, none if there are few samples.

    `left_out` are the changed functions without a row, `compiled` those that the sampler does not see on a side.
    """

    rows: tuple[FunctionShare, ...]
    sides: tuple[Side, ...]
    samples: int
    left_out: tuple[str, ...]
    compiled: tuple[str, ...]

    def digits(self, share: float) -> int:
        """Return how many digits of a time are known that is this share of another, by its relative standard error.

        That of a share p of n samples is sqrt((1 - p) / (p n)).
        """
        error = math.sqrt((1 - min(share, 1)) / (share * self.samples)) if share * self.samples else 1.0
        return 3 if error < KNOWN_WELL else 2 if error < KNOWN_ROUGHLY else 1

    @classmethod
    def of(cls, functions: Sequence[FunctionShare], compiled: tuple[str, ...] = ()) -> FunctionTable:
        samples = min((each.samples for each in functions), default=0)
        is_sampled = samples >= ENOUGH_SAMPLES
        large = [each for each in functions if not is_sampled or _greatest_share(each) >= LEAST_SHARE]
        rows = tuple(large[:MOST_FUNCTIONS])
        sides = tuple(side for side in SIDES if is_sampled and any(getattr(row, side) for row in rows))
        left_out = tuple(each.function for each in functions if each.changed and each not in rows)
        return cls(rows, sides, samples, left_out, compiled)


def _greatest_share(function: FunctionShare) -> float:
    return max(side.share for side in (function.base, function.head) if side)


@dataclass(frozen=True, slots=True)
class MeasuredTest:
    """One test: its changes, one a metric, the project's functions in it, and its call sites' parts of the peak."""

    name: str
    changes: tuple[Change, ...]
    functions: tuple[FunctionShare, ...] = ()
    sites: tuple[Site, ...] = ()
    compiled: tuple[str, ...] = ()

    @property
    def time(self) -> Change | None:
        return next((change for change in self.changes if change.metric is MetricName.TIME), None)

    @property
    def function_table(self) -> FunctionTable:
        return FunctionTable.of(self.functions, self.compiled)

    @property
    def is_control_row(self) -> bool:
        return any(change.control_row for change in self.changes)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table in sight: of ours or pyperf's, which have no mark and no kind, or of `asv continuous`."""

    name: str
    change: Change
    mark: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PyperfTable:
    """What `pyperf compare_to --table` shows: significant rows, hidden ones, and the geometric mean of all ratios."""

    rows: tuple[Row, ...]
    hidden: tuple[str, ...]
    mean: float | None


def leading(comparison: Comparison) -> Change | None:
    return leading_change(comparison.changes, comparison.verdict)


def leading_change(changes: Sequence[Change], verdict: str) -> Change | None:
    """Return the change of the headline: a primary one with the comparison's verdict, else the first primary one."""
    primary = [change for change in changes if change.primary] or list(changes)
    return next((change for change in primary if change.verdict == verdict), primary[0] if primary else None)


def tests_of(comparison: Comparison, benchmark: str) -> tuple[MeasuredTest, ...]:
    """Group by test: the leading one first, then those that the claim rests on, control rows last."""
    lead = leading(comparison)
    grouped: dict[str, list[Change]] = {}
    ranked = sorted(filter(_is_shown, comparison.changes), key=lambda change: (change.control_row, not change.primary))
    for change in sorted(ranked, key=lambda change: lead is None or change.test != lead.test):
        grouped.setdefault(change.test, []).append(change)
    return tuple(
        MeasuredTest(
            short_name(name, benchmark),
            tuple(changes),
            tuple(share for share in comparison.functions if share.test == name),
            tuple(site for site in comparison.sites if site.test == name),
            comparison.compiled,
        )
        for name, changes in grouped.items()
    )


def rows_in_sight(comparison: Comparison, benchmark: str) -> tuple[Row, ...]:
    """Return the headline's change, what costs more, other claimed changes, and the leading test's main metrics."""
    lead = leading(comparison)
    if lead is None:
        return ()
    others = [change for change in filter(_is_shown, comparison.changes) if change is not lead]
    regressed = [change for change in others if change.verdict is Verdict.REGRESSED]
    claimed = [change for change in others if change.primary and change not in regressed]
    beside = [change for change in others if change.test == lead.test and change.metric in _IN_SIGHT]
    rows = dict.fromkeys((lead, *regressed, *claimed, *beside))
    return tuple(Row(short_name(change.test, benchmark), change) for change in rows)


def claimed_tests(comparison: Comparison, benchmark: str) -> frozenset[str]:
    """Return the tests that the claim rests on."""
    return frozenset(short_name(change.test, benchmark) for change in comparison.changes if change.primary)


def first_calls_of(comparison: Comparison, benchmark: str) -> tuple[FirstCall, ...]:
    return tuple(
        first.model_copy(update={"test": short_name(first.test, benchmark)}) for first in comparison.first_calls
    )


def floor_of(comparison: Comparison) -> float:
    """Return the bytes of peak memory that count as no change because of their amount, 0 if none do."""
    small = (each for each in comparison.changes if each.unit == "B" and each.negligible > comparison.negligible)
    return max((change.negligible * max(change.base, 1) for change in small), default=0.0)


def losses_of(comparison: Comparison, benchmark: str) -> tuple[tuple[str, Change], ...]:
    """Return test and change of everything that costs more at head, except the change of the headline."""
    lead = leading(comparison)
    losses = (change for change in comparison.changes if change.verdict == Verdict.REGRESSED and change is not lead)
    return tuple((short_name(change.test, benchmark), change) for change in losses)


def unseen(detection: Detection, comparison: Comparison) -> tuple[str, ...]:
    """Return the changed functions if the benchmark's calls were not observed, so that it may not reach them."""
    if comparison.functions or comparison.unreached or len(detection.functions) < 2:
        return ()
    imports = any(change.metric in _OF_IMPORTS for change in comparison.changes)
    return tuple(
        function.target
        for function in detection.functions
        # An import executes a module, and may call its functions.
        if not (function.status == "removed" or function.only_moved or (imports and function.name == MODULE))
    )


def short_name(test: str, benchmark: str) -> str:
    """Return the test's name without its file, which the body names once."""
    return test.removeprefix(f"{benchmark}::")


def outputs_of(comparison: Comparison, benchmark: str) -> tuple[Output, ...]:
    """Return what the calls returned, with short names; without a benchmark of an import, which has no result."""
    measured = {change.test for change in comparison.changes}
    compared = (each for each in comparison.outputs if each.test in measured or each.verdict != "not comparable")
    return tuple(output.model_copy(update={"test": short_name(output.test, benchmark)}) for output in compared)


def returned(outputs: tuple[Output, ...], comparison: Comparison) -> str:
    """Sum up what the calls returned: `different`, `not comparable`, `equal`, `import` (only that ran) or `unknown`."""
    verdicts = {output.verdict for output in outputs}
    metrics = {change.metric for change in comparison.changes}
    if not verdicts and metrics and metrics <= _OF_IMPORTS:
        return "import"
    return next((verdict for verdict in ("different", "not comparable", "equal") if verdict in verdicts), "unknown")


def asv_rows(comparison: Comparison, benchmark: str) -> tuple[Row, ...]:
    """Return every test's time, import time and peak memory as asv lists them, changed ones first."""
    shown = {MetricName.TIME: "time", MetricName.IMPORT: "import time", MetricName.PEAK: "peak memory"}
    rows = [
        Row(short_name(change.test, benchmark), change, _ASV_MARKS[change.verdict], shown[change.metric])
        for change in filter(_is_shown, comparison.changes)
        if change.metric in shown
    ]
    return tuple(sorted(rows, key=lambda row: row.mark not in {"-", "+"}))


def pyperf_table(comparison: Comparison, benchmark: str) -> PyperfTable:
    """Return the times as pyperf does: undecided and unchanged ones are hidden, and count in the mean."""
    metrics = {MetricName.TIME, MetricName.IMPORT, MetricName.START}
    times = [change for change in filter(_is_shown, comparison.changes) if change.metric in metrics]
    clear = [change for change in times if change.verdict in {Verdict.IMPROVED, Verdict.REGRESSED}]
    ratios = [change.interval.ratio for change in times if change.interval.ratio > 0]
    return PyperfTable(
        rows=tuple(Row(short_name(change.test, benchmark), change) for change in clear),
        hidden=tuple(short_name(change.test, benchmark) for change in times if change not in clear),
        mean=geometric_mean(ratios) if len(ratios) > 1 else None,
    )


def _is_shown(change: Change) -> bool:
    """Hide other costs that are no more than before, and the memory left after calls if it is zero on both sides."""
    if change.is_cost and change.verdict is not Verdict.REGRESSED:
        return False
    return change.metric is not MetricName.LEAKED or bool(change.base or change.head)
