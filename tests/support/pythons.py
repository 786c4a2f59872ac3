"""Environments of the Pythons that are on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.environments.interpreters import choose
from tasks.errors import EnvironmentBuildError
from tests.support.projects import PROJECT, project


def environment(folder: Path, version: str, *packages: str) -> Path:
    """Make an environment with `packages`, and give its interpreter; skip the test where there is no such Python."""
    try:
        interpreter, _ = choose(project(folder / "project", {"pyproject.toml": PROJECT}), version, cwd=folder)
    except EnvironmentBuildError:
        pytest.skip(f"Python {version} is not on this machine")
    python = folder / "environment" / "bin" / "python"
    for words in (
        ("venv", "--python", interpreter.path, python.parents[1]),
        ("pip", "install", "--python", python, *packages),
    ):
        subprocess.run([sys.executable, "-m", "uv", *map(str, words)], check=True, capture_output=True)
    return python
