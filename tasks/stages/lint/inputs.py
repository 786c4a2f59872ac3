"""Decide which files are inputs of a benchmark, and which belong to the project that it measures."""

import os
import posixpath
from collections.abc import Collection, Iterable
from pathlib import Path

from ...artifacts import Layout
from ...bench.workers.pytest_options import input_settings
from ...project.files import FolderTree
from ...project.pytest_config import INNER_TEST_FOLDERS

CONFIGURATION = frozenset(
    {"pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "pytest.toml", "conftest.py"}
)
"""Files that every test run reads; they differ for many reasons. `inject` compares the used parts of conftests."""

OF_TESTS = INNER_TEST_FOLDERS | {"benchmarks"}
"""Folders in a package whose files are not measured code."""


def is_input(path: str, layout: Layout) -> bool:
    """Return whether a file of the tree is an input of the benchmark, and no part of the project that is compared."""
    *folders, name = path.split("/")
    if name in CONFIGURATION:
        return False
    if OF_TESTS.intersection(folders):
        return True
    packages = (posixpath.join(root, package) for root in layout.import_roots for package in layout.packages)
    return not any(path == f"{package}.py" or path.startswith(f"{package}/") for package in packages)


def differing(base: Path, head: Path, paths: Iterable[str]) -> frozenset[str]:
    """Return the paths at which two trees have other bytes, or links to other targets."""
    return frozenset(path for path in paths if _state(base, path) != _state(head, path))


def _state(tree: Path, path: str) -> tuple[str, bytes | None]:
    file = tree / path
    return str(file.readlink()) if file.is_symlink() else "", FolderTree(tree).read(path)


def listings(paths: Collection[str], base: Path, head: Path) -> dict[str, str]:
    """Return the folders in which one tree has other names than the other, each with one of these paths."""
    folders: dict[str, str] = {}
    for path in sorted(paths):
        folder, name = posixpath.split(path)
        while not all((tree / folder).is_dir() for tree in (base, head)):
            folder, name = posixpath.split(folder)
        if any(not os.path.lexists(tree / folder / name) for tree in (base, head)):
            folders.setdefault(folder, path)
    return folders


def differing_settings(base: Path, head: Path, benchmark: str) -> list[str]:
    """Return the settings for pytest that two trees have different values for, and that may be inputs."""
    ours, theirs = (input_settings(tree, tree / benchmark) for tree in (base, head))
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
