"""Values that git commands return."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refs:
    """The refs of one optimization as full SHAs.

    `repository` is the user's work tree if the address is local; `slug` its owner/name if known; `picks` are the
    commits to cherry-pick onto base if the manifest lists single commits.
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
    """A file that differs: added, modified, deleted, renamed (and perhaps modified) or of another type."""

    status: Literal["A", "M", "D", "R", "T"]
    base_path: str | None
    head_path: str | None


def printable(path: str) -> str:
    """Return a path that need not be UTF-8 in a form for artifacts and messages; different paths stay different."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
