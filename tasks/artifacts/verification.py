"""Whether the commands that a body gives its readers come to what the body says."""

from ..storage.artifact import Artifact, Record
from .comparison import Interval, Verdict
from .samples import MetricName


class Repeated(Record):
    """A claimed change, and what the repetition found; `agrees` where it has the same sign beyond what is negligible."""

    test: str
    metric: MetricName
    verdict: Verdict
    claimed: Interval
    found: Interval | None
    agrees: bool


class RunCommand(Record):
    """Commands as the body gives them, their exit code (None where they took too long), and the end of what they printed.

    Where they failed, `failed` is the command that did.
    """

    text: str
    code: int | None
    failed: str = ""
    tail: str = ""


class Verification(Artifact):
    """A run of the body's commands in a fresh clone and with fresh environments.

    `why_not` says why they were not run, and `unable` that it is something to be mended; `comparison` is the digest of the
    comparison whose claim they were held against.
    """

    SCHEMA = 2
    STAGE = "verify"

    item: str
    why_not: str = ""
    unable: bool = False
    commands: tuple[RunCommand, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    findings: tuple[str, ...] = ()
    comparison: str = ""

    @property
    def verified(self) -> bool:
        """Return whether everything ran and came to what is claimed."""
        return (
            bool(self.commands)
            and not self.why_not
            and not self.findings
            and all(each.code == 0 for each in self.commands)
        )

    @property
    def needs_review(self) -> tuple[str, ...]:
        """Return what a person has to look at, one sentence each."""
        if self.unable:
            return (f"the commands that the body gives could not be run: {self.why_not}",)
        return self.findings
