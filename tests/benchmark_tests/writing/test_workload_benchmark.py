from __future__ import annotations

import ast

import pytest

from tasks.artifacts import WorkloadTest
from tasks.benchmark_tests.writing.workload_benchmark import from_workload, run_code
from tests.support.evidence import DETECTION

PATH = "tests/benchmarks/test_benchmark_merge_lines.py"
WORKLOAD = WorkloadTest(
    test="tests/test_text.py::TestMerge::test_all[two]",
    imports=("from pagelayout.text import merge_lines",),
    definitions=("class Line:\n    pass",),
    setup=("line = Line()",),
    body=("text = merge_lines([line])",),
    result="text",
    fixtures=("tmp_path",),
    share=0.8,
    seconds=0.001,
)


def written(**changes: object) -> str:
    workload = WORKLOAD.model_copy(update=changes)
    changed = "pagelayout.text:merge_lines"
    return from_workload(workload, DETECTION, changed=changed, path=PATH, templates=None).text


def test_the_measured_function_returns_what_the_test_assigns_last():
    assert run_code(WORKLOAD) == ("run", "def run():\n    text = merge_lines([line])\n    return text")


def test_a_short_round_is_repeated_whole():
    repeated = WORKLOAD.model_copy(update={"repeat": 1_000})
    assert run_code(repeated)[1] == (
        "def run():\n    for _ in range(1_000):\n        text = merge_lines([line])\n    return text"
    )
    expression = repeated.model_copy(update={"body": (), "result": "merge_lines([line])"})
    assert run_code(expression)[1] == (
        "def run():\n    for _ in range(1_000):\n        result = merge_lines([line])\n    return result"
    )
    assert "One round repeats the calls 1,000 times." in " ".join(written(repeat=1_000).split())


def test_the_measured_function_has_a_name_that_the_test_does_not_use():
    assert run_code(WORKLOAD.model_copy(update={"body": ("text = run(line)",)}))[0] == "call"
    assert run_code(WORKLOAD.model_copy(update={"setup": ("def run(): ...", "call = 1")}))[0] == "measured"


@pytest.mark.parametrize(
    ("changes", "call"),
    [
        ({}, "    benchmark(run)"),
        ({"body": (), "result": "merge_lines(line)"}, "    benchmark(merge_lines, line)"),
        ({"body": (), "result": "merge_lines([line])"}, "        return merge_lines([line])\n\n    benchmark(run)"),
    ],
)
def test_the_file_says_where_it_comes_from(changes, call):
    text = written(**changes)
    ast.parse(text)
    assert text.endswith(f"{call}\n")
    assert "def test_benchmark_merge_lines(benchmark, tmp_path):" in text
    words = " ".join(text.split())
    assert "It does what test_all in tests/test_text.py does, without the assertions" in words
    assert "merge_lines takes 80 % of the time; the setup is not timed." in words
