"""Read a project's pytest configuration, and which files are tests by it."""

import posixpath
import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

from .files import AUXILIARY_FOLDERS, Project, lookup, strings

PYTHON_FILES = ("test_*.py", "*_test.py")
"""pytest's default for `python_files`."""
UNITTEST_FILES = ("test*.py",)
TEST_FOLDERS = ("tests", "test", "testing")
INNER_TEST_FOLDERS = frozenset({"tests", "test", "testsuite", "testsuites", "unittests", "unit_tests"})
"""Names of folders that hold tests wherever they are; further down, `testing` is a package of the project."""


def pytest_option(project: Project, name: str) -> tuple[str, ...]:
    """Return a list option from the first of pytest's configuration files that sets it."""
    return strings(_pytest_setting(project, name))


def pytest_lines(project: Project, name: str) -> tuple[str, ...]:
    """Return an option whose entries are lines from the first of pytest's configuration files that sets it."""
    value = _pytest_setting(project, name)
    lines = value.splitlines() if isinstance(value, str) else strings(value)
    return tuple(line.strip() for line in lines if line.strip())


def pytest_arguments(project: Project) -> tuple[str, ...]:
    """Return the arguments in `addopts`; none if a quotation is not closed, for which pytest refuses to start."""
    value = _pytest_setting(project, "addopts")
    if isinstance(value, list):
        return tuple(map(str, value))
    try:
        return tuple(shlex.split(str(value)))
    except ValueError:
        return ()


def _pytest_setting(project: Project, name: str) -> object:
    return (
        lookup(project.toml("pytest.toml"), "pytest", name)
        or project.ini("pytest.ini").get("pytest", name, fallback="")
        or project.tool("pytest", name)
        or project.tool("pytest", "ini_options", name)
        or project.ini("tox.ini").get("pytest", name, fallback="")
        or project.setup_cfg.get("tool:pytest", name, fallback="")
    )


def python_files(project: Project) -> tuple[str, ...]:
    """Return the patterns of the files that pytest collects in a project."""
    return pytest_option(project, "python_files") or PYTHON_FILES


def is_test_file(path: str, patterns: Sequence[str] = PYTHON_FILES) -> bool:
    """Return whether pytest collects a file with these `python_files`, matched as pytest matches them."""
    name = posixpath.basename(path)
    return name.endswith(".py") and any(
        fnmatchcase(f"/{path}", f"*/{pattern}") if "/" in pattern else fnmatchcase(name, pattern)
        for pattern in patterns
    )


def is_test_code(path: str) -> bool:
    """Return whether a file is a test or serves tests: a test file, a conftest.py, or any file in a folder of tests."""
    *folders, name = path.split("/")
    in_folder = not INNER_TEST_FOLDERS.isdisjoint(folders) or folders[:1] == ["testing"]
    return in_folder or name == "conftest.py" or is_test_file(path)


def in_auxiliary_folder(path: str) -> bool:
    """Return whether a file lies in a folder such as docs, examples or vendor, whose tests are not the project's."""
    return not (AUXILIARY_FOLDERS - set(TEST_FOLDERS)).isdisjoint(path.split("/")[:-1])
