"""Write files so that they are whole or not there, and read what they hold."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .hashing import read_file

LARGEST: Final = 1 << 28
"""Bytes of a file that the project's code may have written."""


def write_whole(target: Path, text: str | bytes) -> None:
    """Put `text` at `target` in one step: readers see the old file or the whole new one, with the same mode."""
    with _written_beside(target, text) as temporary:
        temporary.replace(target)


def write_new(target: Path, text: str) -> None:
    """Put `text` at `target` in one step; raise FileExistsError if something is there."""
    with _written_beside(target, text) as temporary:
        os.link(temporary, target)


@contextmanager
def _written_beside(target: Path, text: str | bytes) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        temporary.chmod(_mode(target))
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _mode(target: Path) -> int:
    try:
        return stat.S_IMODE(target.lstat().st_mode) if not target.is_symlink() else 0o644
    except OSError:
        return 0o644


def fingerprint_of(artifact: Path) -> str | None:
    """Return the fingerprint in an artifact's header; None if there is none."""
    try:
        header = json.loads(read_file(artifact, 4096).partition(b"\n")[0])
        return header.get("fingerprint") or None
    except (OSError, ValueError, AttributeError):
        return None


def read_regular(path: Path) -> bytes | None:
    """Read a file that the project's code may have written; None unless it is a regular file of a sane size.

    Confined code cannot read the user's files, but it could leave a link to one, or a pipe without an end.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            status = os.fstat(stream.fileno())
            return stream.read() if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST else None
    except OSError:
        return None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if it is missing or broken, or no regular file."""
    try:
        content = json.loads(read_regular(path) or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
