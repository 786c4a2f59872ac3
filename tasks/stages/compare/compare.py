"""Compare the samples of base and head, metric by metric; every metric is a cost, less is better."""

import math
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from ...artifacts import (
    SIDES,
    UNITS,
    Change,
    CodeflashRun,
    Comparison,
    Detection,
    Linting,
    Measured,
    Measurement,
    MetricName,
    Samples,
    Scaffolding,
    Side,
    Verdict,
    claimed_domains,
)
from ...bench import domains, statistics
from ...errors import IncomparableError
from ...manifest.model import Domain, Metric, Optimization
from ...staleness import StageInputs
from ...storage.artifact import ArtifactReader
from .contradictions import contradictions
from .findings import about_benchmark, headline, reason, to_review
from .first_calls import about_caches, about_growth, first_calls

# CPU time is measured along with time.
_REQUESTED_AS: dict[MetricName, Metric] = {
    MetricName.TIME: "time",
    MetricName.INSTRUCTIONS: "instructions",
    MetricName.PEAK: "memory",
    MetricName.ALLOCATIONS: "memory",
    MetricName.LEAKED: "memory",
    MetricName.IMPORT: "import",
    MetricName.START: "import",
}


NEGLIGIBLE_IMPORT = 0.001
"""Seconds of an import that count as none, if the claim is about something else."""


def run(inputs: StageInputs) -> None:
    inputs.write(judged(inputs.settings, inputs))


def judged(item: Optimization, artifacts: ArtifactReader) -> Comparison:
    """Judge the artifacts of earlier stages; a pure function of them."""
    samples, detection = artifacts.read(Samples), artifacts.read(Detection)
    linting, codeflash = artifacts.read(Linting), artifacts.read(CodeflashRun)
    scaffolding = artifacts.read(Scaffolding)
    rules = Rules(item.confidence, item.negligible, item.negligible_memory)
    removed = {function.target for function in detection.functions if function.status == "removed"}
    claimed = claimed_domains(scaffolding, detection)
    comparison = judge(samples, claimed, rules, removed.union(samples.compiled))
    needs_review = (*comparison.needs_review, *about_benchmark(linting, scaffolding, comparison.verdict))
    comparison = comparison.model_copy(update={"needs_review": needs_review, "reach": linting.reach})
    return with_codeflash(comparison, codeflash)


def with_codeflash(comparison: Comparison, codeflash: CodeflashRun) -> Comparison:
    """Compare codeflash's figures with the verdicts; the flags become those that codeflash ran with."""
    if not codeflash.asked:
        return comparison
    contradicting = contradictions(comparison.changes, codeflash.figures)
    without_figures = () if codeflash.markdown else ("codeflash compare gave no figures",)
    needs_review = (*comparison.needs_review, *contradicting, *(codeflash.findings or without_figures))
    return comparison.model_copy(
        update={
            "contradictions": contradicting,
            "needs_review": tuple(dict.fromkeys(needs_review)),
            "flags": codeflash.flags or comparison.flags,
            "repairs": (*comparison.repairs, *codeflash.repairs),
        }
    )


class Rules(NamedTuple):
    """Confidence of the intervals, and what counts as no change: a share, and bytes of peak memory."""

    confidence: float
    negligible: float
    negligible_memory: int = 0


def judge(
    samples: Samples, claimed: Sequence[Domain], rules: Rules, removed: Collection[str] = frozenset()
) -> Comparison:
    """Judge every metric of every test, and the item by the primary metrics of the domains that its claim rests on.

    `removed` are functions that head no longer has.

    If only some tests reach a changed function, the others are control rows, and no claim rests on them. Raise
    IncomparableError for a metric that one side lacks, has no samples of, or that is negative or not finite.
    """
    check(samples)
    measured = (each.metric for each in samples.measurements if not each.is_cost)
    requested = dict.fromkeys(_REQUESTED_AS[metric] for metric in measured if metric in _REQUESTED_AS)
    primary = domains.primary_metrics(claimed, tuple(requested))
    controls = control_rows(samples)
    changes = tuple(
        _change(
            each, rules, is_primary=each.metric in primary and not each.is_cost, is_control_row=each.test in controls
        )
        for each in samples.measurements
        if not each.children
    )
    if not any(change.primary for change in changes):
        raise _nothing_claimed(samples, primary)
    first = first_calls(samples, changes, removed, rules.confidence)
    overall = overall_verdict([change.verdict for change in changes if change.primary])
    shown = headline(changes, overall, samples.benchmark)
    return Comparison(
        **{name: getattr(samples, name) for name in Measured.model_fields},
        verdict=overall,
        reason=reason(changes, overall, samples.measurements, rules.negligible),
        headline=shown,
        changes=changes,
        first_calls=tuple(first),
        negligible=rules.negligible,
        needs_review=(
            *to_review(changes, overall, samples, headline=shown),
            *about_caches(samples, changes, first, removed),
            *about_growth(samples.measurements, rules.confidence),
            *_of_children(samples.measurements),
        ),
    )


