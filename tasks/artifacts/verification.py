"""Whether the commands that a body gives its readers come to what the body says."""

from __future__ import annotations

from ..store import Artifact, Record
from .comparison import Interval  # noqa: TC001 - pydantic reads the annotations
from .samples import MetricName  # noqa: TC001 - likewise


class Repeated(Record):
    """A claimed change, and what the repetition found; `agrees` where it has the same sign beyond what is negligible."""

    test: str
    metric: MetricName
    claimed: Interval
    found: Interval | None
    agrees: bool


class RunCommand(Record):
    """A command as the body gives it, its exit code, and the end of what it printed where it failed."""

    text: str
    code: int
    tail: str = ""


class Verification(Artifact):
    """A run of the body's commands in a fresh clone and with fresh environments.

    `why_not` says why they were not run; `comparison` is the digest of the comparison whose claim they were held against.
    """

    SCHEMA = 1

    item: str
    why_not: str = ""
    commands: tuple[RunCommand, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    findings: tuple[str, ...] = ()
    comparison: str = ""

    @property
    def verified(self) -> bool:
        """Tell whether everything ran and came to what is claimed."""
        return bool(self.commands) and not self.why_not and not self.findings and all(each.code == 0 for each in self.commands)
