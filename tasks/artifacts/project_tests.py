"""How the project's own tests ended at base and at head."""

from typing import Literal, Self

from ..storage.artifact import Artifact, Record
from ..text.messages import enumeration

Ending = Literal["passed", "failed", "error", "skipped"]


class SideRun(Record):
    """One run of the tests: exit code, counts, and if it failed, the end of its output.

    The exit code is None if the run took too long and was stopped, during the test `running`.
    """

    code: int | None
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    running: str = ""
    tail: str = ""

    @property
    def went_well(self) -> bool:
        return self.code == 0 and not self.failed + self.errors


class EndingDifference(Record):
    """A test that ended differently on the two sides; None if it does not exist there."""

    test: str
    base: Ending | None
    head: Ending | None


class ProjectTests(Artifact):
    """The two runs, test by test.

    `found` says where `command` comes from; `why_not` why nothing ran, and `unable` whether that needs a fix.
    `by_test` is False if only the exit code is known. `old_failures` failed on both sides, `new_failures` only at
    head, twice; `flaky` failed at head and then passed; `edited` are the test files that the optimization changes;
    `seconds` is the time limit.
    """

    SCHEMA = 2
    STAGE = "tests"

    item: str
    command: str = ""
    found: str = ""
    why_not: str = ""
    unable: bool = False
    by_test: bool = True
    seconds: float = 0.0
    base: SideRun | None = None
    head: SideRun | None = None
    old_failures: tuple[str, ...] = ()
    new_failures: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    differences: tuple[EndingDifference, ...] = ()
    edited: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def without_output(self) -> Self:
        base, head = (run and run.model_copy(update={"tail": ""}) for run in (self.base, self.head))
        return self.model_copy(update={"base": base, "head": head})

    @property
    def pass_at_head(self) -> bool:
        """Return whether tests ran at head and none failed."""
        return self.head is not None and self.head.went_well and self.head.passed > 0

    @property
    def fixed(self) -> tuple[str, ...]:
        failed = (each for each in self.differences if each.base in {"failed", "error"})
        return tuple(each.test for each in failed if each.head == "passed")

    @property
    def only_at_base(self) -> tuple[str, ...]:
        return tuple(each.test for each in self.differences if each.head is None)

    @property
    def only_at_head(self) -> tuple[str, ...]:
        return tuple(each.test for each in self.differences if each.base is None)

    @property
    def needs_review(self) -> tuple[str, ...]:
        """Return what a person has to review, one sentence each."""
        if self.why_not:
            return (f"the project's own tests could not be run: {self.why_not}",) if self.unable else ()
        base, head, reasons = self.base, self.head, []
        if self.new_failures:
            reasons.append(f"{_fail(self.new_failures)} at head and not at base: {enumeration(self.new_failures, 3)}")
        if head and head.code is None:
            at = f", at {head.running}" if head.running else ""
            reasons.append(f"the project's own tests did not end within {self.seconds:g} s at head{at}")
        elif head and base and base.went_well and not (head.went_well or self.new_failures or self.flaky):
            reasons.append(f"`{self.command}` ended with exit code {head.code} at head, with {base.code} at base")
        if self.flaky:
            reasons.append(f"{_fail(self.flaky)} at head, then passed when run once more: {enumeration(self.flaky, 3)}")
        return tuple(reasons)


def _fail(tests: tuple[str, ...]) -> str:
    return "1 test fails" if len(tests) == 1 else f"{len(tests)} tests fail"
