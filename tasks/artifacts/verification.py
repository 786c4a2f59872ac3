"""Whether the commands of a body confirm what it claims."""

from typing import Self

from ..storage.artifact import Artifact, Record
from .comparison import Interval, Verdict
from .samples import MetricName


class Repeated(Record):
    """A claimed change, and the one measured again; `agrees` if both have one direction and are not negligible."""

    test: str
    metric: MetricName
    verdict: Verdict
    claimed: Interval
    found: Interval | None
    agrees: bool


class RunCommand(Record):
    """A block of the body's commands, its exit code (None if it took too long), and the end of its output.

    `failed` is the command that failed, if any; `untimed` a run of pytest that was to time the benchmark and did not.
    """

    text: str
    code: int | None
    failed: str = ""
    untimed: str = ""
    tail: str = ""

    @property
    def last_line(self) -> str:
        """The last line of its output, "" if it printed nothing."""
        return "".join(self.tail.strip().splitlines()[-1:]).strip()


class Verification(Artifact):
    """A run of the body's commands in a fresh clone with fresh environments.

    `why_not` says why they did not run, and `unable` whether that needs a fix; `comparison` is the digest of the
    comparison whose claim was checked. `platform` is the machine that they ran on, "" if it is the comparison's.
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
    platform: str = ""

    def without_output(self) -> Self:
        """Return it without the output of commands, of which findings quote the last line."""
        findings = self.findings
        for command in self.commands:
            if command.tail:
                findings = tuple(finding.removesuffix(f" ({command.last_line})") for finding in findings)
        commands = tuple(command.model_copy(update={"tail": ""}) for command in self.commands)
        return self.model_copy(update={"commands": commands, "findings": findings})

    @property
    def verified(self) -> bool:
        """Return whether all commands succeeded and confirmed the claim."""
        succeeded = bool(self.commands) and all(each.code == 0 for each in self.commands)
        return succeeded and not (self.why_not or self.findings)

    @property
    def needs_review(self) -> tuple[str, ...]:
        """Return what a person has to review, one sentence each."""
        if self.unable:
            return (f"the commands that the body gives could not be run: {self.why_not}",)
        return self.findings
