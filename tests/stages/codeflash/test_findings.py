"""What is said of a run of codeflash, on literal runs: what it keeps quiet about, and what its figures hold for."""

import dataclasses

import pytest

from tasks.artifacts import ChangedFunction, Layout
from tasks.stages.codeflash.findings import findings, notes
from tasks.stages.codeflash.reading import read
from tasks.stages.codeflash.running import Asked, Ran
from tasks.stages.codeflash.witness import Ended, Witness
from tests.stages.codeflash.test_reading import REPORT

BENCHMARK = "tests/benchmarks/test_total_length.py"
NODE = f"{BENCHMARK}::test_total_length[50000]"
LAYOUT = Layout(
    kind="src",
    project="",
    import_roots=("src",),
    packages=("textkit",),
    installable=True,
    benchmarks_root="tests/benchmarks",
    benchmarks_root_reason="",
    runner="python",
    runner_reason="",
)
FUNCTION = ChangedFunction(
    path="src/textkit/dedupe.py", module="textkit.dedupe", name="total_length", status="modified"
)
ASKED = Asked("a" * 40, "b" * 40, {}, BENCHMARK, LAYOUT, ("time", "memory"), functions=(FUNCTION,))
GOOD = REPORT.partition("### test_lost")[0]
PASSED = {NODE: Ended("passed")}


def seen(side, tests=PASSED, *, memory=False, elsewhere=()):
    return Witness(side, memory, tests, ("textkit", "textkit.dedupe"), elsewhere)


BOTH = tuple(seen(side, memory=memory) for memory in (False, True) for side in ("base", "head"))
RAN = Ran(("--memory", "--timeout", "120"), {"PYTHONPATH": "src"}, "", 0, "", GOOD, BOTH, 600.0)


def told(asked=ASKED, **changes):
    ran = dataclasses.replace(RAN, **changes)
    return findings(asked, ran, read(ran.markdown or ""))


def test_a_run_that_went_well_gives_none():
    assert told() == ()


def test_a_side_that_was_measured_on_an_installed_copy():
    """Made to happen for real in test_codeflash."""
    elsewhere = (("textkit", "/site/src/textkit/__init__.py"), ("textkit.dedupe", "/site/src/textkit/dedupe.py"))
    (finding,) = told(witnesses=(seen("base", elsewhere=elsewhere), seen("head")))
    assert finding == (
        "codeflash did not measure base's code: textkit and textkit.dedupe came from src/textkit/__init__.py and src/textkit/dedupe.py, "
        "not from base's worktree; an installed copy was measured in its place"
    )


def test_a_test_that_failed_with_exit_code_0():
    failed = {NODE: Ended("failed", "assert 3 == 4")}
    assert told(witnesses=(seen("base"), seen("head", failed))) == (
        f"{NODE} failed under codeflash on head (assert 3 == 4), of which its report says nothing",
    )


def test_a_failure_that_is_codeflashs_own_is_explained():
    failed = {NODE: Ended("failed", "AttributeError: 'Benchmark' object has no attribute 'pedantic'")}
    (finding,) = told(witnesses=(seen("base", failed), seen("head", failed)))
    assert "failed under codeflash on base and head" in finding
    assert finding.endswith("codeflash's `benchmark` fixture lacks `pedantic` of pytest-benchmark")


def test_a_benchmark_that_was_left_out():
    others = {
        "tests/benchmarks/test_other.py::test_other": Ended("passed"),
        NODE: Ended("skipped", "Test requires benchmark fixture"),
    }
    assert told(witnesses=(seen("base", others), seen("head")))[0] == f"codeflash did not run {BENCHMARK} on base"


def test_node_ids_may_begin_in_the_projects_folder():
    asked = dataclasses.replace(ASKED, benchmark=f"packages/textkit/{BENCHMARK}")
    assert told(asked) == ()


def test_dashes_for_a_side():
    assert told(markdown=REPORT) == (
        "codeflash has no figures of base for test_lost: it shows a dash, or leaves the line out",
    )


