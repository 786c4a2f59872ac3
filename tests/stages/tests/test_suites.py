"""How a project's own tests are run, and what they need: from literal files."""

from __future__ import annotations

import pytest

from tasks.manifest.model import EnvironmentSettings
from tasks.project.files import Project
from tasks.stages.tests.suites import edited_tests, settings_for_tests, suite_of
from tests.support.projects import POETRY, PROJECT, Files

PYTEST = "import pytest\n\n\ndef test_a():\n    pass\n"
UNITTEST = "import unittest\n\n\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        pass\n"
ROOT = "tests/benchmarks"


def suite(files: dict[str, str], folder: str = "", command: str | None = None, root: str = ROOT):
    return suite_of(Files(files), folder, benchmarks_root=root, command=command)


@pytest.mark.parametrize(
    ("files", "command", "found"),
    [
        ({"tests/test_a.py": PYTEST}, "python -m pytest", "tests/test_a.py"),
        ({"tests/test_a.py": "def test_a(): pass"}, "python -m pytest", "tests/test_a.py"),
        ({"tests/test_a.py": "class TestA:\n    def test_a(self): pass"}, "python -m pytest", "tests/test_a.py"),
        ({"tests/test_a.py": "no Python"}, "python -m pytest", "nothing in the project names another runner"),
        ({"tests/test_a.py": UNITTEST, "conftest.py": ""}, "python -m pytest", "conftest.py"),
        ({"tests/test_a.py": UNITTEST, "pytest.ini": "[pytest]"}, "python -m pytest", "pytest.ini"),
        ({"tests/test_a.py": UNITTEST, "tox.ini": "[pytest]"}, "python -m pytest", "the configuration of pytest"),
        (
            {"tests/test_a.py": UNITTEST, "pyproject.toml": "[tool.pytest.ini_options]"},
            "python -m pytest",
            "[tool.pytest] of pyproject.toml",
        ),
        (
            {"tests/test_a.py": PYTEST, f"{ROOT}/test_b.py": PYTEST},
            f"python -m pytest --ignore={ROOT}",
            "tests/test_a.py",
        ),
    ],
)
def test_pytest_is_found_without_the_benchmarks(files, command, found):
    result = suite(files)
    assert (result.kind, result.commands[0], result.source) == ("pytest", command, found)


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"test_a.py": UNITTEST}, "python -m unittest discover"),
        ({"tests/test_a.py": UNITTEST}, "python -m unittest discover -s tests"),
        ({"tests/test_a.py": UNITTEST, "tests/__init__.py": ""}, "python -m unittest discover -s tests -t ."),
        ({"a/tests/test_a.py": UNITTEST, "a/b/tests/test_b.py": UNITTEST}, "python -m unittest discover -s a"),
        ({"tests/a_test.py": UNITTEST}, "python -m unittest discover -s tests -p '*_test.py'"),
    ],
)
def test_unittest_if_nothing_names_pytest(files, command):
    result = suite(files)
    assert (result.kind, result.commands) == ("unittest", (command,))


def test_the_second_command_leaves_out_options_that_need_plugins():
    result = suite(
        {"tests/test_a.py": PYTEST, "pytest.ini": "[pytest]\naddopts = --cov=x -n auto --import-mode=importlib"}
    )
    assert result.commands == ("python -m pytest", "python -m pytest -o addopts= --import-mode=importlib")


def test_required_options_of_a_conftest_stay_if_plugins_are_missing():
    result = suite({"tests/test_a.py": PYTEST, "pytest.toml": "[pytest]\naddopts = ['--size=4', '-n', '2']\n"})
    assert result.commands == (
        "python -m pytest",
        "python -m pytest -o addopts= --size=4",
        "python -m pytest -o addopts=",
    )


