"""What `codeflash compare` said of the two trees."""

from __future__ import annotations

from typing import Literal

from ..store import Artifact, Record


class CodeflashFigure(Record):
    """One figure of codeflash's tables for both sides, in seconds, bytes or calls; `function` is "" for a whole test."""

    test: str
    function: str
    metric: Literal["time", "peak memory", "allocations"]
    base: float
    head: float


class CodeflashRun(Artifact):
    """A run of the package `codeflash`; all empty where the item does not ask for that engine.

    `markdown` is codeflash's own, as it is; `flags` those of its command line; `findings` say what went wrong without codeflash
    saying so (one side measured twice, tests that failed with exit code 0, no file written).
    """

    SCHEMA = 1

    item: str
    version: str = ""
    command: str = ""
    flags: str = ""
    markdown: str = ""
    figures: tuple[CodeflashFigure, ...] = ()
    findings: tuple[str, ...] = ()
