"""Verdicts, headlines and what is left to review, on literal samples."""

from __future__ import annotations

import json
import math

import pytest

from tasks.artifacts import (
    Change,
    Comparison,
    FunctionShare,
    Interval,
    Launch,
    LintFinding,
    Linting,
    Measurement,
    MetricName,
    Output,
    Reach,
    Samples,
    Scaffolding,
    Share,
    Verdict,
)
from tasks.errors import IncomparableError
from tasks.manifest.model import Optimization
from tasks.stages.compare.compare import Rules, judge
from tasks.stages.compare.findings import about_benchmark
from tasks.storage.files import fingerprint_of
from tests.support.evidence import BASE, BENCHMARK, HEAD, SCAFFOLDING, SHA256, Case, provenance
from tests.support.stages import run_stage

TEST = f"{BENCHMARK}::test_merge_lines"
OTHER = f"{BENCHMARK}::test_other[5000]"
TIME, PEAK, ALLOCATIONS, IMPORT = MetricName.TIME, MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.IMPORT
MIB = 2**20


def launch(base, head):
    return Launch(first="base", seed=1, base=base, head=head)


def times(ratios, *, test=TEST, stopped="decided", metric=TIME):
    """One launch for each ratio; base takes 10 ms and a little more in every launch."""
    launches = tuple(
        launch((0.01 + number / 1e5,) * 3, ((0.01 + number / 1e5) * ratio,) * 3) for number, ratio in enumerate(ratios)
    )
    return Measurement(test=test, metric=metric, launches=launches, looks=(len(launches),), stopped=stopped)


def repeated(metric, base, head, *, test=TEST, repeats=3):
    launches = (launch((float(base),), (float(head),)),) * repeats
    return Measurement(test=test, metric=metric, launches=launches, looks=(repeats,), stopped="repeats")


def samples(*measurements, **fields):
    given = {
        "item": "merge_lines",
        "benchmark": BENCHMARK,
        "benchmark_sha256": SHA256,
        "platform": "Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.7",
        "base": provenance(BASE, blob="1"),
        "head": provenance(HEAD, blob="2"),
        "outputs": (Output(test=TEST, verdict="equal"),),
        "tests": (TEST,),
        "flags": "--timeout 120",
        **fields,
    }
    return Samples(measurements=measurements, **given)


def judged(*measurements, domains=("cpu",), **fields):
    return judge(samples(*measurements, **fields), domains, Rules(0.99, 0.01))


def summary_of(comparison):
    return comparison.verdict, comparison.headline, comparison.reason, comparison.needs_review


LESS = (0.790, 0.792, 0.788, 0.791, 0.789, 0.790, 0.793, 0.787)
MORE = tuple(ratio + 0.4 for ratio in LESS)
SAME = (1.001, 0.999, 1.002, 0.998, 1.000, 1.001, 0.999, 1.000)
WIDE = (1.10, 0.90, 1.05, 0.93, 1.02, 0.99, 1.08, 0.92)
A_LITTLE_LESS = (0.985, 0.991, 0.989, 0.986, 0.990, 0.988, 0.992, 0.987)


def test_an_import_that_costs_less_than_a_millisecond_more_is_no_cost():
    def imported(head):
        launches = tuple(launch((0.0001,) * 2, (head * (1 + number / 1e3),) * 2) for number in range(8))
        return Measurement(test="import pkg", metric=MetricName.IMPORT, launches=launches, is_cost=True)

    verdicts = []
    for head in (0.0009, 0.0030):
        comparison = judge(samples(times(LESS), imported(head)), ("cpu",), Rules(0.99, 0.01))
        (cost,) = [change for change in comparison.changes if change.metric is MetricName.IMPORT]
        assert not cost.primary
        verdicts.append(cost.verdict)
    assert verdicts == [Verdict.UNCHANGED, Verdict.REGRESSED]


