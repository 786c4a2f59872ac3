"""Note the outcome of each test of a pytest run, one JSON line as it ends: nothing is lost if the run hangs or dies.

A pytest plugin, loaded by PYTEST_PLUGINS.
"""

from __future__ import annotations

import json
import os
from typing import Any

FILE = "PRPREP_TESTS"


class Notes:
    """The file of notes; several processes, one after the other, may add to it."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, **note: str) -> None:
        os.write(self._descriptor, (json.dumps(note) + "\n").encode())


def claim_notes() -> Notes | None:
    """Return the notes on the first call only: tests that run pytest or unittest themselves must not add theirs."""
    os.environ.pop("PYTEST_PLUGINS", None)
    path = os.environ.pop(FILE, None)
    return Notes(path) if path else None


class OutcomeRecorder:
    """Gets the reports of all tests; with pytest-xdist, those of the workers too."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._notes.add(started=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        outcome = report.outcome
        if report.when != "call" and outcome == "passed":
            return
        if report.when != "call" and outcome == "failed":
            outcome = "error"
        if outcome in ("passed", "failed", "error", "skipped"):  # plugins have others: `rerun`, for example
            self._notes.add(test=report.nodeid, ending=outcome)

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed":
            self._notes.add(test=report.nodeid or ".", ending="error")


def pytest_configure(config: Any) -> None:
    notes = claim_notes()
    if notes:
        config.pluginmanager.register(OutcomeRecorder(notes), "prprep-recorder-of-tests")
