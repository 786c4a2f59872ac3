"""Find the folder in which a project keeps its benchmark tests."""

import posixpath
import re
from collections import Counter

from ..errors import SourceError
from .files import Project, is_outside
from .pytest_config import TEST_FOLDERS, in_auxiliary_folder, is_test_file, pytest_option, python_files

DEFAULT = "tests/benchmarks"
NAMES = ("benchmarks", "benchmark", "bench", "performance", "perf")
IS_OF_TESTS = re.compile(r"tests?|testing|testsuites?|test_suites?|unittests?|tests?_\w+|\w+_tests?", re.IGNORECASE)
"""Names of folders that hold tests."""
HAS_TESTS = "the folder exists and has test files"


def benchmarks_root(project: Project) -> tuple[str, str]:
    """Return the folder, from the root of the tree, and the reason for it.

    Raise SourceError if `[tool.codeflash] benchmarks-root` is outside the project.
    """
    for find in (_of_codeflash, _of_testpaths, _of_folders, _of_inner_folders, _of_file_names, _below_tests):
        if found := find(project):
            folder, reason = found
            return project.path(folder), reason
    return project.path(DEFAULT), "the usual place; nothing in the project says otherwise"


def _of_codeflash(project: Project) -> tuple[str, str] | None:
    for owner in (project, Project(project.tree)):
        root = owner.tool("codeflash", "benchmarks-root")
        if not isinstance(root, str):
            continue
        file = owner.path("pyproject.toml")
        if is_outside(root) or not root.strip():
            raise SourceError(
                f"[tool.codeflash] benchmarks-root is {root!r}, which is not a folder of the project",
                where=file,
                hint='write it relative to this file, like benchmarks-root = "tests/benchmarks"',
            )
        folder = posixpath.relpath(owner.path(root) or ".", project.folder or ".")
        return folder, f"[tool.codeflash] benchmarks-root in {file}"
    return None


def _of_testpaths(project: Project) -> tuple[str, str] | None:
    path = next((path for path in _testpaths(project) if "bench" in posixpath.basename(path.rstrip("/"))), "")
    return (path, "pytest's testpaths name it") if path else None


def _of_folders(project: Project) -> tuple[str, str] | None:
    """Take a folder with one of NAMES that holds test files; asv's folders hold none."""
    folders = {posixpath.dirname(path) + "/" for path in _test_files(project)}
    for above in (*TEST_FOLDERS, *_testpaths(project), ""):
        for name in NAMES:
            folder = posixpath.join(above, name)
            if any(path.startswith(f"{folder}/") for path in folders):
                return folder, HAS_TESTS
    return None


def _of_inner_folders(project: Project) -> tuple[str, str] | None:
    """Take a folder with one of NAMES among tests that are inside a package."""
    folders = Counter[str]()
    for path in _test_files(project):
        parts = path.split("/")[:-1]
        depth = next((depth for depth, name in enumerate(parts) if name in NAMES), 0)
        folder, above = posixpath.join("", *parts[: depth + 1]), parts[:depth]
        # The last name in a path does not count, and this one is that of an auxiliary folder.
        if any(map(IS_OF_TESTS.fullmatch, above)) and not in_auxiliary_folder(folder):
            folders[folder] += 1
    return (min(folders, key=lambda folder: (-folders[folder], folder)), HAS_TESTS) if folders else None


def _of_file_names(project: Project) -> tuple[str, str] | None:
    benchmarks = [path for path in _test_files(project) if "bench" in posixpath.basename(path)]
    if not benchmarks:
        return None
    folder, count = min(Counter(map(posixpath.dirname, benchmarks)).items(), key=lambda item: (-item[1], item[0]))
    return folder or ".", f"most benchmark files are there ({count} of {len(benchmarks)})"


def _below_tests(project: Project) -> tuple[str, str] | None:
    for path in _testpaths(project):
        if project.has_folder(path):
            return posixpath.join(path, "benchmarks"), f"pytest's testpaths name {path}"
    folder = next(filter(project.has_folder, TEST_FOLDERS), "") or _folder_of_all_tests(project)
    return (f"{folder}/benchmarks", f"the project's tests are in {folder}") if folder not in {"", "tests"} else None


def _folder_of_all_tests(project: Project) -> str:
    """Return the folder of tests inside a package; "" if not all tests are in one."""
    folders = [posixpath.dirname(path) for path in _test_files(project) if not in_auxiliary_folder(path)]
    common = posixpath.commonpath(folders) if folders else ""
    return common if IS_OF_TESTS.fullmatch(posixpath.basename(common)) else ""


def _testpaths(project: Project) -> tuple[str, ...]:
    paths = (posixpath.normpath(path) for path in pytest_option(project, "testpaths") if not set(path) & set("*?[:"))
    return tuple(path for path in paths if not is_outside(path) and path != "." and not path.endswith(".py"))


def _test_files(project: Project) -> list[str]:
    patterns = python_files(project)
    return [path for path in project.files if is_test_file(path, patterns)]
