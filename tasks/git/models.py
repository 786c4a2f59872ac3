"""Values that git commands return."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refs:
    """The commits of one optimization as full SHAs; `base` and `head` are None if the manifest names none that exists.

    `address` is that of the repository, `repository` the user's work tree if that is local, `slug` the owner/name if
    known. `upstream_ref` is the name of `upstream`; `picks` are the commits to cherry-pick onto base, if the manifest
    lists any.
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
    r"""Return a path for artifacts and messages: bytes that are not UTF-8 become `\xNN`, so it opens no file."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
