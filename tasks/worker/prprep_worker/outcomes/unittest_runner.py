"""Do what `python -m unittest ARGUMENTS` does, and note how each test ends.

A program for the target's interpreter; standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import os
import sys
import unittest

from prprep_worker.outcomes.plugin import Notes, claimed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_notes: Notes | None = None


class Result(unittest.TextTestResult):
    """Notes endings beside what unittest prints."""

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's names
        super().startTest(test)
        if _notes:
            _notes.add(started=test.id())

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addSuccess(test)
        _note(test, "passed")

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addError(test, err)
        _note(test, "error")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addFailure(test, err)
        _note(test, "failed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        _note(test, "skipped")

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        _note(test, "skipped")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        _note(test, "failed")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err is not None:
            _note(test, "failed" if issubclass(err[0], test.failureException) else "error")


def _note(test: unittest.TestCase, ending: str) -> None:
    if _notes:
        _notes.add(test=test.id(), ending=ending)


if __name__ == "__main__":
    _notes = claimed()
    sys.path[0] = os.getcwd()  # As `python -m unittest` has it.
    runner = unittest.TextTestRunner(resultclass=Result)
    unittest.main(module=None, argv=["python -m unittest", *sys.argv[1:]], testRunner=runner)