def test_an_improvement_as_a_whole():
    comparison = judged(
        repeated(PEAK, 52_428_800, 26_911_744),
        repeated(ALLOCATIONS, 1_204, 1_204),
        domains=("mem",),
        repairs=("installed memray",),
    )
    peak, allocations = 26_911_744 / 52_428_800, 1.0
    assert comparison == Comparison(
        item="merge_lines",
        verdict=Verdict.IMPROVED,
        reason="The whole interval lies below −1 %.",
        headline="peak memory −48.6 % (no spread in 3 launches)",
        changes=(
            Change(
                test=TEST,
                metric=PEAK,
                unit="B",
                base=52_428_800,
                head=26_911_744,
                samples=3,
                interval=Interval(ratio=peak, low=peak, high=peak, confidence=0.99),
                verdict=Verdict.IMPROVED,
                negligible=0.01,
                launches=3,
                primary=True,
            ),
            Change(
                test=TEST,
                metric=ALLOCATIONS,
                unit="1",
                base=1_204,
                head=1_204,
                samples=3,
                interval=Interval(ratio=allocations, low=allocations, high=allocations, confidence=0.99),
                verdict=Verdict.UNCHANGED,
                negligible=0.01,
                launches=3,
                primary=False,
            ),
        ),
        outputs=(Output(test=TEST, verdict="equal"),),
        negligible=0.01,
        needs_review=(),
        benchmark=BENCHMARK,
        platform="Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.7",
        base=provenance(BASE, blob="1"),
        head=provenance(HEAD, blob="2"),
        repairs=("installed memray",),
        flags="--timeout 120",
        tests=(TEST,),
    )


def test_the_interval_of_a_change_is_the_t_interval_of_its_launches():
    (change,) = judged(times((0.79, 0.80, 0.81))).changes
    logs = [math.log(ratio) for ratio in (0.79, 0.80, 0.81)]
    mean = sum(logs) / 3
    reach = 9.924843 * math.sqrt(sum((log - mean) ** 2 for log in logs) / 2) / math.sqrt(3)
    comparison = change.interval
    assert [comparison.ratio, comparison.low, comparison.high] == pytest.approx(
        [math.exp(mean), math.exp(mean - reach), math.exp(mean + reach)], rel=1e-6
    )
    assert (change.launches, change.samples, change.unit) == (3, 9, "s")


