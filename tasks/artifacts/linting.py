"""Which rules for benchmarks are broken, and how much of the change a benchmark reaches."""

from ..storage.artifact import Artifact, Record


class LintFinding(Record):
    """A broken rule: its name, the line in the benchmark, the test ("" for the file), and the message."""

    rule: str
    line: int
    test: str
    found: str
    fatal: bool = False


class Reach(Record):
    """How many of the changed statements the benchmark executes at head.

    `share` is the largest inclusive share of time, 0 to 1, of a changed function in a call.
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
    """Whether the benchmark ran; False if it was only read."""
    missing: str = ""
    """What could not be checked, and why."""
