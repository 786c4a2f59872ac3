"""Find the notes and files of results of a repository, and read them whatever is in them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol

from ..git import printable

if TYPE_CHECKING:
    from ..project.files import TreeReader

FOLDER: Final = ".codeflash"
NOTES: Final = "handoff.md"
LARGEST: Final = 4 * 2**20
"""Bytes that are read of one file."""
MOST_FILES: Final = 20
_TABLES: Final = (".tsv", ".csv")


@dataclass(frozen=True, slots=True)
class Note:
    """A file of notes or results, as text; `told` is what a reader of it should know, a sentence each."""

    path: str
    text: str
    told: tuple[str, ...] = ()

    @property
    def is_table(self) -> bool:
        return self.path.lower().endswith(_TABLES)


class Shelf(Protocol):
    """Where notes lie: a work tree, or a commit."""

    def names(self) -> Iterator[str]: ...

    def read(self, path: str, /) -> tuple[bytes | None, str]: ...


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A folder of the user's; links that lead out of it are not followed, and nothing but files is opened."""

    root: Path

    def names(self) -> Iterator[str]:
        for folder in (FOLDER, ""):
            try:
                found = sorted(place.name for place in (self.root / folder).iterdir())
            except OSError:
                continue
            yield from (str(PurePosixPath(folder) / name) for name in found if _is_wanted(folder, name))

    def read(self, path: str, /) -> tuple[bytes | None, str]:
        place = self.root / path
        try:
            real = place.resolve(strict=True)
            if not real.is_relative_to(self.root.resolve()):
                return None, "it is a link that leads out of the repository, and is not followed"
            if not stat.S_ISREG(real.stat().st_mode):
                return None, "it is no file"
            with real.open("rb") as stream:
                return stream.read(LARGEST + 1), ""
        except (OSError, RuntimeError) as error:
            return None, f"it cannot be read: {getattr(error, 'strerror', None) or error}"


@dataclass(frozen=True, slots=True)
class Committed:
    """The files of a commit."""

    tree: TreeReader

    def names(self) -> Iterator[str]:
        for path in self.tree.files():
            folder, _, name = path.rpartition("/")
            if folder in {FOLDER, ""} and _is_wanted(folder, name):
                yield path

    def read(self, path: str, /) -> tuple[bytes | None, str]:
        content = self.tree.read(path)
        return content, "" if content is not None else "it is a link to what is not there"


def notes(shelf: Shelf) -> tuple[list[Note], list[str]]:
    """Return the notes first, then results, and a sentence for each file that could not be read."""
    found, problems = [], []
    for path in sorted(
        shelf.names(), key=lambda name: (not name.lower().endswith(NOTES), not name.startswith(FOLDER), name)
    )[:MOST_FILES]:
        content, why = shelf.read(path)
        if content is None:
            problems.append(f"{printable(path)}: {why}")
        elif content.strip():
            found.append(_note(printable(path), content))
        elif path.lower().endswith(NOTES):
            problems.append(f"{printable(path)}: it is empty")
    # Notes at the top count only where there are none below .codeflash.
    inside = any(not note.is_table and note.path.startswith(FOLDER) for note in found)
    return [note for note in found if not (inside and not note.is_table and not note.path.startswith(FOLDER))], problems


def _note(path: str, content: bytes) -> Note:
    told = []
    if len(content) > LARGEST:
        content = content[:LARGEST]
        told.append(f"it is longer than {LARGEST >> 20} MiB, and only its beginning was read")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Note(path, content.decode("utf-16", "replace"), (*told, "it is UTF-16"))
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        text = content.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
        if error.start < LARGEST - 4:
            line = content.count(b"\n", 0, error.start) + 1
            told.append(f"it is not all UTF-8 (first in line {line}); what cannot be read shows as \ufffd")
    return Note(path, text.replace("\0", "\ufffd"), tuple(told))


def _is_wanted(folder: str, name: str) -> bool:
    lower = name.lower()
    if folder == FOLDER:
        return lower == NOTES or lower.endswith(_TABLES)
    return lower in {NOTES, "results.tsv", "results.csv"}