@pytest.mark.parametrize(
    ("measurements", "domains", "expected"),
    [
        pytest.param(
            (times(LESS),),
            ("cpu",),
            (
                Verdict.IMPROVED,
                "time −21.0 % (99 % interval −21.3 % to −20.7 %)",
                "The whole interval lies below −1 %.",
                (),
            ),
            id="improved",
        ),
        pytest.param(
            (times(MORE),),
            ("cpu",),
            (
                Verdict.REGRESSED,
                "time +19.0 % (99 % interval +18.7 % to +19.3 %)",
                "The whole interval lies above +1 %.",
                ("the verdict is regressed: time +19.0 % (99 % interval +18.7 % to +19.3 %)",),
            ),
            id="regressed",
        ),
        pytest.param(
            (times(SAME),),
            ("async",),
            (
                Verdict.UNCHANGED,
                "time 0.00 % (99 % interval −0.17 % to +0.17 %)",
                "The interval lies within ±1 %.",
                ("the verdict is unchanged: time 0.00 % (99 % interval −0.17 % to +0.17 %)",),
            ),
            id="unchanged",
        ),
        pytest.param(
            (times(WIDE, stopped="budget"),),
            ("cpu",),
            (
                Verdict.INCONCLUSIVE,
                "time −0.38 % (99 % interval −9.4 % to +9.6 %)",
                (
                    "The interval holds no change, and reaches beyond the ±1 % that count as negligible. "
                    "Sampling ended after 8 launches, when the budget was spent; a larger `budget` may decide it."
                ),
                ("the verdict is inconclusive: time −0.38 % (99 % interval −9.4 % to +9.6 %)",),
            ),
            id="inconclusive",
        ),
        pytest.param(
            (times(A_LITTLE_LESS, stopped="timeout"),),
            ("cpu",),
            (
                Verdict.INCONCLUSIVE,
                "time −1.2 % (99 % interval −1.5 % to −0.84 %)",
                (
                    "Head costs less, but the interval reaches into ±1 %, which counts as negligible. "
                    "Sampling ended after 8 launches, when the time limit stopped it; a larger `timeout` may decide it."
                ),
                ("the verdict is inconclusive: time −1.2 % (99 % interval −1.5 % to −0.84 %)",),
            ),
            id="less, but perhaps too little",
        ),
        pytest.param(
            (times((0.5,), stopped="timeout"),),
            ("cpu",),
            (
                Verdict.INCONCLUSIVE,
                "time −50.0 % (no interval from 1 launch)",
                (
                    "Too few launches, or zeros among the samples, give no interval. "
                    "Sampling ended after 1 launch, when the time limit stopped it; a larger `timeout` may decide it."
                ),
                ("the verdict is inconclusive: time −50.0 % (no interval from 1 launch)",),
            ),
            id="one launch is never a claim",
        ),
        pytest.param(
            (times(LESS, metric=IMPORT, test="import pagelayout"),),
            ("struct",),
            (
                Verdict.IMPROVED,
                "import time −21.0 % (99 % interval −21.3 % to −20.7 %)",
                "The whole interval lies below −1 %.",
                (),
            ),
            id="import time",
        ),
        pytest.param(
            (repeated(PEAK, MIB, 0),),
            ("mem",),
            (
                Verdict.IMPROVED,
                "peak memory −100.0 % (no spread in 3 launches)",
                "The whole interval lies below −1 %.",
                (),
            ),
            id="nothing left",
        ),
        pytest.param(
            (repeated(PEAK, 0, MIB),),
            ("mem",),
            (
                Verdict.REGRESSED,
                "peak memory 0 B → 1.0 MiB (no spread in 3 launches)",
                "The whole interval lies above +1 %.",
                ("the verdict is regressed: peak memory 0 B → 1.0 MiB (no spread in 3 launches)",),
            ),
            id="from nothing",
        ),
    ],
)
def test_one_test_is_judged(measurements, domains, expected):
    assert summary_of(judged(*measurements, domains=domains)) == expected


