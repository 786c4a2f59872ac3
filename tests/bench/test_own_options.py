"""The project's own options for pytest and variables of its tests apply while measuring, and in the body's commands."""

from __future__ import annotations

import pytest

from tests.support.mistakes import BENCHMARK, CODE, PYPROJECT, change, compare, item
from tests.support.targets import TargetRepo

CONFTEST = """
import os

import pytest


def pytest_addoption(parser):
    parser.addoption("--size", type=int, default=4)


@pytest.fixture
def items(request):
    return list(range(int(os.environ["TIMES"]) * request.config.getoption("--size")))
"""
TEST = """
from textkit import unique


def test_total(benchmark, items):
    assert benchmark(unique, items) == items
"""
SLOW = """
def unique(items):
    copies = [list(items) for _ in items]
    return list(dict.fromkeys(copies[0]))
"""
FAST = "def unique(items):\n    return list(dict.fromkeys(items))\n"
OPTIONS = '\n[tool.pytest.ini_options]\naddopts = "--size=300 --benchmark-disable --unheard of -ra"\n'


@pytest.mark.slow
def test_options_of_a_conftest_apply_and_what_disturbs_is_left_out(tmp_path):
    files = {CODE: SLOW, BENCHMARK: TEST, "conftest.py": CONFTEST, "pyproject.toml": PYPROJECT + OPTIONS}
    files["tox.ini"] = "[testenv]\nsetenv =\n    TIMES = 2\n    HERE = {toxinidir}\n"
    repo = TargetRepo(tmp_path / "repo", files)
    repo.branch("faster")
    repo.commit({CODE: FAST}, "Copy nothing")
    repo.checkout("main")
    run = compare(repo, item())
    assert run.code == 0, run.output
    # With the four items of the default head is no tenth.
    assert change(run.comparison()).interval.high < 0.1
    assert [note for note in run.samples().notes if "for pytest" in note] == [
        "The project's options for pytest apply, without those that disturb measuring: --benchmark-disable, -ra.",
        "No conftest or installed plugin defines these options of the project for pytest: --unheard.",
    ]
    assert run.samples().variables == {"TIMES": "2"}
    assert (
        "tox.ini sets HERE for the tests, which the benchmark does not get: its value depends on the tool."
        in run.body()
    )
    assert "  export TIMES=2\n" in run.body()
    assert "python -m pytest -o addopts=--size=300 tests/benchmarks/test_benchmark_total.py" in run.body()
