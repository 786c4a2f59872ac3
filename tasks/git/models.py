"""What git tells, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refs:
    """The refs of one optimization, resolved to full SHAs.

    `repository` is the user's work tree where the address is a local one, `slug` its owner/name where that is known;
    `picks` are the commits to put onto base where the manifest lists them one by one.
    """

    address: str
    repository: Path | None
    slug: str | None
    upstream_ref: str
    upstream: str
    base: str | None
    head: str | None
    picks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs: added, modified, deleted, renamed (perhaps modified too) or of another type."""

    status: Literal["A", "M", "D", "R", "T"]
    base_path: str | None
    head_path: str | None


def printable(path: str) -> str:
    """Make a path that need not be UTF-8 fit for artifacts and messages; equal paths stay equal."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