@pytest.mark.parametrize(
    ("measurements", "domains", "expected"),
    [
        pytest.param(
            (times(LESS, test=TEST), times(LESS, test=OTHER)),
            ("cpu",),
            (
                Verdict.IMPROVED,
                "time −21.0 % (99 % interval −21.3 % to −20.7 %) in test_merge_lines",
                "The whole interval lies below −1 %. This holds for 2 of 2 results that the claim rests on.",
                (),
            ),
            id="both improved",
        ),
        pytest.param(
            (times(SAME, test=TEST), times(LESS, test=OTHER)),
            ("cpu",),
            (
                Verdict.IMPROVED,
                "time −21.0 % (99 % interval −21.3 % to −20.7 %) in test_other[5000]",
                "The whole interval lies below −1 %. This holds for 1 of 2 results that the claim rests on.",
                ("unchanged in test_merge_lines: time 0.00 % (99 % interval −0.17 % to +0.17 %)",),
            ),
            id="one improved, one unchanged",
        ),
        pytest.param(
            (times(LESS, test=TEST), times(MORE, test=OTHER)),
            ("cpu",),
            (
                Verdict.REGRESSED,
                "time +19.0 % (99 % interval +18.7 % to +19.3 %) in test_other[5000]",
                "The whole interval lies above +1 %. This holds for 1 of 2 results that the claim rests on.",
                (
                    "the verdict is regressed: time +19.0 % (99 % interval +18.7 % to +19.3 %) in test_other[5000]",
                    "improved in test_merge_lines: time −21.0 % (99 % interval −21.3 % to −20.7 %)",
                ),
            ),
            id="one regression is one too many",
        ),
        pytest.param(
            (times(SAME, test=TEST), times(WIDE, test=OTHER)),
            ("cpu",),
            (
                Verdict.INCONCLUSIVE,
                "time −0.38 % (99 % interval −9.4 % to +9.6 %) in test_other[5000]",
                "The interval holds no change, and reaches beyond the ±1 % that count as negligible.",
                ("the verdict is inconclusive: time −0.38 % (99 % interval −9.4 % to +9.6 %) in test_other[5000]",),
            ),
            id="not all unchanged",
        ),
        pytest.param(
            (times(SAME, test=TEST), times(SAME, test=OTHER)),
            ("cpu",),
            (
                Verdict.UNCHANGED,
                "time 0.00 % (99 % interval −0.17 % to +0.17 %) in test_merge_lines",
                "All 2 intervals lie within ±1 %.",
                ("the verdict is unchanged: time 0.00 % (99 % interval −0.17 % to +0.17 %) in test_merge_lines",),
            ),
            id="all unchanged",
        ),
        pytest.param(
            (times(MORE), repeated(PEAK, 4 * MIB, MIB)),
            ("mem",),
            (
                Verdict.IMPROVED,
                "peak memory −75.0 % (no spread in 3 launches)",
                "The whole interval lies below −1 %.",
                ("time +19.0 % (99 % interval +18.7 % to +19.3 %) got worse in test_merge_lines",),
            ),
            id="less memory, more time",
        ),
        pytest.param(
            (times(SAME), repeated(PEAK, 4 * MIB, MIB)),
            ("mem", "cpu"),
            (
                Verdict.IMPROVED,
                "peak memory −75.0 % (no spread in 3 launches)",
                "The whole interval lies below −1 %. This holds for 1 of 2 results that the claim rests on.",
                ("unchanged in test_merge_lines: time 0.00 % (99 % interval −0.17 % to +0.17 %)",),
            ),
            id="two domains",
        ),
        pytest.param(
            (repeated(PEAK, 1_200, 1_100),),
            ("mem",),
            (
                Verdict.IMPROVED,
                "peak memory −8.3 % (no spread in 3 launches)",
                "The whole interval lies below −1 %.",
                (
                    (
                        "the benchmark allocates almost nothing (peak 1.2 KiB at base, 1.1 KiB at head, in test_merge_lines); "
                        "a mock at an inference boundary must allocate what the real one does"
                    ),
                ),
            ),
            id="mocks that allocate nothing",
        ),
    ],
)
def test_several_results_are_judged(measurements, domains, expected):
    assert summary_of(judged(*measurements, domains=domains)) == expected


def test_small_peaks_beside_a_large_one_are_no_mock():
    assert judged(repeated(PEAK, 4 * MIB, 1_100), domains=("mem",)).needs_review == ()
    assert judged(times(LESS), repeated(PEAK, 1_200, 1_100), domains=("cpu",)).needs_review == ()


def test_results_that_differ_are_to_be_reviewed():
    outputs = (
        Output(test=TEST, verdict="different", detail="[3]: 1 != 2"),
        Output(test=OTHER, verdict="not comparable", detail="a generator"),
    )
    comparison = judged(times(LESS), outputs=outputs)
    assert comparison.verdict is Verdict.IMPROVED
    assert comparison.outputs == outputs
    assert comparison.needs_review == (
        "the results differ between base and head: test_merge_lines",
        "the results could not be compared: test_other[5000]",
    )


