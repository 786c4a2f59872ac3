"""Both sides get the same inputs, whatever the branch changes besides the code."""

from __future__ import annotations

import pytest

from tasks.artifacts import Injection, Layout, Linting
from tasks.stages.lint.inputs import is_input
from tests.support import evidence
from tests.support.mistakes import BENCHMARK, CODE, HEAVY, PYPROJECT, compare, item
from tests.support.targets import TargetRepo

LAYOUT: Layout = evidence.LAYOUT.model_copy(update={"import_roots": ("src", ""), "packages": ("pkg",)})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/data/items.json", True),
        ("data/items.json", True),
        ("src/pkg/tests/items.json", True),
        ("src/pkg/table.json", False),
        ("pkg.py", False),
        ("pkg/perf/counters.py", False),
        ("pyproject.toml", False),
        ("tests/conftest.py", False),
    ],
)
def test_inputs_are_no_part_of_the_project(path, expected):
    assert is_input(path, LAYOUT) is expected


TEST = """
import os
from pathlib import Path

import pytest
from textkit import total

{read}


def test_total(benchmark, size):
    assert benchmark(total, SIZE or size) > 0
"""
CONFTEST = "import pytest\n\nLIMIT = {size}\n\n\n@pytest.fixture\ndef size():\n    return LIMIT\n"
OPENED = """names = sorted(os.listdir(Path(__file__).parents[2] / "data"))
SIZE = int((Path(__file__).parents[2] / "data" / names[0]).read_text())"""
READS = {
    "data": "SIZE = int((Path(__file__).parents[1] / 'data' / 'size.txt').read_text())",
    "helper": "from tests.helpers import SIZE",
    "conftest": "SIZE = 0",
    "opened": OPENED,
    "named": OPENED,
    "removed": "SIZE = sum(int(each.read_text()) for each in Path(__file__).parents[2].glob('more/*.txt'))",
}


MORE = {"more/a.txt": "500", "more/b.txt": "4500"}
"""Of which the branch removes one."""


def files(size):
    return {
        "tests/data/size.txt": str(size),
        "tests/helpers.py": f"SIZE = {size}\n",
        "tests/conftest.py": CONFTEST.format(size=size),
        "data/size.txt": str(size),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """On the branch the code is hardly changed, and every input is a tenth of what it was."""
    tests = {f"tests/benchmarks/test_{case}.py": TEST.format(read=read) for case, read in READS.items()}
    packages = {"tests/__init__.py": "", "tests/benchmarks/__init__.py": ""}
    base = {CODE: HEAVY, BENCHMARK: None, "pyproject.toml": PYPROJECT, **packages, **tests, **files(5_000), **MORE}
    repo = TargetRepo(
        tmp_path_factory.mktemp("inputs") / "repo", {path: text for path, text in base.items() if text is not None}
    )
    repo.branch("faster")
    repo.commit({CODE: HEAVY + "\n\nOTHER = 1\n", **files(500), "more/b.txt": None}, "Shrink the inputs")
    repo.checkout("main")
    more = {"named": {"benchmark_files": "data/size.txt"}}
    items = [
        item("faster", id=case, benchmark=f"tests/benchmarks/test_{case}.py", **more.get(case, {})) for case in READS
    ]
    return compare(repo, *items, stages=tuple(f"lint:{case}" for case in READS))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "path"),
    [
        ("data", "tests/data/size.txt"),
        ("helper", "tests/helpers.py"),
        ("conftest", "tests/conftest.py"),
        ("named", "data/size.txt"),
    ],
)
def test_inputs_go_into_both_trees(run, case, path):
    injection = Injection.read(run.state(case) / "inject.json")
    assert injection.base.files == injection.head.files
    assert path in injection.base.files
    assert Linting.read(run.state(case) / "lint.json").ran


@pytest.mark.slow
@pytest.mark.parametrize(("case", "path"), [("opened", "data/size.txt"), ("removed", "more/b.txt")])
def test_other_files_that_head_changes_are_refused(run, case, path):
    message = run.failure(case)
    assert f"the benchmark reads {path}, which head changes" in message
    assert f"`benchmark_files: [{path}]`" in message
