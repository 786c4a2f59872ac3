"""How the project's own tests ended at base and at head."""

from __future__ import annotations

from typing import Literal

from ..store import Artifact, Record

Ending = Literal["passed", "failed", "error", "skipped"]


class SideRun(Record):
    """One run of the tests: its exit code, how many tests ended how, and the end of what it printed where it did not go well."""

    code: int
    passed: int
    failed: int
    errors: int
    skipped: int
    tail: str = ""


class EndingDifference(Record):
    """A test that did not end the same on both sides; None where it was not there."""

    test: str
    base: Ending | None
    head: Ending | None


class ProjectTests(Artifact):
    """The two runs, test by test.

    `command` is what was run, `found` where it was found; `why_not` says why nothing was run. `old_failures` failed on both
    sides, `new_failures` at head alone; `edited` are the test files that the optimization itself changes.
    """

    SCHEMA = 1

    item: str
    command: str = ""
    found: str = ""
    why_not: str = ""
    base: SideRun | None = None
    head: SideRun | None = None
    old_failures: tuple[str, ...] = ()
    new_failures: tuple[str, ...] = ()
    differences: tuple[EndingDifference, ...] = ()
    edited: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def pass_at_head(self) -> bool:
        """Tell whether tests ran at head, and all that ran passed."""
        return self.head is not None and self.head.code == 0 and self.head.passed > 0 and not self.head.failed + self.head.errors