def test_looks_make_the_interval_wider_and_leave_its_confidence():
    launches = times(LESS).launches
    once, early = (
        Measurement(test=TEST, metric=TIME, launches=launches, looks=(8,), planned_looks=planned, stopped="decided")
        for planned in (1, 4)
    )
    narrow, wide = (judged(each).changes[0].interval for each in (once, early))
    assert (narrow.confidence, wide.confidence) == (0.99, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("measurements", "message"),
    [
        ((), "merge_lines: nothing was measured; the two sides cannot be compared"),
        (
            (Measurement(test=TEST, metric=TIME, launches=()),),
            f"merge_lines, {TEST}: time has no launches; the two sides cannot be compared",
        ),
        (
            (times(LESS), Measurement(test=OTHER, metric=PEAK, launches=(launch((1.0,), (1.0,)), launch((1.0,), ())))),
            f"merge_lines, {OTHER}: peak memory has a launch without samples of head; the two sides cannot be compared",
        ),
        (
            (Measurement(test=TEST, metric=TIME, launches=(launch((), ()),)),),
            f"merge_lines, {TEST}: time has a launch without samples of base and head; the two sides cannot be compared",
        ),
        (
            (Measurement(test=TEST, metric=TIME, launches=(launch((1.0, math.nan), (1.0, 1.0)),)),),
            f"merge_lines, {TEST}: time has a sample of nan on base; the two sides cannot be compared",
        ),
        (
            (Measurement(test=TEST, metric=ALLOCATIONS, launches=(launch((1.0,), (math.inf,)),)),),
            f"merge_lines, {TEST}: allocations has a sample of inf on head; the two sides cannot be compared",
        ),
        (
            (Measurement(test=TEST, metric=TIME, launches=(launch((1.0,), (-0.5,)),)),),
            f"merge_lines, {TEST}: time has a sample of -0.5 on head; the two sides cannot be compared",
        ),
        (
            (repeated(ALLOCATIONS, 5, 3),),
            "merge_lines: peak memory, on which the claim rests, was not measured; the two sides cannot be compared",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(measurements, message):
    with pytest.raises(IncomparableError) as raised:
        judged(*measurements, domains=("cpu", "mem"))
    assert str(raised.value) == f"{message}\n  measure again: delete the item's samples.json and run prprep"


def test_the_stage_reads_samples_and_writes_its_comparison(tmp_path):
    paths = Case().write(tmp_path)
    paths.compare.unlink()
    samples(times(LESS)).write(paths.samples, "m")
    Linting(item="merge_lines", path=BENCHMARK).write(paths.lint, "l")
    item = Optimization(id="merge_lines", confidence=0.95, negligible=0.3)
    run_stage("compare", item, paths, fingerprint="made from this")
    comparison = Comparison.read(paths.compare)
    assert fingerprint_of(paths.compare) == "made from this"
    assert (comparison.verdict, comparison.negligible, comparison.changes[0].interval.confidence) == (
        Verdict.UNCHANGED,
        0.3,
        0.95,
    )
    assert comparison == judge(samples(times(LESS)), ("cpu",), Rules(0.95, 0.3, 65_536))
    # The benchmark shows that the change is about time and memory.
    both = samples(times(LESS), repeated(PEAK, 4 * MIB, 1_100))
    both.write(paths.samples, "m")
    about_both = Scaffolding.read(paths.scaffold).model_copy(update={"domains": ("cpu", "mem")})
    about_both.write(paths.scaffold, "s")
    run_stage("compare", item, paths)
    assert [(each.metric, each.primary) for each in Comparison.read(paths.compare).changes] == [
        (TIME, True),
        (PEAK, True),
    ]


def test_what_is_wrong_with_the_benchmark_itself_is_to_be_reviewed():
    wrong = LintFinding(rule="lazy-result", line=7, test="test_total", found="nothing consumes it", fatal=True)
    slight = LintFinding(rule="toy-input", line=8, test="test_total", found="a call takes 9 ns")
    linting = Linting(
        item="merge_lines",
        path="tests/test_total.py",
        findings=(wrong, slight),
        reach=Reach(statements=4, executed=1, share=0.0214),
    )
    fatal = "tests/test_total.py:7: nothing consumes it (lazy-result)"
    reached = "the benchmark executes 1 of 4 statements that changed; the functions that changed have 2 % of its time"
    assert about_benchmark(linting, SCAFFOLDING, Verdict.IMPROVED) == (fatal,)
    assert about_benchmark(linting, SCAFFOLDING, Verdict.UNCHANGED) == (fatal, reached)
    assert about_benchmark(linting, SCAFFOLDING, Verdict.REGRESSED) == (fatal, reached)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("made_from", ["recorded", "test", "manifest", "existing"])
@pytest.mark.parametrize("origin", ["generated", "edited"])
def test_recorded_input_that_shows_no_gain_may_not_be_what_the_change_is_about(verdict, made_from, origin):
    scaffolding = SCAFFOLDING.model_copy(update={"made_from": made_from, "origin": origin})
    linting = Linting(item="merge_lines", path="tests/test_total.py")
    findings = about_benchmark(linting, scaffolding, verdict)
    is_found = made_from in {"recorded", "test"} and origin == "generated" and verdict is not Verdict.IMPROVED
    assert [finding.partition(" is ")[0] for finding in findings] == ["the benchmark's input"] * is_found


def test_what_was_not_checked_is_to_be_reviewed():
    linting = Linting(item="merge_lines", path="tests/test_total.py", missing="not everything could be checked: late")
    (finding,) = about_benchmark(linting, SCAFFOLDING, Verdict.IMPROVED)
    assert finding == "tests/test_total.py: not everything could be checked: late"


def test_an_open_interval_can_be_written_and_read(tmp_path):
    comparison = judged(times((0.5,)))
    comparison.write(tmp_path / "compare.json")
    assert Comparison.read(tmp_path / "compare.json") == comparison
    assert (
        json.loads((tmp_path / "compare.json").read_text().split("\n", 1)[1])["changes"][0]["interval"]["high"]
        == math.inf
    )


# -- controls -------------------------------------------------------------------------------------


def controlled(ratios, controls, **more):
    """Launches in which a second tree of base took `controls` times what base did, and head `ratios` times their mean."""
    launches = []
    for number, (ratio, control) in enumerate(zip(ratios, controls, strict=True)):
        base = 0.01 + number / 1e5
        head = base * math.sqrt(control) * ratio
        launches.append(Launch(first="base", seed=1, base=(base,) * 3, head=(head,) * 3, control=(base * control,) * 3))
    return Measurement(
        test=TEST, metric=TIME, launches=tuple(launches), looks=(len(launches),), stopped="budget", **more
    )


def test_no_claim_within_the_controls_spread():
    """Both trees of base differ by up to 30 %: 21 % less is nothing that this machine can show."""
    controls = (1.3, 0.75, 1.2, 0.8, 1.25, 0.78, 1.22, 0.82)
    comparison = judged(controlled(LESS, controls))
    change = comparison.changes[0]
    assert change.interval.high < 0.8
    assert change.control.low < 0.8
    assert change.control.high > 1.2
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.reason == (
        "Head costs less, but a second tree of base differed from base by −27.1 % to +34.1 % in the same launches. "
        "Sampling ended after 8 launches, when the budget was spent; a larger `budget` may decide it."
    )


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.999, Verdict.IMPROVED), (0.7, Verdict.INCONCLUSIVE), (1.35, Verdict.INCONCLUSIVE)]
)
def test_a_control_that_is_off_in_either_direction_counts(shift, verdict):
    controls = tuple(shift * (1 + 0.001 * (-1) ** number) for number in range(8))
    assert judged(controlled(LESS, controls)).verdict is verdict


