"""The project's own tests at base and head: literal runs compared, and real suites in real environments."""

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
from tests.support import evidence
from tests.support.evidence import DETECTION
from tests.support.projects import FLIT, PROJECT
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

SUITE = Suite(("python -m pytest",), "pytest.ini", "", "pytest")


def compared(
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


# -- two runs compared ---------------------------------------------------------------


def test_all_pass():
    outcome = compared({"a": "passed", "b": "skipped"}, {"a": "passed", "b": "skipped"})
    assert (outcome.pass_at_head, outcome.needs_review, outcome.differences) == (True, (), ())
    assert outcome.head == SideRun(code=0, passed=1, skipped=1)


def test_a_failure_on_both_sides_is_old():
    outcome = compared({"a": "failed", "b": "error"}, {"a": "error", "b": "error"}, codes=(1, 1))
    assert (outcome.old_failures, outcome.new_failures, outcome.pass_at_head, outcome.needs_review) == (
        ("a", "b"),
        (),
        False,
        (),
    )
    assert (outcome.base.tail, outcome.head.tail) == ("at base", "at head")


@pytest.mark.parametrize("base", [{"a": "passed"}, {"a": "skipped"}, {}])
def test_a_failure_only_at_head_is_new(base):
    outcome = compared(base, {"a": "failed"}, {"a": "failed"}, codes=(0, 1))
    assert outcome.new_failures == ("a",)
    assert outcome.needs_review == ("1 test fails at head and not at base: a",)


def test_a_failure_that_passes_in_a_second_run_is_flaky():
    outcome = compared(
        {"a": "passed", "b": "passed"}, {"a": "failed", "b": "error"}, {"a": "passed", "b": "error"}, codes=(0, 1)
    )
    assert (outcome.flaky, outcome.new_failures, outcome.pass_at_head) == (("a",), ("b",), False)
    assert outcome.needs_review == (
        "1 test fails at head and not at base: b",
        "1 test fails at head, then passed when run once more: a",
    )


def test_tests_of_one_side_and_fixed_tests():
    outcome = compared(
        {"a": "failed", "old": "passed", "c": "passed"}, {"a": "passed", "new": "passed", "c": "passed"}, codes=(1, 0)
    )
    assert (outcome.fixed, outcome.only_at_base, outcome.only_at_head) == (("a",), ("old",), ("new",))
    assert outcome.pass_at_head


def test_a_stopped_run_needs_review():
    outcome = compared({"a": "passed"}, {}, codes=(0, None)).model_copy(update={"seconds": 30.0})
    assert outcome.needs_review == ("the project's own tests did not end within 30 s at head, at slow",)
    assert not outcome.pass_at_head


def test_another_exit_code_needs_review():
    outcome = compared({"a": "passed"}, {"a": "passed"}, codes=(0, 3))
    assert outcome.needs_review == ("`python -m pytest` ended with exit code 3 at head, with 0 at base",)


def test_ids_that_differ_in_random_numbers_are_the_same_test():
    outcome = compared(
        {"a[0.25]": "failed", "b[1]": "passed", "b[2]": "passed"}, {"a[0.75]": "failed", "b[3]": "passed"}, codes=(1, 1)
    )
    assert (outcome.new_failures, outcome.old_failures) == ((), ("a[0.75]",))
    # As many as before would be the same tests.
    assert (outcome.only_at_base, outcome.only_at_head) == (("b[1]", "b[2]"), ("b[3]",))
    worse = compared({"a[0.25]": "passed"}, {"a[0.75]": "failed"}, {"a[0.5]": "failed"}, codes=(0, 1))
    assert worse.new_failures == ("a[0.75]",)
    flaky = compared({"a[0.25]": "passed"}, {"a[0.75]": "failed"}, {"a[0.5]": "passed"}, codes=(0, 1))
    assert flaky.flaky == ("a[0.75]",)


def test_other_commands_report_no_single_tests():
    outcome = compared({}, {})
    assert (outcome.by_test, outcome.pass_at_head, outcome.needs_review) == (False, False, ())


def test_only_failures_run_again_if_the_command_is_ours():
    base = SuiteRun(1, {"a.py::b[0.25]": "passed"})
    head = SuiteRun(1, {"a.py::b[0.75]": "failed"}, arguments={"a.py::b[data/x]": "a.py::b[/tree/data/x]"})
    assert tests.repeating(SUITE, base, head, ["a.py::b[0.75]"]) == "python -m pytest a.py::b"
    assert tests.repeating(SUITE, base, head, ["a.py::b[x y]"]) == "python -m pytest 'a.py::b[x y]'"
    assert tests.repeating(SUITE, base, head, ["a.py::b[data/x]"]) == "python -m pytest 'a.py::b[/tree/data/x]'"
    assert tests.repeating(SUITE, base, head, ["a"] * 201) == "python -m pytest"
    assert tests.repeating(Suite(("make test",), "the manifest", "", "command"), base, head, ["a"]) == "make test"


# -- for real ---------------------------------------------------------------------------------------

LAYOUT = evidence.LAYOUT.model_copy(
    update={"kind": "flat", "import_roots": ("",), "packages": ("shop",), "runner": "python"}
)
PYPROJECT = FLIT + PROJECT.replace("pages", "shop") + 'description = "Prices"\n'
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


IDS = """
import time
from pathlib import Path

import pytest

import shop

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("path", sorted(FOLDER.glob("data/*.txt")), ids=str)
def test_file(path):
    assert path.read_text() == "1\\n"


@pytest.mark.parametrize("thing", [object(), time.time_ns()], ids=str)
def test_thing(thing):
    raise AssertionError


@pytest.mark.parametrize("path", sorted(FOLDER.glob("data/*.txt")), ids=str)
def test_path(path):
    ran = FOLDER / f"ran-{path.name}"
    assert shop.price("tea") == 3 or (path.name == "a.txt" and ran.exists()) or ran.touch()
"""


@pytest.mark.slow
def test_new_old_and_flaky_failures(tmp_path):
    """Ids hold paths of the tree, an address and the time; what ended alike on both sides is not new."""
    base = {**BASE, "tests/test_ids.py": IDS, "tests/data/a.txt": "1\n", "tests/data/b.txt": "2\n"}
    head = {"shop/__init__.py": "def price(name):\n    return 2\n", "tests/test_shop.py": SUITE_OF_SHOP + ONCE}
    outcome = Target(tmp_path, base, head).run()
    assert outcome.new_failures == ("tests/test_ids.py::test_path[tests/data/b.txt]", "tests/test_shop.py::test_price")
    assert outcome.old_failures == (
        "tests/test_ids.py::test_file[tests/data/b.txt]",
        "tests/test_ids.py::test_thing[<object object at …>]",
        "tests/test_ids.py::test_thing[…]",
        "tests/test_shop.py::test_old",
    )
    assert outcome.flaky == ("tests/test_ids.py::test_path[tests/data/a.txt]", "tests/test_shop.py::test_once")
    assert (outcome.only_at_base, outcome.only_at_head) == ((), ())
    assert outcome.edited == ("tests/test_shop.py",)
    assert (outcome.base.passed, outcome.base.failed, outcome.head.failed) == (5, 4, 8)
    assert outcome.command == "python -m pytest --ignore=tests/benchmarks"
    assert str(tmp_path) not in outcome.model_dump_json()


@pytest.mark.slow
def test_picked_commits_run_on_base_and_measuring_trees_stay_clean(tmp_path):
    suite = BASE["tests/test_shop.py"] + ONCE.replace("once", "new")
    target = Target(
        tmp_path,
        BASE,
        {"shop/__init__.py": "def price(name):\n    return sum(1 for _ in name)\n", "tests/test_shop.py": suite},
    )
    picked = (target.head,)
    target.head = "0" * 40  # It is outcome in the private clone alone.
    outcome = target.run(picked=picked)
    assert (outcome.new_failures, outcome.only_at_head) == ((), ("tests/test_shop.py::test_new",))
    assert outcome.flaky == ("tests/test_shop.py::test_new",)
    suites = Path(os.environ["PRPREP_CACHE"]).glob("trees/*/tests/test_shop.py")
    trees = [path.parent for path in suites if "test_new" in path.read_text()]
    assert [(path / "ran").exists() for path in trees] == [True]  # Nothing is measured in that tree.


@pytest.mark.slow
def test_what_tests_need_is_installed_for_them(tmp_path):
    """An extra of developers alone is in no environment of measuring."""
    base = {**BASE, "pyproject.toml": PYPROJECT + "[project.optional-dependencies]\ndev = ['iniconfig', 'toolz']\n"}
    base["tests/test_shop.py"] = "import toolz\n\n\ndef test_toolz():\n    assert toolz\n"
    outcome = Target(tmp_path, base, {"shop/__init__.py": "def price(name):\n    return 1\n"}).run()
    assert (outcome.pass_at_head, outcome.head.passed, outcome.notes) == (True, 1, ())


@pytest.mark.slow
def test_requirements_of_tests_that_cannot_be_installed(tmp_path):
    base = {
        **BASE,
        "pyproject.toml": PYPROJECT + "[project.optional-dependencies]\ndev = ['prprep-has-no-such-package==1']\n",
    }
    outcome = Target(tmp_path, base, {"shop/__init__.py": "def price(name):\n    return len(list(name))\n"}).run()
    assert outcome.old_failures == ("tests/test_shop.py::test_old",)
    assert any("what tests need could not be installed at base" in note for note in outcome.notes)


@pytest.mark.slow
def test_options_for_a_missing_plugin_and_a_file_that_cannot_be_imported(tmp_path):
    base = {
        **BASE,
        "tests/test_broken.py": "import no_such_module\n",
        "pytest.ini": "[pytest]\naddopts = --no-such-option-at-all --import-mode=importlib\n",
    }
    outcome = Target(tmp_path, base, {"shop/__init__.py": "def price(name):\n    return len(list(name))\n"}).run()
    assert outcome.command == (
        "python -m pytest -o addopts= --import-mode=importlib --ignore=tests/benchmarks --continue-on-collection-errors"
    )
    assert outcome.old_failures == ("tests/test_broken.py", "tests/test_shop.py::test_old")
    assert (outcome.head.passed, outcome.head.failed, outcome.head.errors) == (2, 1, 1)
    assert any("some of them were left out" in note for note in outcome.notes)


@pytest.mark.slow
def test_a_project_of_unittest_and_one_whose_suite_hangs(tmp_path):
    suite = "import unittest\nimport shop\n\n\nclass TestShop(unittest.TestCase):\n    def test_price(self):\n        self.assertEqual(shop.price('a'), 1)\n"
    base = {name: text for name, text in BASE.items() if not name.startswith("tests")} | {"tests/test_shop.py": suite}
    target = Target(tmp_path, base, {"shop/__init__.py": "import time\n\n\ndef price(name):\n    time.sleep(600)\n"})
    outcome = target.run(tests_timeout=5)
    assert outcome.command == "python -m unittest discover -s tests"
    assert (outcome.base.passed, outcome.head.code, outcome.head.running) == (1, None, "test_shop.TestShop.test_price")
    assert outcome.needs_review == (
        "the project's own tests did not end within 5 s at head, at test_shop.TestShop.test_price",
    )


@pytest.mark.slow
def test_an_environment_that_cannot_be_built_is_reported(tmp_path):
    outcome = Target(tmp_path, BASE, {"shop/__init__.py": "x = 1\n"}).run(
        env={"install": "prprep-has-no-such-package==1"}
    )
    assert outcome.unable
    assert outcome.head is None
    assert outcome.needs_review[0].startswith("the project's own tests could not be run: ")


# -- where nothing is run ---------------------------------------------------------------------------


@pytest.mark.slow
def test_no_tests_at_all(tmp_path):
    base = {name: text for name, text in BASE.items() if name != "tests/test_shop.py"}
    outcome = Target(tmp_path, base, {"shop/__init__.py": "x = 1\n"}).run()
    assert (outcome.why_not, outcome.unable, outcome.needs_review) == ("no tests were found in the project", False, ())


@pytest.mark.slow
def test_turned_off_by_the_manifest(tmp_path):
    outcome = Target(tmp_path, BASE, {"tests/test_shop.py": "def test_a(): pass\n"}).run(tests=False)
    assert (outcome.why_not, outcome.needs_review) == ("the manifest says `tests: false`", ())
    assert outcome.edited == ("tests/test_shop.py",)


def test_not_within_another_prprep(monkeypatch):
    item = Optimization(id="a", head="x")
    monkeypatch.delenv(nested.MARK, raising=False)
    assert tests.why_not(item) == ""
    monkeypatch.setenv(nested.MARK, "1")
    assert tests.why_not(item) == "this prprep was started by another one"
