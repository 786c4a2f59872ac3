"""The project's own tests at base and head: literal runs held against each other, and real suites in real environments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.artifacts import Layout, ProjectTests, SideRun
from tasks.manifest.model import Optimization
from tasks.stages.tests import tests
from tasks.stages.tests.suite_runs import SuiteRun
from tasks.stages.tests.suites import Suite
from tasks.storage.paths import ItemPaths
from tasks.workspace import nested
from tests.support.evidence import DETECTION
from tests.support.projects import PROJECT, SETUPTOOLS
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

SUITE = Suite(("python -m pytest",), "pytest.ini", "", "pytest")


def held(
    base: dict, head: dict, again: dict | None = None, *, codes: tuple[int | None, int | None] = (0, 0)
) -> ProjectTests:
    second = None if again is None else SuiteRun(1, again)
    return tests.compared(
        "a",
        SUITE,
        SuiteRun(codes[0], base, tail="at base"),
        SuiteRun(codes[1], head, running="slow", tail="at head"),
        second,
    )


# -- two runs held against each other ---------------------------------------------------------------


def test_all_pass():
    made = held({"a": "passed", "b": "skipped"}, {"a": "passed", "b": "skipped"})
    assert (made.pass_at_head, made.needs_review, made.differences) == (True, (), ())
    assert (made.head, made.head.total) == (SideRun(code=0, passed=1, skipped=1), 2)


def test_a_failure_on_both_sides_is_old():
    made = held({"a": "failed", "b": "error"}, {"a": "error", "b": "error"}, codes=(1, 1))
    assert (made.old_failures, made.new_failures, made.pass_at_head, made.needs_review) == (("a", "b"), (), False, ())
    assert (made.base.tail, made.head.tail) == ("at base", "at head")


@pytest.mark.parametrize("base", [{"a": "passed"}, {"a": "skipped"}, {}])
def test_a_failure_at_head_alone_is_new(base):
    made = held(base, {"a": "failed"}, {"a": "failed"}, codes=(0, 1))
    assert made.new_failures == ("a",)
    assert made.needs_review == ("1 test fails at head and not at base: a",)


def test_a_failure_that_passes_when_run_once_more_is_flaky():
    made = held(
        {"a": "passed", "b": "passed"}, {"a": "failed", "b": "error"}, {"a": "passed", "b": "error"}, codes=(0, 1)
    )
    assert (made.flaky, made.new_failures, made.pass_at_head) == (("a",), ("b",), False)
    assert made.needs_review == (
        "1 test fails at head and not at base: b",
        "1 test fails at head, then passed when run once more: a",
    )


def test_tests_of_one_side_and_those_that_were_mended():
    made = held(
        {"a": "failed", "old": "passed", "c": "passed"}, {"a": "passed", "new": "passed", "c": "passed"}, codes=(1, 0)
    )
    assert (made.fixed, made.only_at_base, made.only_at_head) == (("a",), ("old",), ("new",))
    assert made.pass_at_head


def test_a_run_that_was_stopped_needs_a_look():
    made = held({"a": "passed"}, {}, codes=(0, None)).model_copy(update={"seconds": 30.0})
    assert made.needs_review == ("the project's own tests did not end within 30 s at head, at slow",)
    assert not made.pass_at_head


def test_another_exit_code_needs_a_look():
    made = held({"a": "passed"}, {"a": "passed"}, codes=(0, 3))
    assert made.needs_review == ("`python -m pytest` ended with exit code 3 at head, with 0 at base",)


def test_no_single_tests_are_known_of_other_commands():
    made = held({}, {})
    assert (made.by_test, made.pass_at_head, made.needs_review) == (False, False, ())


def test_failures_are_run_once_more_alone_where_the_command_is_ours():
    assert tests.repeating(SUITE, ["a.py::b[x y]"]) == "python -m pytest 'a.py::b[x y]'"
    assert tests.repeating(SUITE, ["a"] * 201) == "python -m pytest"
    assert tests.repeating(Suite(("make test",), "the manifest", "", "command"), ["a"]) == "make test"


# -- for real ---------------------------------------------------------------------------------------

LAYOUT = Layout(
    kind="flat",
    project="",
    import_roots=("",),
    packages=("shop",),
    installable=True,
    benchmarks_root="tests/benchmarks",
    benchmarks_root_reason="",
    runner="python",
    runner_reason="",
)
PYPROJECT = SETUPTOOLS + PROJECT.replace("pages", "shop") + "[tool.setuptools]\npackages = ['shop']\n"
SUITE_OF_SHOP = """
from pathlib import Path