def test_base_is_the_mean_of_both_its_trees():
    """A control that is 10 % faster than base lowers what head is compared with by 5 %."""
    comparison = judged(controlled((0.5,) * 8, (0.9, 0.9001) * 4))
    assert comparison.changes[0].interval.ratio == pytest.approx(0.5)


def share(test, function, *, changed):
    part = Share(calls=1.0, share=0.9, own=0.5)
    return FunctionShare(
        test=test, function=function, path="src/pagelayout/text.py", changed=changed, base=part, head=part
    )


def test_a_test_that_reaches_nothing_changed_is_a_control_row():
    functions = (
        share(TEST, "pagelayout.text:merge_lines", changed=True),
        share(OTHER, "pagelayout.text:other", changed=False),
    )
    comparison = judged(times(LESS), times(MORE, test=OTHER), functions=functions, profiled=(TEST, OTHER))
    assert [(change.primary, change.control_row) for change in comparison.changes] == [(True, False), (False, True)]
    assert comparison.verdict is Verdict.IMPROVED
    assert comparison.needs_review == (
        "test_other[5000] reaches nothing that changed, and yet time +19.0 % (99 % interval +18.7 % to +19.3 %)",
    )


def test_changed_functions_that_no_benchmark_reaches_are_listed():
    comparison = judged(times(LESS), unreached=("pagelayout.text:Page.join",))
    assert comparison.unreached == ("pagelayout.text:Page.join",)
    assert comparison.needs_review == ("no benchmark reaches pagelayout.text:Page.join",)


