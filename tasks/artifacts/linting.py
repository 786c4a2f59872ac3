"""What breaks the rules for benchmarks, and what a benchmark reaches."""

from ..storage.artifact import Artifact, Record


class LintFinding(Record):
    """What breaks a rule: the rule's name, the line in the benchmark, the test ("" for the file), and what was found."""

    rule: str
    line: int
    test: str
    found: str
    fatal: bool = False


class Reach(Record):
    """How many of the statements that changed at head the benchmark's calls execute, and the share of time of their functions.

    `share` is the greatest inclusive one that a changed function has in a call.
    """

    statements: int
    executed: int
    share: float


class Linting(Artifact):
    SCHEMA = 1
    STAGE = "lint"

    item: str
    path: str
    findings: tuple[LintFinding, ...] = ()
    reach: Reach | None = None
    ran: bool = False
    """Whether the benchmark was run, and not only read."""
