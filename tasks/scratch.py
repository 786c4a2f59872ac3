"""Folders for what lives only as long as a step; what a killed run left of them is removed at the next start.

They lie below CACHE/scratch, each with a lock beside it that its owner holds: the kernel releases it, however the owner dies.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import BusyError
from .git.opening import remove_folder
from .locks import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """Give an empty folder that is gone after the block; remove what others have left, first."""
    place = _place(cache)
    name = uuid.uuid4().hex
    with held(place / "folders.lock", busy=None):
        _remove_left(place)
        own = held(place / f"{name}.lock", busy="in use")
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


def remove_left(cache: Path) -> None:
    """Remove the folders whose owners have died; where there never was one, nothing is looked at."""
    place = _place(cache)
    if place.is_dir():
        with held(place / "folders.lock", busy=None):
            _remove_left(place)


def _place(cache: Path) -> Path:
    return cache.absolute() / "scratch"


def _remove_left(place: Path) -> None:
    for folder in [path for path in place.iterdir() if path.is_dir()]:
        lock = folder.with_suffix(".lock")
        try:
            with held(lock, busy="in use"):
                remove_folder(folder)
                lock.unlink(missing_ok=True)
        except BusyError:
            continue
