"""Zip archives: the same bytes for the same files, and no trust in one that comes from elsewhere."""

import io
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import ArchiveError

MOST_FILES: Final = 10_000
MOST_EXPANSION: Final = 1 << 30
"""Bytes that the files of an archive may have beyond their compressed size."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, IndexError,
)  # fmt: skip
"""What zipfile raises for a file that is no archive, or was changed or cut short, or has a password."""


def packed(files: Mapping[str, bytes], *, stored: Collection[str] = ()) -> bytes:
    """Return a zip archive whose bytes depend on the files alone; `stored` are compressed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def unpacked(archive: Path) -> dict[str, bytes]:
    """Return the files of an archive by their names, which are relative paths; raise ArchiveError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return dict(_files(opened))
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ArchiveError(f"this archive cannot be read: {reason}", where=str(archive)) from None
    except ArchiveError as error:
        error.where = str(archive)
        raise


def _files(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(names) > MOST_FILES:
        raise ArchiveError(f"this archive has more than {MOST_FILES:,} files")
    if len({name.casefold() for name in names}) < len(names):
        raise ArchiveError("this archive has two files of one name")
    if sum(max(0, entry.file_size - entry.compress_size) for entry in entries) > MOST_EXPANSION:
        raise ArchiveError(f"this archive expands by more than {MOST_EXPANSION >> 20:,} MiB")
    for entry in entries:
        if not _is_plain(entry):
            raise ArchiveError(f"this archive has a file that leads out of it, or is none: {entry.filename!a}")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError("this archive is compressed in a way that prprep does not use")
        yield entry.filename, archive.read(entry)


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """Return whether an entry is a regular file below the archive's root."""
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    parts = PurePosixPath(name).parts
    is_inside = bool(parts) and ".." not in parts and "/".join(parts) == name and not name.startswith("/")
    return is_inside and name.isprintable() and not set("\\:") & set(name) and kind in (0, stat.S_IFREG)
