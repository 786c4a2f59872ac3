"""Decide which files are inputs of a benchmark, and which belong to the project that it measures."""

from __future__ import annotations

import posixpath

from ...artifacts import Layout

CONFIGURATION = frozenset(
    {"pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "pytest.toml", "conftest.py", "__init__.py"}
)
"""What tests read anyway: it differs for many reasons. Of conftests `inject` compares what the benchmark uses."""

OF_TESTS = frozenset({"tests", "test", "benchmarks"})
"""Folders in a package that are no part of what is measured."""


def is_input(path: str, layout: Layout) -> bool:
    """Return whether a file of the tree is an input of the benchmark, and no part of the project that is compared."""
    *folders, name = path.split("/")
    if name in CONFIGURATION:
        return False
    if OF_TESTS.intersection(folders):
        return True
    packages = (posixpath.join(root, package) for root in layout.import_roots for package in layout.packages)
    return not any(path == f"{package}.py" or path.startswith(f"{package}/") for package in packages)
