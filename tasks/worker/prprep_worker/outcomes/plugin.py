"""Note how each test of a pytest run ends, one line of JSON each, as they end: a run that hangs or dies has told what came before.

A pytest plugin for the target's interpreter, loaded by PYTEST_PLUGINS; standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "PRPREP_TESTS"


class Notes:
    """The file that takes the notes; several processes, one after the other, may add to it."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, **note: str) -> None:
        os.write(self._descriptor, (json.dumps(note) + "\n").encode())


def claimed() -> Notes | None:
    """Return the notes to the first who asks: tests that run pytest or unittest themselves must not add theirs."""
    os.environ.pop("PYTEST_PLUGINS", None)
    path = os.environ.pop(FILE, None)
    return Notes(path) if path else None


class Recorder:
    """Hears of every test; with pytest-xdist it sits in the process that leads the others."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._notes.add(started=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        ending = report.outcome
        if report.when != "call" and ending == "passed":
            return
        if report.when != "call" and ending == "failed":
            ending = "error"
        if ending in ("passed", "failed", "error", "skipped"):  # Others are those of plugins: `rerun`, say.
            self._notes.add(test=report.nodeid, ending=ending)

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed":
            self._notes.add(test=report.nodeid or ".", ending="error")


def pytest_configure(config: Any) -> None:
    notes = claimed()
    if notes:
        config.pluginmanager.register(Recorder(notes), "prprep-recorder-of-tests")
