"""Arrange a comparison for a body: by test, what leads, what costs more, and rows in the shapes that reviewers know."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..artifacts import MetricName, Verdict

if TYPE_CHECKING:
    from ..artifacts import Change, Comparison, Detection, FunctionShare, Output, Site

ENOUGH_SAMPLES = 30
_ASV_MARKS = {Verdict.IMPROVED: "-", Verdict.REGRESSED: "+", Verdict.UNCHANGED: "", Verdict.INCONCLUSIVE: "~"}


@dataclass(frozen=True, slots=True)
class TestView:
    """What was found of one test: its changes by metric, its functions, and its call sites' parts of the peak."""

    name: str
    changes: tuple[Change, ...]
    functions: tuple[FunctionShare, ...] = ()
    sites: tuple[Site, ...] = ()

    @property
    def is_control_row(self) -> bool:
        return any(change.control_row for change in self.changes)

    def of(self, metric: MetricName) -> Change | None:
        return next((change for change in self.changes if change.metric == metric), None)

    @property
    def time(self) -> Change | None:
        return self.of(MetricName.TIME)

    @property
    def imports(self) -> Change | None:
        return self.of(MetricName.IMPORT)

    @property
    def peak(self) -> Change | None:
        return self.of(MetricName.PEAK)

    @property
    def allocations(self) -> Change | None:
        return self.of(MetricName.ALLOCATIONS)

    @property
    def leaked(self) -> Change | None:
        return self.of(MetricName.LEAKED)

    @property
    def start(self) -> Change | None:
        return self.of(MetricName.START)


@dataclass(frozen=True, slots=True)
class AsvRow:
    """A row as `asv continuous` has it."""

    mark: str
    kind: str
    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class PyperfRow:
    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class PyperfTable:
    """What `pyperf compare_to --table` shows: rows that are decided, those hidden, and the mean ratio head/base of both."""

    rows: tuple[PyperfRow, ...]
    hidden: tuple[str, ...]
    mean: float | None


def leading(comparison: Comparison) -> Change | None:
    """Return the change that stands for the comparison: a primary one that has its verdict, else the first primary one."""
    primary = [change for change in comparison.changes if change.primary] or list(comparison.changes)
    return next((change for change in primary if change.verdict == comparison.verdict), primary[0] if primary else None)


def tests_of(comparison: Comparison, benchmark: str) -> tuple[TestView, ...]:
    """Group by test: the one that leads first, then those that the claim rests on, control rows last; short names."""
    lead = leading(comparison)
    grouped: dict[str, list[Change]] = {}
    ranked = sorted(filter(_is_shown, comparison.changes), key=lambda change: (change.control_row, not change.primary))
    for change in sorted(ranked, key=lambda change: lead is None or change.test != lead.test):
        grouped.setdefault(change.test, []).append(change)
    return tuple(
        TestView(
            short_name(name, benchmark),
            tuple(found),
            tuple(share for share in comparison.functions if share.test == name),
            tuple(site for site in comparison.sites if site.test == name),
        )
        for name, found in grouped.items()
    )


def losses_of(comparison: Comparison, benchmark: str) -> tuple[tuple[str, Change], ...]:
    """Return test and change of all that costs more at head, but for the one that the headline is about."""
    lead = leading(comparison)
    found = (change for change in comparison.changes if change.verdict == Verdict.REGRESSED and change is not lead)
    return tuple((short_name(change.test, benchmark), change) for change in found)


def shares_of(comparison: Comparison) -> tuple[FunctionShare, ...]:
    """Return the parts that the changed functions have in the leading test's call, where there were samples enough."""
    lead = leading(comparison)
    found = [share for share in comparison.functions if share.changed and lead and share.test == lead.test]
    return tuple(share for share in found if share.samples >= ENOUGH_SAMPLES)


def unseen(detection: Detection, comparison: Comparison) -> tuple[str, ...]:
    """Return changed functions of which it is not known whether the benchmark reaches them: nothing was seen of its calls."""
    if comparison.functions or comparison.unreached or len(detection.functions) < 2:
        return ()
    return tuple(function.target for function in detection.functions if function.status != "removed")


def short_name(test: str, benchmark: str) -> str:
    """Leave out the file, which is said once."""
    return test.removeprefix(f"{benchmark}::")


def outputs_of(outputs: tuple[Output, ...], benchmark: str) -> tuple[Output, ...]:
    return tuple(output.model_copy(update={"test": short_name(output.test, benchmark)}) for output in outputs)


def returned(outputs: tuple[Output, ...]) -> str:
    """Sum up what the calls returned: unknown, equal, different, or (some of it) not comparable."""
    verdicts = {output.verdict for output in outputs}
    return next((verdict for verdict in ("different", "not comparable", "equal") if verdict in verdicts), "unknown")


def asv_rows(comparison: Comparison, benchmark: str) -> tuple[AsvRow, ...]:
    """Return every test by time, import time and memory, as asv lists benchmarks, what changed first."""
    shown = {MetricName.TIME: "time", MetricName.IMPORT: "import time", MetricName.PEAK: "peak memory"}
    rows = [
        AsvRow(_ASV_MARKS[change.verdict], shown[change.metric], short_name(change.test, benchmark), change)
        for change in comparison.changes
        if change.metric in shown
    ]
    return tuple(sorted(rows, key=lambda row: row.mark not in {"-", "+"}))


def pyperf_table(comparison: Comparison, benchmark: str) -> PyperfTable:
    """Return the times as pyperf would: what is not decided, or no change, is hidden and counts in the mean."""
    times = [
        change
        for change in comparison.changes
        if change.metric in {MetricName.TIME, MetricName.IMPORT, MetricName.START}
    ]
    clear = [change for change in times if change.verdict in {Verdict.IMPROVED, Verdict.REGRESSED}]
    ratios = [change.interval.ratio for change in times if change.interval.ratio > 0]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios)) if len(ratios) > 1 else None
    return PyperfTable(
        rows=tuple(PyperfRow(short_name(change.test, benchmark), change) for change in clear),
        hidden=tuple(short_name(change.test, benchmark) for change in times if change not in clear),
        mean=mean,
    )


def _is_shown(change: Change) -> bool:
    """Leave out that nothing is left in memory, as after most calls."""
    return change.metric is not MetricName.LEAKED or bool(change.base.median or change.head.median)
