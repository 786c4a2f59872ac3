"""Temporary folders: in TMPDIR for what a program needs while it runs, in CACHE/scratch for what may be large.

Those in the cache that killed runs left are removed at the next start: the owner holds a lock next to each, which the
kernel releases if the owner dies.
"""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import BusyError
from .locks import file_lock
from .real_paths import real_path


@contextmanager
def temporary_folder(prefix: str = "prprep-") -> Iterator[Path]:
    """Yield an empty folder in TMPDIR and remove it after the block; what another process adds later may stay."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        with suppress(OSError):
            remove_folder(folder)


@contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """Yield an empty folder and remove it after the block."""
    folder = real_path(cache / "scratch") / uuid.uuid4().hex
    lock = folder.with_suffix(".lock")
    with file_lock(lock, busy="in use"):
        folder.mkdir()
        try:
            yield folder
        finally:
            with suppress(OSError):  # another process may still write to it: the next start removes the rest
                remove_folder(folder)
            lock.unlink(missing_ok=True)


def remove_abandoned(cache: Path) -> None:
    parent = real_path(cache / "scratch")
    if not parent.is_dir():
        return
    with file_lock(parent / "folders.lock", busy=None):
        for folder in [path for path in parent.iterdir() if path.is_dir()]:
            lock = folder.with_suffix(".lock")
            with suppress(BusyError), file_lock(lock, busy="in use"):
                remove_folder(folder)
                lock.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Delete a folder of the cache, including read-only parts; renamed first, so it is never seen half deleted."""
    if not os.path.lexists(folder):
        return
    doomed = folder.with_name(f".removed-{os.getpid()}-{time.monotonic_ns()}-{folder.name[:80]}")
    folder.rename(doomed)
    if doomed.is_symlink() or not doomed.is_dir():
        doomed.unlink()
        return
    for _ in range(20):
        shutil.rmtree(doomed, ignore_errors=True)
        if not doomed.exists():
            return
        # Read-only folders, or a process of a killed run that still writes its last file.
        for inner, _, _ in os.walk(doomed):
            Path(inner).chmod(0o700)
        time.sleep(0.05)
    shutil.rmtree(doomed)