def test_benchmarks_among_the_tests_run_once_as_tests():
    assert suite({"tests/test_a.py": PYTEST}, root="tests").commands == ("python -m pytest --benchmark-disable",)
    files = {"tests/test_a.py": PYTEST, "page/test/bench/test_b.py": "def test_b(benchmark): pass\n"}
    assert suite(files).commands == ("python -m pytest --benchmark-disable",)
    files = {**files, f"{ROOT}/test_c.py": PYTEST}
    assert suite(files).commands == (f"python -m pytest --ignore={ROOT} --benchmark-disable",)


def test_the_manifests_command_wins():
    assert suite({}, command="make test").commands == ("make test",)
    assert suite({}, command="make test").kind == "command"


def test_a_project_without_tests():
    assert suite({f"{ROOT}/test_a.py": PYTEST}) is None
    assert suite({"src/a.py": "", "docs/test_x.py": PYTEST, "vendor/test_y.py": PYTEST}) is None


def test_a_project_in_a_folder_of_the_repository():
    files = {"server/tests/test_a.py": PYTEST, "server/pyproject.toml": PROJECT, "client/tests/test_b.py": PYTEST}
    assert suite(files, "server").folder == "server"
    assert suite(files, "other").folder == ""


def test_edited_tests():
    changed = (
        "src/a.py",
        "tests/test_a.py",
        "tests/data/a.json",
        "a_test.py",
        "conftest.py",
        f"{ROOT}/test_b.py",
        "docs/index.md",
    )
    assert edited_tests(changed, ROOT) == ("tests/test_a.py", "tests/data/a.json", "a_test.py", "conftest.py")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": PROJECT + "[dependency-groups]\ndev = ['a']\nlint = ['b']\n"}, {"groups": ("dev",)}),
        ({"pyproject.toml": PROJECT + "[dependency-groups]\ndev = ['a']\ntest = ['b']\n"}, {}),
        ({"pyproject.toml": PROJECT + "[project.optional-dependencies]\ndev = ['a']\n"}, {"extras": ("dev",)}),
        (
            {
                "pyproject.toml": POETRY
                + "[tool.poetry]\nname = 'a'\nversion = '1'\n[tool.poetry.group.dev.dependencies]\na = '^1'\n"
            },
            {"groups": ("dev",)},
        ),
        (
            {
                "pyproject.toml": PROJECT,
                "tox.ini": "[testenv]\ndeps =\n  a>=1  # why\n  -r{toxinidir}/reqs/t.txt\n  py39: b\n  -c x.txt\n  {[base]deps}\n  .\n",
                "reqs/t.txt": "c\n-r u.txt\n--index-url x\n",
                "reqs/u.txt": "d ; python_version > '3'\n-r t.txt\n",
            },
            {"install": ("a>=1", "c", "d ; python_version > '3'")},
        ),
        (
            {
                "pyproject.toml": PROJECT + "[project.optional-dependencies]\nfast = ['a']\n",
                "tox.ini": "[testenv]\nextras = fast\n",
            },
            {"extras": ("fast",)},
        ),
        ({"pyproject.toml": PROJECT, "tox.toml": "[env_run_base]\ndeps = ['a']\n"}, {"install": ("a",)}),
        (
            {"pyproject.toml": PROJECT + "[tool.hatch.envs.hatch-test]\nextra-dependencies = ['a']\n"},
            {"install": ("a",)},
        ),
        ({"pyproject.toml": PROJECT}, {}),
    ],
)
def test_what_tests_need_besides_the_project(files, expected):
    assert (
        settings_for_tests(Project(Files(files)), EnvironmentSettings()).model_dump(exclude_defaults=True) == expected
    )


def test_the_manifests_environment_settings_stay():
    files = {
        "pyproject.toml": PROJECT + "[project.optional-dependencies]\ndev = ['a']\nall = ['b']\n",
        "tox.ini": "[testenv]\ndeps = a\n",
    }
    settings = EnvironmentSettings(extras=("all",), install=("b",), python="3.12")
    result = settings_for_tests(Project(Files(files)), settings)
    assert (result.extras, result.install, result.python) == (("all", "dev"), ("b", "a"), "3.12")
