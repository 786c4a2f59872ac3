from __future__ import annotations

import pytest

from tasks.artifacts import ChangedFunction, MetricName, Verdict
from tasks.body import views
from tasks.body.views import asv_rows, losses_of, pyperf_table, rows_in_sight, unseen
from tests.support.evidence import (
    BENCHMARK,
    CPU_IMPROVED,
    DETECTION,
    IMPORT_IMPROVED,
    INCONCLUSIVE,
    MEMORY_IMPROVED,
    REGRESSED,
    change,
    comparison,
)

SLOWER = change(MetricName.TIME, 0.002, 0.003, Verdict.REGRESSED, primary=False, test=f"{BENCHMARK}::test_b")
MIXED = comparison(
    (
        change(MetricName.PEAK, 10, 20, Verdict.REGRESSED, primary=False),
        SLOWER,
        change(MetricName.TIME, 0.2, 0.1, Verdict.IMPROVED),
    ),
    Verdict.IMPROVED,
)


def test_the_leading_test_comes_first_and_control_rows_last():
    assert [test.name for test in views.tests_of(MIXED, BENCHMARK)] == ["test_benchmark_merge_lines", "test_b"]
    assert [test.is_control_row for test in views.tests_of(CPU_IMPROVED, BENCHMARK)] == [False, True]


def test_other_costs_are_shown_only_if_they_are_more():
    more = change(MetricName.IMPORT, 0.1, 0.2, Verdict.REGRESSED, primary=False, test="import more")
    same = change(MetricName.IMPORT, 0.1, 0.1, Verdict.UNCHANGED, primary=False, test="import same")
    costs = tuple(each.model_copy(update={"is_cost": True}) for each in (more, same))
    measured = comparison((change(MetricName.TIME, 0.2, 0.1, Verdict.IMPROVED), *costs), Verdict.IMPROVED)
    assert [test.name for test in views.tests_of(measured, BENCHMARK)] == ["test_benchmark_merge_lines", "import more"]
    assert {row.name for row in asv_rows(measured, BENCHMARK)} == {"test_benchmark_merge_lines", "import more"}
    table = pyperf_table(measured, BENCHMARK)
    assert (len(table.rows), table.hidden, table.mean) == (2, (), 1.0)
    assert [name for name, _ in losses_of(measured, BENCHMARK)] == ["import more"]


def test_losses_leave_out_the_change_of_the_headline():
    assert [(name, loss.metric) for name, loss in losses_of(MIXED, BENCHMARK)] == [
        ("test_benchmark_merge_lines", "peak memory"),
        ("test_b", "time"),
    ]
    assert losses_of(REGRESSED, BENCHMARK) == ()
    assert losses_of(CPU_IMPROVED, BENCHMARK) == ()


def test_the_table_in_sight_shows_the_claim_then_what_costs_more():
    assert [(row.name, row.change.metric) for row in rows_in_sight(MIXED, BENCHMARK)] == [
        ("test_benchmark_merge_lines", "time"),
        ("test_benchmark_merge_lines", "peak memory"),
        ("test_b", "time"),
    ]
    assert [row.change.metric for row in rows_in_sight(CPU_IMPROVED, BENCHMARK)] == ["time", "peak memory"]


def test_unobserved_functions_are_named():
    functions = (
        *DETECTION.functions,
        ChangedFunction(path="a.py", module="a", name="b", status="added"),
        ChangedFunction(path="a.py", module="a", name="gone", status="removed"),
    )
    several = DETECTION.model_copy(update={"functions": functions})
    assert unseen(several, REGRESSED) == ("pagelayout.text:merge_lines", "a:b")
    assert unseen(several, CPU_IMPROVED) == ()
    assert unseen(DETECTION, REGRESSED) == ()
    module = functions[1].model_copy(update={"name": "<module>"})
    importing = DETECTION.model_copy(update={"functions": (*functions, module)})
    assert unseen(importing, REGRESSED)[-1] == "a:<module>"
    assert unseen(importing, IMPORT_IMPROVED) == ("pagelayout.text:merge_lines", "a:b")


def test_asv_rows():
    assert [(row.mark, row.kind, row.name) for row in asv_rows(MIXED, BENCHMARK)] == [
        ("+", "peak memory", "test_benchmark_merge_lines"),
        ("+", "time", "test_b"),
        ("-", "time", "test_benchmark_merge_lines"),
    ]
    assert [row.mark for row in asv_rows(INCONCLUSIVE, BENCHMARK)] == ["~"]
    assert [row.mark for row in asv_rows(CPU_IMPROVED, BENCHMARK)] == ["-", "-", ""]


def test_pyperf_hides_undecided_rows_and_counts_them_in_the_mean():
    table = pyperf_table(CPU_IMPROVED, BENCHMARK)
    assert [row.name for row in table.rows] == ["test_benchmark_merge_lines"]
    assert table.hidden == ("test_other",)
    ratios = [one.interval.ratio for one in CPU_IMPROVED.changes if one.metric is MetricName.TIME]
    assert table.mean == pytest.approx((ratios[0] * ratios[1]) ** 0.5)
    assert pyperf_table(INCONCLUSIVE, BENCHMARK).rows == ()
    assert pyperf_table(INCONCLUSIVE, BENCHMARK).mean is None
    assert pyperf_table(MEMORY_IMPROVED, BENCHMARK).rows == pyperf_table(MEMORY_IMPROVED, BENCHMARK).hidden == ()