import shop


def test_price():
    assert shop.price("tea") == 3
    assert Path(shop.__file__).parents[1] == Path(__file__).parents[1]


def test_old():
    assert shop.price("") == 1


"""
ONCE = """
def test_once():
    ran = Path(__file__).with_name("ran")
    if not ran.exists():
        ran.touch()
        raise AssertionError("the first time")
"""
BASE = {
    "pyproject.toml": PYPROJECT,
    "shop/__init__.py": "def price(name):\n    return len(name)\n",
    "tests/test_shop.py": SUITE_OF_SHOP + "def test_once():\n    assert True\n",
    "tests/benchmarks/test_slow.py": "def test_never_run():\n    raise AssertionError\n",
}


class Target:
    """A project with an optimization on a branch of its own."""

    def __init__(self, folder: Path, base: dict[str, str], head: dict[str, str | None]) -> None:
        self.folder, self.repo = folder, TargetRepo(folder / "target", base)
        self.base = self.repo.head
        self.repo.branch("perf")
        self.head = self.repo.commit(head)
        self.changed = tuple(head)

    def run(self, picked: tuple[str, ...] = (), layout: Layout = LAYOUT, **settings: object) -> ProjectTests:
        paths = ItemPaths("a", self.folder / "work" / ".prprep" / "a", self.folder / "work" / ".codeflash")
        found = {"base": self.base, "head": self.head, "picked": picked, "files": self.changed, "layout": layout}
        DETECTION.model_copy(update=found).write(paths.detect)
        item = Optimization.model_validate({"id": "a", "head": "perf", **settings})
        cache = Path(os.environ["PRPREP_CACHE"])
        with untouched(self.repo.path):
            run_stage("tests", item, paths, address=self.repo.path, cache=cache)
        return ProjectTests.read(paths.tests)


@pytest.mark.slow
def test_a_head_that_breaks_one_test_of_which_one_was_broken_before_and_one_is_unsure(tmp_path):
    head = {"shop/__init__.py": "def price(name):\n    return 2\n", "tests/test_shop.py": SUITE_OF_SHOP + ONCE}
    made = Target(tmp_path, BASE, head).run()
    assert made.new_failures == ("tests/test_shop.py::test_price",)
    assert made.old_failures == ("tests/test_shop.py::test_old",)
    assert made.flaky == ("tests/test_shop.py::test_once",)
    assert made.edited == ("tests/test_shop.py",)
    assert (made.base.passed, made.base.failed, made.head.failed) == (2, 1, 3)
    assert made.command == "python -m pytest --ignore=tests/benchmarks"
    assert str(tmp_path) not in made.model_dump_json()


@pytest.mark.slow
def test_listed_commits_are_put_onto_base_and_the_trees_of_measuring_stay_clean(tmp_path):
    suite = BASE["tests/test_shop.py"] + ONCE.replace("once", "new")
    target = Target(
        tmp_path,
        BASE,
        {"shop/__init__.py": "def price(name):\n    return sum(1 for _ in name)\n", "tests/test_shop.py": suite},
    )
    picked = (target.head,)
    target.head = "0" * 40  # It is made in the private clone alone.
    made = target.run(picked=picked)
    assert (made.new_failures, made.only_at_head) == ((), ("tests/test_shop.py::test_new",))
    assert made.flaky == ("tests/test_shop.py::test_new",)
    suites = Path(os.environ["PRPREP_CACHE"]).glob("trees/*/tests/test_shop.py")
    trees = [path.parent for path in suites if "test_new" in path.read_text()]
    assert [(path / "ran").exists() for path in trees] == [True]  # Nothing is measured in that tree.


@pytest.mark.slow
def test_what_tests_need_is_installed_for_them(tmp_path):
    """An extra of developers alone is in no environment of measuring."""
    base = {**BASE, "pyproject.toml": PYPROJECT + "[project.optional-dependencies]\ndev = ['iniconfig', 'toolz']\n"}
    base["tests/test_shop.py"] = "import toolz\n\n\ndef test_toolz():\n    assert toolz\n"
    made = Target(tmp_path, base, {"shop/__init__.py": "def price(name):\n    return 1\n"}).run()
    assert (made.pass_at_head, made.head.passed, made.notes) == (True, 1, ())


@pytest.mark.slow
def test_what_tests_need_and_nobody_has(tmp_path):
    base = {
        **BASE,
        "pyproject.toml": PYPROJECT + "[project.optional-dependencies]\ndev = ['prprep-has-no-such-package==1']\n",
    }
    made = Target(tmp_path, base, {"shop/__init__.py": "def price(name):\n    return len(list(name))\n"}).run()
    assert made.old_failures == ("tests/test_shop.py::test_old",)
    assert any("what tests need could not be installed at base" in note for note in made.notes)


@pytest.mark.slow
def test_options_for_a_plugin_that_is_not_there(tmp_path):
    base = {**BASE, "pytest.ini": "[pytest]\naddopts = --no-such-option-at-all --import-mode=importlib\n"}
    made = Target(tmp_path, base, {"shop/__init__.py": "def price(name):\n    return len(list(name))\n"}).run()
    assert made.command == "python -m pytest -o addopts= --import-mode=importlib --ignore=tests/benchmarks"
    assert (made.head.passed, made.head.failed) == (2, 1)
    assert any("most of them were left out" in note for note in made.notes)


@pytest.mark.slow
def test_a_project_of_unittest_and_one_whose_suite_hangs(tmp_path):
    suite = "import unittest\nimport shop\n\n\nclass TestShop(unittest.TestCase):\n    def test_price(self):\n        self.assertEqual(shop.price('a'), 1)\n"
    base = {name: text for name, text in BASE.items() if not name.startswith("tests")} | {"tests/test_shop.py": suite}
    target = Target(tmp_path, base, {"shop/__init__.py": "import time\n\n\ndef price(name):\n    time.sleep(600)\n"})
    made = target.run(tests_timeout=8)
    assert made.command == "python -m unittest discover -s tests"
    assert (made.base.passed, made.head.code, made.head.running) == (1, None, "test_shop.TestShop.test_price")
    assert made.needs_review == (
        "the project's own tests did not end within 8 s at head, at test_shop.TestShop.test_price",
    )


@pytest.mark.slow
def test_an_environment_that_cannot_be_built_is_said(tmp_path):
    made = Target(tmp_path, BASE, {"shop/__init__.py": "x = 1\n"}).run(env={"install": "prprep-has-no-such-package==1"})
    assert made.unable
    assert made.head is None
    assert made.needs_review[0].startswith("the project's own tests could not be run: ")


# -- where nothing is run ---------------------------------------------------------------------------


@pytest.mark.slow
def test_no_tests_at_all(tmp_path):
    base = {name: text for name, text in BASE.items() if name != "tests/test_shop.py"}
    made = Target(tmp_path, base, {"shop/__init__.py": "x = 1\n"}).run()
    assert (made.why_not, made.unable, made.needs_review) == ("no tests were found in the project", False, ())


@pytest.mark.slow
def test_turned_off_by_the_manifest(tmp_path):
    made = Target(tmp_path, BASE, {"tests/test_shop.py": "def test_a(): pass\n"}).run(tests=False)
    assert (made.why_not, made.needs_review) == ("the manifest says `tests: false`", ())
    assert made.edited == ("tests/test_shop.py",)


def test_not_within_another_prprep(monkeypatch):
    item = Optimization(id="a", head="x")
    monkeypatch.delenv(nested.MARK, raising=False)
    assert tests.why_not(item) == ""
    monkeypatch.setenv(nested.MARK, "1")
    assert tests.why_not(item) == "this prprep was started by another one"
