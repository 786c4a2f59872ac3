"""What is said of a run of codeflash, on literal runs: what it does not report, and what its figures mean."""

import dataclasses

import pytest

from tasks.artifacts import ChangedFunction
from tasks.stages.codeflash.findings import findings, notes
from tasks.stages.codeflash.reading import read
from tasks.stages.codeflash.running import CodeflashOutcome, CodeflashRequest
from tasks.stages.codeflash.witness import NodeOutcome, PytestProcess
from tests.stages.codeflash.test_reading import REPORT
from tests.support import evidence

BENCHMARK = "tests/benchmarks/test_total_length.py"
NODE = f"{BENCHMARK}::test_total_length[50000]"
LAYOUT = evidence.LAYOUT.model_copy(update={"packages": ("textkit",), "runner": "python"})
FUNCTION = ChangedFunction(
    path="src/textkit/dedupe.py", module="textkit.dedupe", name="total_length", status="modified"
)
REQUEST = CodeflashRequest("a" * 40, "b" * 40, {}, BENCHMARK, LAYOUT, ("time", "memory"), functions=(FUNCTION,))
GOOD = REPORT.partition("### test_lost")[0]
PASSED = {NODE: NodeOutcome("passed")}


def seen(side, tests=PASSED, *, memory=False, elsewhere=()):
    return PytestProcess(side, memory, tests, ("textkit", "textkit.dedupe"), elsewhere)


BOTH = tuple(seen(side, memory=memory) for memory in (False, True) for side in ("base", "head"))
OUTCOME = CodeflashOutcome(("--memory", "--timeout", "120"), {"PYTHONPATH": "src"}, "", 0, "", GOOD, BOTH, 600.0)


def findings_of(request=REQUEST, **changes):
    outcome = dataclasses.replace(OUTCOME, **changes)
    return findings(request, outcome, read(outcome.markdown or ""))


def test_a_good_run_has_no_findings():
    assert findings_of() == ()


def test_a_side_that_was_measured_on_an_installed_copy():
    """Made to happen for real in test_codeflash."""
    elsewhere = (("textkit", "/site/src/textkit/__init__.py"), ("textkit.dedupe", "/site/src/textkit/dedupe.py"))
    (finding,) = findings_of(processes=(seen("base", elsewhere=elsewhere), seen("head")))
    assert finding == (
        "codeflash did not measure base's code: textkit and textkit.dedupe came from src/textkit/__init__.py and src/textkit/dedupe.py, "
        "not from base's worktree; an installed copy was measured instead"
    )


def test_a_test_that_failed_with_exit_code_0():
    failed = {NODE: NodeOutcome("failed", "assert 3 == 4")}
    assert findings_of(processes=(seen("base"), seen("head", failed))) == (
        f"{NODE} failed under codeflash on head (assert 3 == 4), which its report does not mention",
    )


def test_a_failure_that_is_codeflashs_own_is_explained():
    failed = {NODE: NodeOutcome("failed", "AttributeError: 'Benchmark' object has no attribute 'pedantic'")}
    (finding,) = findings_of(processes=(seen("base", failed), seen("head", failed)))
    assert "failed under codeflash on base and head" in finding
    assert finding.endswith("codeflash's `benchmark` fixture lacks `pedantic` of pytest-benchmark")


def test_a_benchmark_that_was_left_out():
    others = {
        "tests/benchmarks/test_other.py::test_other": NodeOutcome("passed"),
        NODE: NodeOutcome("skipped", "Test requires benchmark fixture"),
    }
    assert (
        findings_of(processes=(seen("base", others), seen("head")))[0] == f"codeflash did not run {BENCHMARK} on base"
    )


def test_node_ids_may_begin_in_the_projects_folder():
    request = dataclasses.replace(REQUEST, benchmark=f"packages/textkit/{BENCHMARK}")
    assert findings_of(request) == ()


def test_dashes_for_a_side():
    assert findings_of(markdown=REPORT) == (
        "codeflash has no figures of base for test_lost: it shows a dash or no row",
    )


