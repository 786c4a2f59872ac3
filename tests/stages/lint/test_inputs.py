"""Both sides get the same inputs, whatever the branch changes besides the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.artifacts import Injection, Layout, Linting
from tasks.stages.lint.inputs import differing, differing_settings, is_input, listings
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
        ("tests/__init__.py", True),
        ("src/pkg/__init__.py", False),
    ],
)
def test_inputs_are_no_part_of_the_project(path, expected):
    assert is_input(path, LAYOUT) is expected


def folder(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def test_links_to_other_places_and_names_that_one_side_has_differ(tmp_path):
    same = {"data/v1/a.txt": "1", "data/v2/a.txt": "1"}
    base = folder(tmp_path / "base", {**same, "corpus/a.txt": "", "corpus/b.txt": ""})
    head = folder(tmp_path / "head", {**same, "corpus/a.txt": "more", "corpus/new/c.txt": ""})
    (base / "data/current").symlink_to("v1")
    (head / "data/current").symlink_to("v2")
    paths = ["data/current", "data/v1/a.txt", "corpus/a.txt", "corpus/b.txt", "corpus/new/c.txt"]
    changed = differing(base, head, paths)
    assert changed == {"data/current", "corpus/a.txt", "corpus/b.txt", "corpus/new/c.txt"}
    assert listings(changed, base, head) == {"corpus": "corpus/b.txt"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("addopts = '-q --size=5 -n 2 -W error'", ["--size"]),
        ("addopts = '-n 4 -W ignore --cov --size=9'", []),
        ("addopts = '--size=9'\nmarkers = ['slow']\nfilterwarnings = ['error']\nasyncio_mode = 'auto'", []),
        ("addopts = '--size=9'\nitems = '4'", ["items"]),
        ("addopts = '--size=9'\nenv = ['ITEMS=3']\nusefixtures = 'large'", ["env", "usefixtures"]),
    ],
)
def test_settings_of_pytest_that_may_be_inputs(tmp_path, settings, expected):
    texts = {"base": "addopts = '--size=9'", "head": settings}
    base, head = (
        folder(tmp_path / side, {"pyproject.toml": f"[tool.pytest.ini_options]\n{text}\n"})
        for side, text in texts.items()
    )
    assert differing_settings(base, head, "tests/test_f.py") == expected


TEST = """
import os
import subprocess
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
    "child": "SIZE = int(subprocess.check_output(['cat', Path(__file__).parents[2] / 'data' / 'size.txt']))",
    "listed": "SIZE = 100 * len([each.name for each in (Path(__file__).parents[2] / 'more').iterdir()])",
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
@pytest.mark.parametrize(
    ("case", "path"), [("opened", "data/size.txt"), ("child", "data/size.txt"), ("removed", "more/b.txt")]
)
def test_other_files_that_head_changes_are_refused(run, case, path):
    message = run.failure(case)
    assert f"the benchmark reads {path}, which head changes" in message
    assert f"`benchmark_files: [{path}]`" in message


@pytest.mark.slow
def test_names_of_files_are_inputs_too(run):
    message = run.failure("listed")
    assert "the benchmark lists more, where head adds or removes files (more/b.txt)" in message
