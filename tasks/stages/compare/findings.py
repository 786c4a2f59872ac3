"""Describe a comparison: its headline, the reason for its verdict, and what a person should review."""

import math
from collections.abc import Iterator, Sequence

from ...artifacts import Change, Linting, Measurement, MetricName, Samples, Scaffolding, Verdict
from ...bench.domains import ALMOST_NOTHING
from ...text import figures

SMALL_LEAK = 1024
"""Bytes left after each call; fewer are no finding."""

_ENDED = {
    "budget": "when the budget was spent; a larger `budget` may decide it",
    "timeout": "when the time limit stopped it; a larger `timeout` may decide it",
}

_SOURCES = {"recorded": "recorded calls", "test": "a test of the project"}
"""Where the input of a benchmark comes from that prprep wrote."""


def headline(changes: Sequence[Change], overall: Verdict, benchmark: str) -> str:
    """Return the leading change in one line, with its test if the claim rests on several."""
    leading = leading_change(changes, overall)
    several = len({change.test for change in changes if change.primary}) > 1
    where = f" in {leading.test.removeprefix(f'{benchmark}::')}" if several else ""
    return spelled(leading) + where


def leading_change(changes: Sequence[Change], overall: Verdict) -> Change:
    """Return the first primary change with the overall verdict, else the first primary one."""
    primary = [change for change in changes if change.primary]
    return next((change for change in primary if change.verdict == overall), primary[0])


def spelled(change: Change) -> str:
    """Format metric, change and interval: `peak memory -48.7 % (99 % interval -48.8 % to -48.5 %)`."""
    interval = change.interval
    shown = figures.change(interval.ratio, interval.low, interval.high)
    if not math.isfinite(interval.ratio):
        shown = " → ".join(figures.quantity(cost, change.unit) for cost in (change.base, change.head))
    return f"{change.metric} {shown} ({_certainty(change)})"


def reason(changes: Sequence[Change], overall: Verdict, measurements: Sequence[Measurement], negligible: float) -> str:
    """Return whole sentences that explain the verdict."""
    leading = leading_change(changes, overall)
    primary = [change for change in changes if change.primary]
    is_single = len(primary) == 1
    if overall is Verdict.UNCHANGED:
        borders = " or ".join(dict.fromkeys(f"±{_border(change, negligible)}" for change in primary))
        return f"{'The interval lies' if is_single else f'All {len(primary)} intervals lie'} within {borders}."
    if overall is Verdict.INCONCLUSIVE:
        measured = next(each for each in measurements if (each.test, each.metric) == (leading.test, leading.metric))
        ended = _ENDED.get(measured.stopped)
        until = f" Sampling ended after {_launches(leading)}, {ended}." if ended else ""
        return f"{_why_undecided(leading, negligible)}.{until}"
    where = f"below {figures.MINUS}" if overall is Verdict.IMPROVED else "above +"
    decided = [change for change in primary if change.verdict is overall]
    borders = " or ".join(dict.fromkeys(f"{where}{_border(change, negligible)}" for change in decided))
    counted = f" This holds for {len(decided)} of {len(primary)} results that the claim rests on."
    return f"The whole interval lies {borders}.{'' if is_single else counted}"


def to_review(changes: Sequence[Change], overall: Verdict, samples: Samples, *, headline: str) -> tuple[str, ...]:
    """List what a person should review, the most important first; empty if everything speaks for head."""
    findings = [] if overall is Verdict.IMPROVED else [f"the verdict is {overall}: {headline}"]
    findings += _about_outputs(samples)
    findings += [f"{spelled(change)} got worse in {_short(change.test)}" for change in changes if _got_worse(change)]
    decided = {Verdict.IMPROVED, Verdict.REGRESSED}
    others = [each for each in changes if overall in decided and each.primary and each.verdict is not overall]
    findings += [f"{each.verdict} in {_short(each.test)}: {spelled(each)}" for each in others]
    # If a control row seems to change, this machine or this benchmark is unreliable.
    moved = [each for each in changes if each.control_row and each.verdict in decided]
    findings += [f"{_short(each.test)} reaches nothing that changed, and yet {spelled(each)}" for each in moved]
    if unknown := ", ".join(map(_short, samples.unmeasured)):
        findings.append(f"the time of {unknown} is not known: other processes interrupted every measurement of it")
    findings += _disagreeing_clocks(changes, samples.measurements)
    findings += [f"no benchmark reaches {', '.join(samples.unreached)}"] if samples.unreached else []
    findings += _almost_nothing(changes)
    return tuple(dict.fromkeys(findings))


