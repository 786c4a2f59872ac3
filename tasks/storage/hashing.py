"""Every hash that prprep takes."""

import errno
import hashlib
import json
import os
import stat
from pathlib import Path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str | None:
    """Hash a file; None if it cannot be read."""
    content = read_bytes(path)
    return None if content is None else sha256(content)


def blob(content: bytes) -> str:
    """Hash a file's content as git does: SHA-1 of `blob SIZE`, NUL and the content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def hash_of(parts: object) -> str:
    """Hash any JSON value, the same on every machine."""
    return short_hash(json.dumps(parts, sort_keys=True, default=str).encode())


def digest_of(content: bytes) -> str:
    """Hash an artifact without its header line, or any other bytes."""
    return short_hash(content.partition(b"\n")[2] if content.startswith(b'{"schema":') else content)


def digest(path: Path) -> str | None:
    """Hash a file as `digest_of` does; None if it cannot be read."""
    content = read_bytes(path)
    return None if content is None else digest_of(content)


def read_bytes(path: Path) -> bytes | None:
    """Return a file's content; None if it cannot be read."""
    try:
        return read_file(path)
    except OSError:
        return None


def text_of(path: Path) -> str:
    """Return a file's text; "" if it cannot be read."""
    return (read_bytes(path) or b"").decode("utf-8", "replace")


def read_file(path: Path, limit: int = -1) -> bytes:
    """Return a file's content, at most `limit` bytes.

    Raise OSError, also for what is no regular file: a pipe may have no end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        why = os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "not a regular file"
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, why, str(path))
    with open(descriptor, "rb") as stream:  # noqa: PTH123
        return stream.read(limit)


def short_hash(content: bytes, size: int = 16) -> str:
    """Return `size` bytes of BLAKE2b in hexadecimal."""
    return hashlib.blake2b(content, digest_size=size).hexdigest()