def test_without_a_reached_changed_function_no_test_is_a_control_row():
    """The change may lie in a constant or in C: then all that was measured counts."""
    comparison = judged(times(LESS), functions=(share(TEST, "pagelayout.text:other", changed=False),), profiled=(TEST,))
    assert [change.primary for change in comparison.changes] == [True]


@pytest.mark.parametrize(
    ("base", "head", "verdict", "reason"),
    [
        (40_000, 40_120, Verdict.UNCHANGED, "The interval lies within ±64.0 KiB of peak memory."),
        (40_000, 20_000, Verdict.UNCHANGED, "The interval lies within ±64.0 KiB of peak memory."),
        (1_000_000, 1_060_000, Verdict.UNCHANGED, "The interval lies within ±64.0 KiB of peak memory."),
        (1_000_000, 1_070_000, Verdict.REGRESSED, "The whole interval lies above +64.0 KiB of peak memory."),
        (1_000_000, 900_000, Verdict.IMPROVED, "The whole interval lies below −64.0 KiB of peak memory."),
        (52_428_800, 52_300_000, Verdict.UNCHANGED, "The interval lies within ±1 %."),
    ],
)
def test_peak_memory_changes_only_beyond_an_amount(base, head, verdict, reason):
    """`+120 B` is no regression, however large a share of a small peak it is."""
    comparison = judge(samples(repeated(PEAK, base, head)), ("mem",), Rules(0.99, 0.01, 65_536))
    assert (comparison.verdict, comparison.reason) == (verdict, reason)


def test_intervals_with_other_borders_are_not_said_to_lie_within_one():
    """A change of a small peak may be large in per cent and count as none."""
    small = repeated(PEAK, 200_000, 190_000)
    rules = Rules(0.99, 0.01, 65_536)
    unchanged = judge(samples(times(SAME), small), ("cpu", "mem"), rules)
    assert unchanged.reason == "All 2 intervals lie within ±1 % or ±64.0 KiB of peak memory."
    improved = judge(samples(times(LESS), repeated(PEAK, 1_000_000, 900_000)), ("cpu", "mem"), rules)
    assert improved.reason == (
        "The whole interval lies below −1 % or below −64.0 KiB of peak memory. "
        "This holds for 2 of 2 results that the claim rests on."
    )


def test_a_test_whose_time_is_not_known_needs_review():
    comparison = judged(times(LESS), unmeasured=(f"{BENCHMARK}::test_other",))
    assert comparison.verdict is Verdict.IMPROVED
    assert any(finding.startswith("the time of test_other is not known") for finding in comparison.needs_review)


@pytest.mark.parametrize(
    ("cpu", "computes", "is_reported"), [(LESS, True, False), (SAME, True, True), (SAME, False, False)]
)
def test_time_and_cpu_time_that_disagree_are_reviewed_if_the_call_only_computes(cpu, computes, is_reported):
    time, of_cpu = (
        measured.model_copy(
            update={"launches": tuple(each.model_copy(update={"computes": computes}) for each in measured.launches)}
        )
        for measured in (times(LESS), times(cpu, metric=MetricName.CPU))
    )
    findings = [finding for finding in judged(time, of_cpu).needs_review if "disagree" in finding]
    assert len(findings) == is_reported
    assert all(finding.startswith("time −21.0 %") and " and CPU time " in finding for finding in findings)
