"""Pytest's options: the target's own configuration, without what disturbs measuring."""

import itertools
import shlex

import pytest

from tasks.bench.workers.pytest_options import (
    SWITCHED_OFF,
    find_configuration,
    left_out,
    options,
    options_of_drive,
    replacement,
    warning_filters,
    without_disturbing,
    without_plugins,
)
from tests.support.pairs import write


@pytest.mark.parametrize(
    ("addopts", "rest"),
    [
        ("-n 4 --cov=project -q --benchmark-disable", []),
        ("--import-mode=importlib --strict-markers", ["--import-mode=importlib"]),
        ("--import-mode importlib -ra", ["--import-mode", "importlib"]),
        (
            "tests --size=3000 --dataset large --cov src --cov-report term -m slow",
            ["--size=3000", "--dataset", "large"],
        ),
        ("--benchmark-disable --timeout 10 --reruns=2 --required x y", ["--required", "x", "y"]),
        ("--asyncio-mode=auto --ds=site.settings", ["--asyncio-mode=auto", "--ds=site.settings"]),
        ("-p project.fixtures -pproject.more", ["-p", "project.fixtures", "-pproject.more"]),
        ("-p no:benchmark -p xdist -p randomly --maxschedchunk 1 --px popen", []),
        (
            "-W error -o log_cli=true -o addopts=-n4 --override-ini=required_plugins=xdist",
            ["-W", "error", "-o", "log_cli=true"],
        ),
        ("--offset -3 --step -.5 -q", ["--offset", "-3", "--step", "-.5"]),
        ("-p", []),
    ],
)
def test_options_that_disturb_are_left_out(addopts, rest):
    assert list(without_disturbing(tuple(addopts.split()))) == rest


@pytest.mark.parametrize(
    ("addopts", "arguments", "rest"),
    [
        ("-n 2 -q", "tests/test_a.py -k total", "-q OWN tests/test_a.py -k total"),
        ("", "-n4 -nauto --dist loadfile tests -x -m fast", "OWN tests -x -m fast"),
        ("", "tests --cov pkg --cov-report=xml --cov-append tests/a", "OWN tests tests/a"),
        (
            "-m 'not slow' --size=3 --timeout=9",
            "-p xdist -pno:cov -p mine tests",
            "-m 'not slow' --size=3 OWN -p no:cov -p mine tests",
        ),
        (
            "",
            "--benchmark-only --benchmark-min-rounds 3 --doctest-modules src -c other.ini",
            "OWN --doctest-modules src -c other.ini",
        ),
        (
            "--maxschedchunk 1",
            "--randomly-dont-reorganize tests/a --ruff-format tests/b --px popen --maxschedchunk=2",
            "OWN tests/a tests/b",
        ),
        ("--reruns 2 --numprocesses=3 --offset -3", "-p", "--offset -3 OWN -p ''"),
    ],
)
def test_a_run_of_the_users_own_keeps_what_chooses_tests(tmp_path, addopts, arguments, rest):
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = {addopts}\n")
    found = options_of_drive(tmp_path, tmp_path, shlex.split(arguments), ("OWN",))
    first = found.index("-W", 2 * len(SWITCHED_OFF)) + 4
    assert found[:2] == ("-o", "addopts=")
    assert {("-p", f"no:{name}") for name in SWITCHED_OFF} <= set(itertools.pairwise(found[:first]))
    assert list(found[first:]) == shlex.split(rest)


def test_options_of_missing_plugins():
    assert without_plugins(("--import-mode=importlib", "--size", "3", "-W", "error", "-q")) == (
        *("--import-mode=importlib", "-W", "error"),
    )


def test_what_is_left_out_is_known(tmp_path):
    write(tmp_path, {"pytest.ini": "[pytest]\naddopts = --size 'a b' --cov src -q\n", "tests/test_x.py": ""})
    assert left_out(tmp_path, "tests/test_x.py::test_a") == ("--cov src", "-q")
    assert replacement(tmp_path, "tests/test_x.py") == "--size 'a b'"
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --size=1\n")
    assert (left_out(tmp_path, "tests/test_x.py"), replacement(tmp_path, "tests/test_x.py")) == ((), None)