def _nothing_claimed(samples: Samples, primary: Collection[MetricName]) -> IncomparableError:
    """Return the error for samples of none of the primary metrics."""
    if unknown := list(_of_children([each for each in samples.measurements if each.metric in primary])):
        hint = "measure `time` instead, give the benchmark a larger input, or benchmark what the child processes run"
        return IncomparableError(unknown[0], where=samples.item, hint=hint)
    return _refusal(samples.item, f"{' and '.join(primary)}, on which the claim rests, was not measured")


def _of_children(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Name the peaks that are not known because child processes do part of the work."""
    for measurement in measurements:
        if measurement.children and measurement.metric is MetricName.PEAK:
            name, sides = measurement.test.rpartition("::")[2], " and ".join(measurement.children)
            why = f"at {sides} its call uses child processes, {measurement.why_not or 'which are not measured'}"
            yield f"{measurement.metric} of {name} is not known: {why}"


def control_rows(samples: Samples) -> frozenset[str]:
    """Return the profiled tests that reach no changed function; none if no test reaches one."""
    reaching = {share.test for share in samples.functions if share.changed}
    return frozenset(samples.profiled) - reaching if reaching else frozenset()


def overall_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Sum up the primary metrics: any regression makes it a regression, else any improvement an improvement."""
    by_precedence = (Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE, Verdict.UNCHANGED)
    return next((verdict for verdict in by_precedence if verdict in verdicts), Verdict.INCONCLUSIVE)


def check(samples: Samples) -> None:
    """Refuse samples without a meaningful ratio."""
    if not samples.measurements:
        raise _refusal(samples.item, "nothing was measured")
    for measurement in samples.measurements:
        where = f"{samples.item}, {measurement.test}"
        if not measurement.launches:
            raise _refusal(where, f"{measurement.metric} has no launches")
        if lopsided := [side for side in SIDES if not all(getattr(each, side) for each in measurement.launches)]:
            raise _refusal(where, f"{measurement.metric} has a launch without samples of {' and '.join(lopsided)}")
        for side in SIDES:
            # Neither negative nor infinite nor NaN, which compares as false.
            if wrong := [value for value in _values(measurement, side) if not 0 <= value < math.inf]:
                raise _refusal(where, f"{measurement.metric} has a sample of {wrong[0]:g} on {side}")


def _refusal(where: str, what: str) -> IncomparableError:
    hint = "measure again: delete the item's samples.json and run prprep"
    return IncomparableError(f"{what}; the two sides cannot be compared", where=where, hint=hint)


def _values(measurement: Measurement, side: Side) -> list[float]:
    return list(chain.from_iterable(getattr(launch, side) for launch in measurement.launches))


def _change(measurement: Measurement, rules: Rules, *, is_primary: bool, is_control_row: bool) -> Change:
    interval = statistics.interval_of(measurement, rules.confidence)
    control = statistics.control_of(measurement, rules.confidence)
    base, head = statistics.costs(measurement.launches, interval.ratio)
    negligible = rules.negligible
    if measurement.metric in {MetricName.PEAK, MetricName.KEPT} and rules.negligible_memory:
        negligible = max(negligible, rules.negligible_memory / max(base, 1))
    if measurement.metric is MetricName.IMPORT and measurement.is_cost:
        negligible = max(negligible, NEGLIGIBLE_IMPORT / max(base, 1e-9))
    return Change(
        test=measurement.test,
        metric=measurement.metric,
        unit=UNITS[measurement.metric],
        base=base,
        head=head,
        samples=sum(len(launch.base) for launch in measurement.launches),
        interval=interval,
        control=control,
        negligible=negligible,
        verdict=statistics.verdict(interval, negligible, control),
        launches=len(measurement.launches),
        primary=is_primary and not is_control_row,
        control_row=is_control_row,
        is_cost=measurement.is_cost,
        together=measurement.together,
    )