def test_memory_that_is_not_shown():
    without = GOOD.partition("#### Memory")[0]
    assert told(markdown=without)[0].startswith(
        "codeflash shows no memory: it leaves out what differs by less than 1 %"
    )
    assert told(markdown=without, witnesses=BOTH[:2]) == (
        "codeflash shows no memory: its pass for memory ran no test to the end",
    )
    assert told(dataclasses.replace(ASKED, metrics=("time",)), markdown=without) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": None, "markdown": None}, "took longer than 600 s and was stopped"),
        ({"code": 1, "markdown": None, "written": "WARNING  No changed Python functions found between a and b"}, "wrote no report (exit code 1): codeflash finds no changed top-level function"),
        ({"code": 1, "markdown": None, "written": "boom\n│ RuntimeError: at the end │\n"}, "wrote no report (exit code 1): RuntimeError: at the end"),
        ({"code": 0, "markdown": None, "written": ""}, "wrote no report (exit code 0): it said nothing"),
        ({"code": 1, "written": "No benchmark data collected"}, "wrote a report and failed (exit code 1): codeflash measured neither side"),
        ({"markdown": "_No benchmark results to compare._"}, "wrote a report without figures (exit code 0)"),
        ({"code": 1, "markdown": None, "witnesses": (seen("base", {"tests/x.py": Ended("failed", "ModuleNotFoundError: No module named 'yaml'")}),)}, "the module `yaml` is not in the environment"),
    ],
)  # fmt: skip
def test_no_result_is_told_with_its_cause(changes, expected):
    assert expected in told(**changes)[0]


def test_two_tests_of_one_name():
    twice = GOOD + GOOD.partition("\n\n")[2]
    assert any("the same heading (test_total_length[50000])" in finding for finding in told(markdown=twice))


# -- what its figures hold for ----------------------------------------------------------------------


def noted(asked=ASKED, *, markdown=GOOD, differing=(), **changes):
    return notes(asked, dataclasses.replace(RAN, **changes), read(markdown), differing=differing)


def test_the_peak_is_told_to_be_the_whole_tests():
    assert noted() == ("codeflash's peak memory is that of the whole test, with what it sets up",)


def test_a_function_that_takes_longer_than_its_test_is_told():
    """As codeflash showed for the example: 2.2 ms in a test of 0.84 ms."""
    odd = GOOD.replace("13,280.79μs", "23,280.79μs")
    assert noted(markdown=odd)[0] == (
        "codeflash's figures of head do not agree with each other in test_total_length[50000]: "
        "23.28 ms for total_length and 11.85 ms for the whole test"
    )


@pytest.mark.parametrize(
    ("asked", "more", "expected"),
    [
        ({"functions": (FUNCTION.model_copy(update={"is_async": True}),)}, {}, "for total_length, a coroutine, codeflash's table of functions holds the time of calling it"),
        ({"metrics": ("import",)}, {}, "codeflash has no measure of import time"),
        ({}, {"differing": ("numpy 1 → 2",)}, "codeflash ran both sides with head's packages, although base asks for others: numpy 1 → 2"),
        ({"functions": (FUNCTION.model_copy(update={"name": "Table.rows"}),)}, {"markdown": GOOD.replace("| Function", "| Name")}, "it traces top-level functions only, and none changed"),
        ({}, {"markdown": GOOD.replace("| Function", "| Name")}, "codeflash shows no table of functions: it traced no call of total_length"),
        ({"benchmark": "tests/benchmarks/test_x.py"}, {"witnesses": (seen("base", {"tests/benchmarks/test_x.py::test_x": Ended("passed")}),)}, "test_total_length[50000] stands in the same folder"),
    ],
)  # fmt: skip
def test_what_readers_would_take_for_something_else(asked, more, expected):
    assert any(expected in note for note in noted(dataclasses.replace(ASKED, **asked), **more))
