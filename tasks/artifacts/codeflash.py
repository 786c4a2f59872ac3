"""What `codeflash compare` reported about the two trees."""

from typing import Literal, Self

from ..storage.artifact import Artifact, Record


class CodeflashFigure(Record):
    """One figure of codeflash's tables for both sides, in seconds, bytes or calls; `function` is "" for the test."""

    test: str
    function: str
    metric: Literal["time", "peak memory", "allocations"]
    base: float
    head: float


class CodeflashRun(Artifact):
    """A run of the package `codeflash`; empty if the item does not ask for that engine.

    `markdown` is codeflash's report, unchanged; `flags` are those of its command line, quoted for a shell; `variables`
    those before the command, like `PYTHONPATH=src`. `findings` are failures that codeflash does not report (one side
    measured twice, failed tests with exit code 0), `notes` say what its figures mean, `repairs` what it needed to run.
    """

    SCHEMA = 2
    STAGE = "codeflash"

    item: str
    asked: bool = False
    """Whether the item asks for this engine."""
    version: str = ""
    command: str = ""
    flags: str = ""
    variables: str = ""
    configuration: str = ""
    """The lines that it needed in pyproject.toml and the project lacks."""
    markdown: str = ""
    figures: tuple[CodeflashFigure, ...] = ()
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    def without_output(self) -> Self:
        """Return it without what findings quote, in parentheses, of errors and output."""
        return self.model_copy(update={"findings": tuple(finding.partition(" (")[0] for finding in self.findings)})
