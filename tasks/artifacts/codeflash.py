"""What `codeflash compare` said of the two trees."""

from typing import Literal

from ..storage.artifact import Artifact, Record


class CodeflashFigure(Record):
    """One figure of codeflash's tables for both sides, in seconds, bytes or calls; `function` is "" for a whole test."""

    test: str
    function: str
    metric: Literal["time", "peak memory", "allocations"]
    base: float
    head: float


class CodeflashRun(Artifact):
    """A run of the package `codeflash`; all empty where the item does not ask for that engine.

    `markdown` is codeflash's own, as it is, empty where it gave none; `flags` are those of its command line, quoted for a shell;
    `variables` what stood before its command, like `PYTHONPATH=src`. `findings` say what went wrong without codeflash saying so
    (one side measured twice, tests that failed with exit code 0, no file written), `notes` what its figures hold for and `repairs`
    what was done so that it could run.
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
    """The lines of pyproject.toml that it needed and the project lacks."""
    markdown: str = ""
    figures: tuple[CodeflashFigure, ...] = ()
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
