"""Suites that are run for real, by the interpreter that runs these tests."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.bench.request import SideRequest
from tasks.bench.workers.pytest_options import USAGE_ERROR
from tasks.stages.tests.suite_runs import NO_TESTS, read_notes, run
from tests.support.pairs import write
from tests.support.pythons import environment
from tests.support.sandboxes import demand_bubblewrap

pytestmark = pytest.mark.slow

SUITE = """
import os
import pytest

def test_passes():
    pass

def test_fails():
    assert 1 == 2

@pytest.mark.skip
def test_skipped():
    pass

@pytest.mark.xfail
def test_expected():
    assert False

@pytest.fixture
def broken():
    raise ValueError("no fixture")

def test_error(broken):
    pass

@pytest.fixture
def late():
    yield
    raise ValueError("no teardown")

def test_passes_and_breaks(late):
    pass

def test_gets_no_secret():
    assert "A_TOKEN" not in os.environ and "PRPREP_TESTS" not in os.environ
"""
UNITTEST = """
import unittest

class TestA(unittest.TestCase):
    def test_passes(self):
        pass

    def test_fails(self):
        self.fail()

    def test_breaks(self):
        raise ValueError

    @unittest.skip("why")
    def test_skipped(self):
        pass

    def test_parts(self):
        for part in range(3):
            with self.subTest(part):
                assert part != 1
"""


def side(folder: Path, files: dict[str, str]) -> SideRequest:
    tree = write(folder / "tree", {"pytest.ini": "[pytest]\n", **files})
    return SideRequest(tree, Path(sys.executable), (tree,))


def ran(
    folder: Path, files: dict[str, str], command: str = "python -m pytest -p no:cacheprovider", seconds: float = 60
):
    return run(side(folder, files), command, folder="", seconds=seconds)


def test_how_each_test_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "secret")
    suite_run = ran(
        tmp_path,
        {"test_a.py": SUITE, "test_b.py": "import nothing_of_this_name\n"},
        "pytest -p no:cacheprovider --continue-on-collection-errors",
    )
    assert suite_run.code == 1
    assert suite_run.endings == {
        "test_a.py::test_passes": "passed",
        "test_a.py::test_fails": "failed",
        "test_a.py::test_skipped": "skipped",
        "test_a.py::test_expected": "skipped",
        "test_a.py::test_error": "error",
        "test_a.py::test_passes_and_breaks": "error",
        "test_a.py::test_gets_no_secret": "passed",
        "test_b.py": "error",
    }
    side = suite_run.counted()
    assert (side.passed, side.failed, side.errors, side.skipped) == (2, 1, 3, 2)
    assert "test_fails" in side.tail
    assert str(tmp_path) not in side.tail


def test_a_suite_that_passes_leaves_no_tail(tmp_path):
    suite_run = ran(tmp_path, {"test_a.py": "def test_a():\n    print('said')\n"})
    assert (suite_run.code, suite_run.endings, suite_run.counted().tail) == (0, {"test_a.py::test_a": "passed"}, "")


def test_a_suite_that_hangs_is_stopped_and_its_running_test_named(tmp_path):
    suite_run = ran(
        tmp_path,
        {"test_a.py": "import time\n\ndef test_first():\n    pass\n\ndef test_hangs():\n    time.sleep(600)\n"},
        seconds=4,
    )
    assert (suite_run.code, suite_run.endings, suite_run.running) == (
        None,
        {"test_a.py::test_first": "passed"},
        "test_a.py::test_hangs",
    )
    assert suite_run.counted().running == "test_a.py::test_hangs"


def test_a_suite_that_dies_reports_the_tests_before(tmp_path):
    suite_run = ran(
        tmp_path, {"test_a.py": "import os\n\ndef test_first():\n    pass\n\ndef test_dies():\n    os.abort()\n"}
    )
    assert suite_run.code != 0
    assert (suite_run.endings, suite_run.running) == ({"test_a.py::test_first": "passed"}, "test_a.py::test_dies")


def test_tests_in_worker_processes_count_once(tmp_path):
    place = side(tmp_path, {"test_a.py": SUITE})
    python = environment(".".join(map(str, sys.version_info[:2])), "pytest", "pytest-xdist")
    suite_run = run(replace(place, python=python), "python -m pytest -p no:cacheprovider -n 2", folder="", seconds=60)
    assert len(suite_run.endings) == 7
    assert suite_run.endings["test_a.py::test_fails"] == "failed"


def test_tests_that_run_pytest_themselves_add_nothing(tmp_path):
    inner = (
        "import subprocess, sys\npytest_plugins = ['pytester']\n\n"
        "def test_outer(pytester):\n    pytester.makepyfile('def test_inner(): pass')\n    pytester.inline_run().assertoutcome(passed=1)\n"
        "    assert subprocess.run([sys.executable, '-m', 'pytest', '-q']).returncode == 0\n"
    )
    assert ran(tmp_path, {"test_a.py": inner}).endings == {"test_a.py::test_outer": "passed"}


def test_unittest_test_by_test(tmp_path):
    suite_run = ran(
        tmp_path,
        {"tests/test_a.py": UNITTEST, "tests/test_b.py": "import nothing_of_this_name\n"},
        "python -m unittest discover -s tests",
    )
    assert suite_run.code == 1
    assert suite_run.endings == {
        "test_a.TestA.test_passes": "passed",
        "test_a.TestA.test_fails": "failed",
        "test_a.TestA.test_breaks": "error",
        "test_a.TestA.test_skipped": "skipped",
        "test_a.TestA.test_parts": "failed",
        "unittest.loader._FailedTest.test_b": "error",
    }


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("echo said; exit 3", 3)])
def test_another_command_reports_only_its_exit_code(tmp_path, command, code):
    suite_run = ran(tmp_path, {}, command)
    assert (suite_run.code, suite_run.endings) == (code, {})
    assert suite_run.counted().tail == ("" if code == 0 else "said")


def test_a_command_that_runs_pytest_reports_each_test(tmp_path):
    files = {
        "check.sh": "python -m pytest -q test_a.py && pytest -q test_b.py\n",
        "test_a.py": "def test_a(): pass\n",
        "test_b.py": "def test_b(): pass\n",
    }
    assert ran(tmp_path, files, "sh check.sh").endings == {"test_a.py::test_a": "passed", "test_b.py::test_b": "passed"}


def test_pytests_own_exit_codes(tmp_path):
    assert ran(tmp_path, {}).code == NO_TESTS
    assert ran(tmp_path, {"test_a.py": SUITE}, "python -m pytest --no-such-option").code == USAGE_ERROR


def test_under_bubblewrap(tmp_path):
    demand_bubblewrap()
    place = side(tmp_path, {"test_a.py": "def test_a(tmp_path):\n    (tmp_path / 'x').write_text('')\n"})
    place = replace(place, confined=True, environments=(Path(sys.executable).parents[1], Path(sys.base_prefix)))
    assert run(place, "python -m pytest -p no:cacheprovider", folder="", seconds=60).endings == {
        "test_a.py::test_a": "passed"
    }


def test_incomplete_notes_are_read_up_to_the_break(tmp_path):
    (tmp_path / "notes").write_text(
        '{"started": "a"}\n{"test": "a", "ending": "passed"}\n{"started": "b"}\n{"test": "b", "end'
    )
    assert read_notes(tmp_path / "notes") == ({"a": "passed"}, "b")
    assert read_notes(tmp_path / "none") == ({}, "")
