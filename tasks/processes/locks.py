"""Locks between processes that the kernel releases when their holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BusyError, PrprepError


@contextmanager
def file_lock(path: Path, *, busy: str | None) -> Iterator[None]:
    """Hold the lock `path`, a file that stays behind with the holder's process id in it.

    With `busy=None` wait for it; else raise BusyError with that message at once where another process, or
    another part of this one, holds it. Not re-entrant.
    """
    descriptor = _open(path)
    try:
        _take(descriptor, path, busy)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # Closing releases the lock. The file is not deleted: somebody may already wait on it.
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        reason = error.strerror or str(error)
        now = "make the folder writable, or name another one in PRPREP_CACHE if it is the cache"
        raise PrprepError(f"the lock cannot be opened: {reason}", where=str(path), hint=now) from None


def _take(descriptor: int, path: Path, busy: str | None) -> None:
    # flock, not lockf: a lockf lock is shared by the whole process and lost when any descriptor of the file closes.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if busy is None else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES) or busy is None:
            raise PrprepError(
                f"the lock cannot be taken: {error.strerror}", where=str(path), hint="use a folder on a local disk"
            ) from None
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        who = f"process {holder}" if holder.isdigit() else "the other one"
        raise BusyError(busy, where=str(path), hint=f"wait until {who} has ended, or end it") from None
