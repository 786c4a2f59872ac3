"""Environments of the Pythons that are on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tasks.environments.interpreters import choose
from tasks.errors import EnvironmentBuildError
from tests.support.projects import PROJECT, project
from tests.support.runs import CHECKOUT


def interpreter(folder: Path, version: str) -> Path:
    """Return a Python of this machine; skip the test if it has none of that version."""
    try:
        return choose(project(folder / "project", {"pyproject.toml": PROJECT}), version, cwd=folder)[0].path
    except EnvironmentBuildError:
        pytest.skip(f"Python {version} is not on this machine")


@cache
def measuring_python() -> Path:
    """Return our Python with what measuring needs; each process would load the plugins that our own tests need."""
    packages = ("pytest", "pytest-benchmark", "memray", "attrs", "numpy")
    return environment(".".join(map(str, sys.version_info[:3])), *packages, "-c", str(CHECKOUT / "constraints.txt"))


def pytest_for(version: str) -> str:
    """Return which pytest to install for a Python: for an old one, an old one, as projects of its time pin it."""
    return "pytest==5.4.3" if version == "3.9" else "pytest"


@cache
def environment(version: str, *packages: str) -> Path:
    """Make an environment with `packages` that all tests share, and return its Python; skip without this version."""
    folder = Path(tempfile.mkdtemp(dir=Path(os.environ["PRPREP_CACHE"]).parent))
    python = folder / "environment" / "bin" / "python"
    for words in (
        ("venv", "--python", interpreter(folder, version), python.parents[1]),
        ("pip", "install", "--python", python, *packages),
    ):
        subprocess.run([sys.executable, "-m", "uv", *map(str, words)], check=True, capture_output=True)
    return python
