"""Find the notes and results files of a repository, and read them whatever they contain."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from ..git import printable
from ..project.files import TreeReader

FOLDER: Final = ".codeflash"
HANDOFF: Final = "handoff.md"
_MOST_BYTES: Final = 4 * 2**20
_MOST_FILES: Final = 20
_TABLE_SUFFIXES: Final = (".tsv", ".csv")


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A file of notes or results as text; `warnings` say what could not be read of it."""

    path: str
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def is_table(self) -> bool:
        return self.path.lower().endswith(_TABLE_SUFFIXES)


class NoteFolder(Protocol):
    """A work tree or a commit."""

    def names(self) -> Iterator[str]:
        """Yield the paths of possible notes."""

    def read(self, path: str, /) -> tuple[bytes | None, str]:
        """Return the content of a file, or None and why it cannot be read."""


@dataclass(frozen=True, slots=True)
class WorkTreeNotes:
    """The notes in a user's folder; links out of it are not followed, and only regular files are opened."""

    root: Path

    def names(self) -> Iterator[str]:
        for folder in (FOLDER, ""):
            try:
                names = sorted(path.name for path in (self.root / folder).iterdir())
            except OSError:
                continue
            yield from (str(PurePosixPath(folder) / name) for name in names if _may_be_notes(folder, name))

    def read(self, path: str, /) -> tuple[bytes | None, str]:
        try:
            real = (self.root / path).resolve(strict=True)
            if not real.is_relative_to(self.root.resolve()):
                return None, "this link leads out of the repository and is not followed"
            if not stat.S_ISREG(real.stat().st_mode):
                return None, "this is not a regular file"
            with real.open("rb") as stream:
                return stream.read(_MOST_BYTES + 1), ""
        except (OSError, RuntimeError) as error:
            return None, f"cannot be read: {getattr(error, 'strerror', None) or error}"


@dataclass(frozen=True, slots=True)
class CommittedNotes:
    """The notes in a commit."""

    tree: TreeReader

    def names(self) -> Iterator[str]:
        for path in self.tree.files():
            folder, _, name = path.rpartition("/")
            if folder in {FOLDER, ""} and _may_be_notes(folder, name):
                yield path

    def read(self, path: str, /) -> tuple[bytes | None, str]:
        content = self.tree.read(path)
        return content, "" if content is not None else "this link leads nowhere"


def read_notes(folder: NoteFolder) -> tuple[list[NoteFile], list[str]]:
    """Return the notes, then results files, and a warning for each file that could not be read."""
    files: list[NoteFile] = []
    warnings = []
    names = sorted(folder.names(), key=lambda name: (not _is_handoff(name), not name.startswith(FOLDER), name))
    for path in names[:_MOST_FILES]:
        content, problem = folder.read(path)
        if content is None:
            warnings.append(f"{printable(path)}: {problem}")
        elif content.strip():
            files.append(_decoded(printable(path), content))
        elif _is_handoff(path):
            warnings.append(f"{printable(path)}: the file is empty")
    # Notes at the top only count if there are none in .codeflash.
    if any(not file.is_table and file.path.startswith(FOLDER) for file in files):
        files = [file for file in files if file.is_table or file.path.startswith(FOLDER)]
    return files, warnings


def _decoded(path: str, content: bytes) -> NoteFile:
    warnings = []
    if len(content) > _MOST_BYTES:
        content = content[:_MOST_BYTES]
        warnings.append(f"longer than {_MOST_BYTES >> 20} MiB; only the beginning was read")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return NoteFile(path, content.decode("utf-16", "replace"), (*warnings, "the file is UTF-16"))
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        text = content.decode(errors="replace")
        # The last character may be cut.
        if error.start < _MOST_BYTES - 4:
            line = content.count(b"\n", 0, error.start) + 1
            warnings.append(f"not all UTF-8 (first in line {line}); invalid bytes show as \ufffd")
    return NoteFile(path, text.replace("\0", "\ufffd"), tuple(warnings))


def _is_handoff(path: str) -> bool:
    return path.lower().endswith(HANDOFF)


def _may_be_notes(folder: str, name: str) -> bool:
    lower = name.lower()
    if folder == FOLDER:
        return lower == HANDOFF or lower.endswith(_TABLE_SUFFIXES)
    return lower in {HANDOFF, "results.tsv", "results.csv"}