def test_memory_that_is_not_shown():
    without = GOOD.partition("#### Memory")[0]
    assert findings_of(markdown=without)[0].startswith("codeflash shows no memory: it omits differences below 1 %")
    assert findings_of(markdown=without, processes=BOTH[:2]) == (
        "codeflash shows no memory: its memory pass finished no test",
    )
    assert findings_of(dataclasses.replace(REQUEST, metrics=("time",)), markdown=without) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": None, "markdown": None}, "took longer than 600 s and was stopped"),
        ({"code": 1, "markdown": None, "output": "WARNING  No changed Python functions found between a and b"}, "wrote no report (exit code 1): codeflash finds no changed top-level function"),
        ({"code": 1, "markdown": None, "output": "boom\n│ RuntimeError: at the end │\n"}, "wrote no report (exit code 1): RuntimeError: at the end"),
        ({"code": 0, "markdown": None, "output": ""}, "wrote no report (exit code 0): it printed nothing"),
        ({"code": 1, "output": "No benchmark data collected"}, "wrote a report and failed (exit code 1): codeflash measured neither side"),
        ({"markdown": "_No benchmark results to compare._"}, "wrote a report without figures (exit code 0)"),
        ({"code": 1, "markdown": None, "processes": (seen("base", {"tests/x.py": NodeOutcome("failed", "ModuleNotFoundError: No module named 'yaml'")}),)}, "the module `yaml` is not in the environment"),
    ],
)  # fmt: skip
def test_no_result_is_reported_with_its_cause(changes, expected):
    assert expected in findings_of(**changes)[0]


def test_two_tests_of_one_name():
    twice = GOOD + GOOD.partition("\n\n")[2]
    assert any("the same heading (test_total_length[50000])" in finding for finding in findings_of(markdown=twice))


# -- what its figures mean ----------------------------------------------------------------------


def notes_of(request=REQUEST, *, markdown=GOOD, differing=(), **changes):
    return tuple(notes(request, dataclasses.replace(OUTCOME, **changes), read(markdown), differing=differing))


def test_the_peak_is_that_of_the_whole_test():
    assert notes_of() == ("codeflash's peak memory is that of the whole test, setup included",)


def test_a_function_that_takes_longer_than_its_test_is_reported():
    """As codeflash showed for the example: 2.2 ms in a test of 0.84 ms."""
    odd = GOOD.replace("13,280.79μs", "23,280.79μs")
    assert notes_of(markdown=odd)[0] == (
        "codeflash's figures of head do not agree with each other in test_total_length[50000]: "
        "23.28 ms for total_length and 11.85 ms for the whole test"
    )


@pytest.mark.parametrize(
    ("changes", "more", "expected"),
    [
        ({"functions": (FUNCTION.model_copy(update={"is_async": True}),)}, {}, "for total_length, a coroutine, codeflash's table of functions shows the time of calling it"),
        ({"metrics": ("import",)}, {}, "codeflash does not measure import time"),
        ({}, {"differing": ("numpy 1 → 2",)}, "codeflash ran both sides with head's packages, although base requires others: numpy 1 → 2"),
        ({"functions": (FUNCTION.model_copy(update={"name": "Table.rows"}),)}, {"markdown": GOOD.replace("| Function", "| Name")}, "it traces top-level functions only, and none changed"),
        ({}, {"markdown": GOOD.replace("| Function", "| Name")}, "codeflash shows no table of functions: it traced no call of total_length"),
        ({"benchmark": "tests/benchmarks/test_x.py"}, {"processes": (seen("base", {"tests/benchmarks/test_x.py::test_x": NodeOutcome("passed")}),)}, "test_total_length[50000] is in the same folder"),
    ],
)  # fmt: skip
def test_figures_that_mean_something_unexpected(changes, more, expected):
    assert any(expected in note for note in notes_of(dataclasses.replace(REQUEST, **changes), **more))
