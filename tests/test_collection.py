"""Two processes that share the tests have to find the same ones: their names hold no address and no order of a set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_tests_have_the_same_names_in_every_process():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    found = [
        subprocess.run(
            command,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        for seed in ("1", "2")
    ]
    first, second = ([line for line in each.stdout.splitlines() if "::" in line] for each in found)
    assert len(first) > 4_000
    assert first == second
