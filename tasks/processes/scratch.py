"""Folders for what lives only as long as a step; what a killed run left of them is removed at the next start.

They lie below CACHE/scratch, each with a lock beside it that its owner holds: the kernel releases it, however the owner dies.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BusyError
from .locks import file_lock


@contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """Return an empty folder that is gone after the block; remove what others have left, first."""
    place = _place(cache)
    name = uuid.uuid4().hex
    with file_lock(place / "folders.lock", busy=None):
        _remove_left(place)
        own = file_lock(place / f"{name}.lock", busy="in use")
        own.__enter__()
        (place / name).mkdir()
    try:
        yield place / name
    finally:
        try:
            remove_folder(place / name)
            (place / f"{name}.lock").unlink(missing_ok=True)
        finally:
            own.__exit__(None, None, None)


def remove_abandoned(cache: Path) -> None:
    """Remove the folders whose owners have died; where there never was one, nothing is looked at."""
    place = _place(cache)
    if place.is_dir():
        with file_lock(place / "folders.lock", busy=None):
            _remove_left(place)


def remove_folder(folder: Path) -> None:
    """Delete a folder of the cache, read-only parts too; renamed first, so that half of it is never taken for it."""
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
        # Read-only folders, or a process of a killed run that is still writing its last file.
        for place, _, _ in os.walk(doomed):
            os.chmod(place, 0o700)  # noqa: PTH101 - os.walk gives text
        time.sleep(0.05)
    shutil.rmtree(doomed)


def _place(cache: Path) -> Path:
    return cache.absolute() / "scratch"


def _remove_left(place: Path) -> None:
    for folder in [path for path in place.iterdir() if path.is_dir()]:
        lock = folder.with_suffix(".lock")
        try:
            with file_lock(lock, busy="in use"):
                remove_folder(folder)
                lock.unlink(missing_ok=True)
        except BusyError:
            continue
