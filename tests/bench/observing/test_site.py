from __future__ import annotations

from pathlib import Path

import pytest

from tasks.bench.observing.site import RecordingSite, ending_of
from tasks.bench.request import SideRequest
from tasks.processes.programs import CompletedProgram

USAGE = "usage: pytest [options]\n__main__.py: error: unrecognized arguments: --strange\n  rootdir: /tree\n"


@pytest.mark.parametrize(
    ("output", "error", "shown"),
    [
        ("E   ValueError: no rows\n", "", " (ValueError: no rows)"),
        ("", "Traceback ...\nImportError: /tree/conftest.py is broken\n", " (ImportError: conftest.py is broken)"),
        ("", USAGE, " (unrecognized arguments: --strange)"),
        ("1 passed\n", "", ""),
    ],
)
def test_a_failed_run_is_described_by_its_error(output, error, shown):
    site = RecordingSite(SideRequest(Path("/tree"), Path("python"), ()), "", 2)
    assert ending_of(CompletedProgram(("pytest",), 4, output.encode(), error), site) == f"ended with exit code 4{shown}"