@pytest.mark.parametrize(
    ("files", "name", "addopts"),
    [
        ({"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-n 2 -q"\n'}, "pyproject.toml", ("-n", "2", "-q")),
        ({"pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-n", "2"]\n'}, "pyproject.toml", ("-n", "2")),
        ({"pyproject.toml": '[tool.pytest]\naddopts = ["-n", "2"]\n'}, "pyproject.toml", ("-n", "2")),
        ({"pytest.toml": '[pytest]\naddopts = ["-q"]\n'}, "pytest.toml", ("-q",)),
        ({"pytest.ini": ""}, "pytest.ini", ()),
        (
            {
                "pytest.ini": "[pytest]\naddopts =\n    -q\n    -p 'a b'\n",
                "pyproject.toml": "[tool.pytest.ini_options]\n",
            },
            "pytest.ini",
            ("-q", "-p", "a b"),
        ),
        ({"tox.ini": "[tox]\n", "setup.cfg": "[tool:pytest]\naddopts = --cov=a%b\n"}, "setup.cfg", ("--cov=a%b",)),
        ({"tox.ini": "[pytest]\n", "pyproject.toml": "[project]\n"}, "tox.ini", ()),
        ({"pyproject.toml": "[project]\n", "setup.cfg": "[metadata]\n"}, None, ()),
        ({"pyproject.toml": "broken", "setup.cfg": "broken"}, None, ()),
        ({"pytest.ini": "", "sub/pytest.ini": "[pytest]\naddopts = -v\n"}, "sub/pytest.ini", ("-v",)),
    ],
)
def test_the_configuration_is_the_one_that_pytest_finds(tmp_path, files, name, addopts):
    write(tmp_path / "tree", files)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --outside\n")
    file, arguments = find_configuration(tmp_path / "tree", tmp_path / "tree/sub/tests/test_x.py")
    assert (file and file.relative_to(tmp_path / "tree").as_posix(), arguments) == (name, addopts)


@pytest.mark.parametrize(
    ("files", "filters"),
    [
        (
            {
                "pyproject.toml": '[tool.pytest.ini_options]\nfilterwarnings = ["error", "ignore:.*old:DeprecationWarning"]\n'
            },
            ["error", "ignore:.*old:DeprecationWarning"],
        ),
        (
            {
                "pyproject.toml": '[tool.pytest.ini_options]\nfilterwarnings = """\n  error\n  ignore::UserWarning\n"""\n'
            },
            ["error", "ignore::UserWarning"],
        ),
        ({"pytest.toml": '[pytest]\nfilterwarnings = ["error"]\n'}, ["error"]),
        (
            {"pytest.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore:100%:UserWarning\n"},
            ["error", "ignore:100%:UserWarning"],
        ),
        ({"setup.cfg": "[tool:pytest]\nfilterwarnings = error\n"}, ["error"]),
        (
            {"tox.ini": "[pytest]\naddopts = -q -W error -Wignore::UserWarning --pythonwarnings=once -p x\n"},
            ["-W error", "-W ignore::UserWarning", "-W once"],
        ),
        ({"tox.ini": "[pytest]\naddopts = -W default\nfilterwarnings = error\n"}, ["error", "-W default"]),
        ({"pytest.ini": "", "pyproject.toml": '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n'}, []),
        ({"pyproject.toml": "broken"}, []),
        ({}, []),
    ],
)
def test_warning_filters_are_those_of_pytest_in_its_order(tmp_path, files, filters):
    write(tmp_path / "tree", files)
    applied = warning_filters(tmp_path / "tree", tmp_path / "tree/tests/test_x.py")
    assert [f"-W {text}" if is_option else text for text, is_option in applied] == filters


def test_a_single_test_can_be_named(tmp_path):
    assert options(tmp_path, "tests/test_x.py::test_one[a::b]")[0] == f"{tmp_path}/tests/test_x.py::test_one[a::b]"
