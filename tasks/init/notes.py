"""Find the notes and results files of a repository, and read them whatever they contain."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..git import printable
from ..processes.real_paths import real_path
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


@dataclass(frozen=True, slots=True)
class WorkTreeNotes:
    """The files at the top of a work tree and in .codeflash; links out of it are not followed."""

    root: Path

    def files(self) -> tuple[str, ...]:
        paths = (*self.root.glob("*"), *self.root.glob(f"{FOLDER}/*"))
        return tuple(path.relative_to(self.root).as_posix() for path in paths)

    def read(self, path: str, /) -> bytes | None:
        """Read a file; raise OSError with the reason if that is not possible."""
        real = (self.root / path).resolve(strict=True)
        if not real.is_relative_to(real_path(self.root)):
            raise OSError("this link leads out of the repository")
        if not stat.S_ISREG(real.stat().st_mode):
            raise OSError("this is not a regular file")
        with real.open("rb") as stream:
            return stream.read(_MOST_BYTES + 1)


def read_notes(tree: TreeReader) -> tuple[list[NoteFile], list[str]]:
    """Return the notes, then results files, and a warning for each file that could not be read."""
    files: list[NoteFile] = []
    warnings = []
    ranks = {path: (not _is_handoff(path), not path.startswith(FOLDER), path) for path in tree.files()}
    for path in sorted(filter(_may_be_notes, ranks), key=ranks.__getitem__)[:_MOST_FILES]:
        content, reason = None, "this link leads nowhere"
        try:
            content = tree.read(path)
        except (OSError, RuntimeError) as error:
            reason = str(getattr(error, "strerror", None) or error)
        if content is None:
            warnings.append(f"{printable(path)}: not read: {reason}")
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


def _may_be_notes(path: str) -> bool:
    folder, _, name = path.lower().rpartition("/")
    if folder == FOLDER:
        return name == HANDOFF or name.endswith(_TABLE_SUFFIXES)
    return not folder and name in {HANDOFF, "results.tsv", "results.csv"}
