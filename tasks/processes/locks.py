"""File locks that the kernel releases when their holder dies."""

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import BusyError, PrprepError

LOCK_VARIABLE = "PRPREP_LOCK"


def machine_lock() -> Path:
    """Return the lock that is held while something measures on this machine: PRPREP_LOCK, else one for all users."""
    return Path(os.environ.get(LOCK_VARIABLE) or Path(tempfile.gettempdir(), "prprep-machine.lock"))


@contextmanager
def file_lock(path: Path, *, busy: str | None, for_all_users: bool = False) -> Iterator[None]:
    """Hold the lock `path`, a file with the holder's process id; it stays after the block, empty.

    With `busy=None` wait for it; otherwise raise BusyError with that message at once if another process, or another
    part of this one, holds it. Not re-entrant. Any user of the machine can hold a lock `for_all_users`.
    """
    descriptor = _open(path, for_all_users=for_all_users)
    try:
        _acquire(descriptor, path, busy)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n{_process_namespace()}\n".encode(), 0)
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        # Closing releases the lock. The file stays: another process may already wait on it.
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """Return the process that holds a lock or held it last; None if that is not known or not one of this container."""
    with suppress(OSError, ValueError):
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), encoding="ascii") as stream:  # noqa: PTH123
            process, namespace = stream.read().split()
        return int(process) if namespace == _process_namespace() else None
    return None


def _process_namespace() -> str:
    """Return the name of the process ids that this container counts by; another one may share the folder."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "none"


def _open(path: Path, *, for_all_users: bool) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Without O_CREAT: in /tmp Linux refuses it for an existing file of another user (fs.protected_regular).
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            descriptor = os.open(path, flags | os.O_CREAT, 0o666)
            if for_all_users:
                os.fchmod(descriptor, 0o666)  # whatever the umask
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")  # noqa: TRY301 - the message is the same
    except OSError as error:
        what = f"the lock cannot be opened: {error.strerror or error}"
        hint = "make the folder writable; if it is the cache, PRPREP_CACHE can name another one"
        raise PrprepError(what, where=str(path), hint=hint) from None
    return descriptor


def _acquire(descriptor: int, path: Path, busy: str | None) -> None:
    # flock, not lockf: a lockf lock is shared by the whole process and lost when any descriptor of the file closes.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if busy is None else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES) or busy is None:
            what = f"the lock cannot be acquired: {error.strerror}"
            raise PrprepError(what, where=str(path), hint="use a folder on a local disk") from None
        process = holder(path)
        who = "the other process" if process is None else f"process {process}"
        raise BusyError(busy, where=str(path), hint=f"wait until {who} has ended, or end it") from None
