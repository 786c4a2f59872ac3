from __future__ import annotations

import pytest

from tasks.graph.run_plan import RunPlan

TASKS = ["detect", *(f"{stage}:{item}" for item in ("a", "b") for stage in ("detect", "measure", "render"))]
TIMES = {"a": {"detect": 2.0, "measure": 60.0, "render": 2.0}}


def test_an_item_is_done_after_its_last_task_whatever_the_order():
    plan = RunPlan([*TASKS, "report"], TIMES)
    assert (plan.done, plan.total, plan.last_stage("a")) == (0, 2, "render")
    assert [plan.end(stage, "a") for stage in ("render", "detect", "measure", "measure")] == [False, False, True, False]
    assert plan.done == 1


def test_time_left_is_that_of_the_last_run_or_of_other_items():
    plan = RunPlan(TASKS, TIMES)
    for item in ("a", "b"):
        plan.end("detect", item)
        assert plan.progress(item, "measure", 30.0) == (pytest.approx(32 / 64), 32.0)


def test_a_stage_that_takes_longer_than_expected_has_no_time_left_and_does_not_pass_for_done():
    plan = RunPlan(TASKS, TIMES)
    plan.end("render", "a")
    share, left = plan.progress("a", "measure", 600.0)
    assert (share < 1, left) == (True, 0)
    plan.end("measure", "a")
    assert plan.progress("b", "measure", 0.0)[1] == 604.0


def test_without_earlier_runs_stages_take_what_is_usual():
    share, left = RunPlan(TASKS, {}).progress("a", "detect", 0.5)
    assert 0 < share < 0.1
    assert 30 < left < 120
