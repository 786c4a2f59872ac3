"""Two processes that share the tests have to find the same ones: their names hold no address and no order of a set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_tests_have_the_same_names_in_every_process(request):
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line for line in collected.stdout.splitlines() if "::" in line]
    assert len(names) > 4_000
    here = {item.nodeid for item in request.session.items}
    assert [name for name in names if name in here] == [item.nodeid for item in request.session.items]