def about_benchmark(linting: Linting, scaffolding: Scaffolding, overall: Verdict) -> tuple[str, ...]:
    """List what is wrong with the benchmark; unless head is better, also how much of the change it executes.

    Head may be better only for other input than the project's tests have.
    """
    findings = [f"{linting.path}:{each.line}: {each.found} ({each.rule})" for each in linting.findings if each.fatal]
    findings += [f"{linting.path}: {linting.missing}"] if linting.missing else []
    if linting.reach and overall is not Verdict.IMPROVED:
        share = figures.share(round(linting.reach.share, 2)) if linting.reach.share else "next to nothing"
        executed = f"{linting.reach.executed} of {linting.reach.statements} statements that changed"
        findings.append(f"the benchmark executes {executed}; the functions that changed have {share} of its time")
    source = _SOURCES.get(scaffolding.made_from) if scaffolding.origin == "generated" else None
    if source and overall is not Verdict.IMPROVED:
        hint = "if the change is about other input, such as larger input, edit the benchmark"
        findings.append(f"the benchmark's input is that of {source}: {hint}")
    return tuple(findings)


def _certainty(change: Change) -> str:
    interval = change.interval
    if interval.low == interval.high:
        return f"no spread in {_launches(change)}"
    if math.isinf(interval.high):
        return f"no interval from {_launches(change)}"
    return f"{figures.share(interval.confidence)} interval {figures.interval(interval.low, interval.high)}"


def _border(change: Change, negligible: float) -> str:
    """Format what counts as no change: the share `negligible`, unless an amount of peak memory is more."""
    if change.negligible > negligible:
        return f"{figures.size(change.negligible * max(change.base, 1))} of {change.metric}"
    return figures.share(negligible)


def _why_undecided(change: Change, negligible: float) -> str:
    border = _border(change, negligible)
    interval = change.interval
    if math.isinf(interval.high):
        return "Too few launches, or zeros among the samples, give no interval"
    if interval.low <= 1 <= interval.high:
        return f"The interval holds no change, and reaches beyond the ±{border} that count as negligible"
    less, near = ("less", interval.high) if interval.high < 1 else ("more", interval.low)
    if change.control and abs(near - 1) > change.negligible:
        differed = figures.interval(change.control.low, change.control.high)
        return f"Head costs {less}, but a second tree of base differed from base by {differed} in the same launches"
    return f"Head costs {less}, but the interval reaches into ±{border}, which counts as negligible"


def _launches(change: Change) -> str:
    return f"{change.launches} launch{'es' if change.launches > 1 else ''}"


def _about_outputs(samples: Samples) -> Iterator[str]:
    sentences = {"different": "the results differ between base and head"}
    if {output.test for output in samples.outputs} & {measurement.test for measurement in samples.measurements}:
        # The benchmark of an import has no result to compare.
        sentences["not comparable"] = "the results could not be compared"
    for verdict, sentence in sentences.items():
        if tests := [_short(output.test) for output in samples.outputs if output.verdict == verdict]:
            yield f"{sentence}: {', '.join(tests)}"


def _got_worse(change: Change) -> bool:
    if change.metric is MetricName.LEAKED and change.head < SMALL_LEAK:
        return False
    return change.verdict is Verdict.REGRESSED and not change.primary and not change.control_row


def _disagreeing_clocks(changes: Sequence[Change], measurements: Sequence[Measurement]) -> Iterator[str]:
    """Name calls that only compute, and whose time and CPU time have intervals apart: one of them is wrong."""
    of = {(change.test, change.metric): change for change in changes}
    for measurement in measurements:
        cpu = of.get((measurement.test, MetricName.CPU))
        computes = all(launch.computes for launch in measurement.launches)
        if measurement.metric is not MetricName.TIME or not cpu or not computes:
            continue
        time = of[measurement.test, MetricName.TIME]
        if time.interval.high < cpu.interval.low or cpu.interval.high < time.interval.low:
            yield (
                f"{spelled(time)} and {spelled(cpu)} of {_short(time.test)} disagree, although the call only computes: "
                "one of them is wrong; measure again when the machine has less to do"
            )


def _almost_nothing(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        peaks = (change.base, change.head)
        if change.primary and change.metric is MetricName.PEAK and max(peaks) < ALMOST_NOTHING:
            base, head = map(figures.size, peaks)
            both = f"peak {base} at base, {head} at head, in {_short(change.test)}"
            should = "a mock at an inference boundary must allocate what the real one does"
            yield f"the benchmark allocates almost nothing ({both}); {should}"


def _short(test: str) -> str:
    return test.rpartition("::")[2]
