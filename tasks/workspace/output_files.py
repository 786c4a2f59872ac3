"""Write and remove files of the output folder: only what prprep wrote itself is replaced or removed."""

from __future__ import annotations

from pathlib import Path

from ..errors import OutputError
from ..git.repository import is_tracked
from ..storage.files import write_whole
from ..storage.hashing import sha256, sha256_of
from ..storage.links import refuse_links_to

EDITED = ".edited"


def write_output(target: Path, content: str | bytes, *, root: Path, last: str | None) -> None:
    """Write a file below the manifest's folder `root`; what somebody else wrote there is first moved to `*.edited.*`.

    `last` is the SHA-256 of what prprep wrote there before, None if it does not know. Raise LinkError if a link is on
    the way, OutputError if git tracks what somebody else wrote: that must neither change nor move.
    """
    content = content.encode() if isinstance(content, str) else content
    refuse_links_to(target.parent, root)
    if target.exists() and _is_own(target, sha256(content)):
        return
    check_output(target, root=root, last=last)
    if not _is_own(target, last):
        target.replace(_aside(target))
    write_whole(target, content)


def check_output(target: Path, *, root: Path, last: str | None) -> None:
    """Raise what `write_output` would raise for a file that differs from `last`."""
    refuse_links_to(target.parent, root)
    if not _is_own(target, last) and is_tracked(target):
        what = "git tracks this file, and prprep did not write it"
        raise OutputError(
            what, where=str(target), hint="move it away, or name another folder: `output:` in the manifest"
        )


def remove_output(target: Path, *, root: Path, last: str | None) -> None:
    """Remove a file if it is what prprep wrote there, and git does not track it."""
    refuse_links_to(target.parent, root)
    if target.exists() and _is_own(target, last) and not is_tracked(target):
        target.unlink()


def _is_own(target: Path, last: str | None) -> bool:
    """Return whether nothing is there, or a file with this digest."""
    if target.is_symlink():
        return False
    return not target.exists() or (last is not None and sha256_of(target) == last)


def _aside(target: Path) -> Path:
    """Return the first free `<name>.edited.md`, `<name>.edited-2.md` and so on."""
    edited = target.with_name(f"{target.stem}{EDITED}{target.suffix}")
    number = 2
    while edited.exists() or edited.is_symlink():
        edited = target.with_name(f"{target.stem}{EDITED}-{number}{target.suffix}")
        number += 1
    return edited
