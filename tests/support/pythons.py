"""Environments of the Pythons that are on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.environments.interpreters import choose
from tasks.errors import EnvironmentBuildError
from tests.support.projects import PROJECT, project


def interpreter(folder: Path, version: str) -> Path:
    """Return a Python of this machine; skip the test if it has none of that version."""
    try:
        return choose(project(folder / "project", {"pyproject.toml": PROJECT}), version, cwd=folder)[0].path
    except EnvironmentBuildError:
        pytest.skip(f"Python {version} is not on this machine")


def environment(folder: Path, version: str, *packages: str) -> Path:
    """Make an environment with `packages`, and return its interpreter; skip the test if there is no such Python."""
    python = folder / "environment" / "bin" / "python"
    for words in (
        ("venv", "--python", interpreter(folder, version), python.parents[1]),
        ("pip", "install", "--python", python, *packages),
    ):
        subprocess.run([sys.executable, "-m", "uv", *map(str, words)], check=True, capture_output=True)
    return python
