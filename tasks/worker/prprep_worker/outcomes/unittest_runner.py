"""Do what `python -m unittest ARGUMENTS` does, and note the outcome of each test (run as a program)."""

from __future__ import annotations

import os
import sys
import unittest
from typing import Any

from prprep_worker.outcomes.plugin import Notes, claim_notes

_notes: Notes | None = None


class Result(unittest.TextTestResult):
    """Notes outcomes besides printing them."""

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's names
        super().startTest(test)
        if _notes:
            _notes.add(started=test.id())

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err is not None:
            _note(test, "failed" if issubclass(err[0], test.failureException) else "error")


def _note(test: unittest.TestCase, outcome: str) -> None:
    if _notes:
        _notes.add(test=test.id(), ending=outcome)


def _noting(name: str, outcome: str) -> Any:
    original = getattr(unittest.TextTestResult, name)

    def method(self: Result, test: unittest.TestCase, *details: Any) -> None:
        original(self, test, *details)
        _note(test, outcome)

    return method


for _name, _outcome in (
    ("addSuccess", "passed"),
    ("addError", "error"),
    ("addFailure", "failed"),
    ("addSkip", "skipped"),
    ("addExpectedFailure", "skipped"),
    ("addUnexpectedSuccess", "failed"),
):
    setattr(Result, _name, _noting(_name, _outcome))


if __name__ == "__main__":
    _notes = claim_notes()
    sys.path[0] = os.getcwd()  # as `python -m unittest` has it
    runner = unittest.TextTestRunner(resultclass=Result)
    unittest.main(module=None, argv=["python -m unittest", *sys.argv[1:]], testRunner=runner)
