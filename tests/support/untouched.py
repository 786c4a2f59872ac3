"""Hold a folder against what it was before, bit by bit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def snapshot(folder: Path) -> dict[bytes, tuple[int, int, bytes]]:
    """Record every file, link and folder below: mode, time of change in ns, content."""
    root = os.fsencode(folder)
    places = [root, *(os.path.join(place, name) for place, folders, files in os.walk(root) for name in folders + files)]  # noqa: PTH118 - names as bytes
    return {place: _state(place) for place in places}


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Demand that nothing below `folder` changes inside the block."""
    before = snapshot(folder)
    yield
    after = snapshot(folder)
    different = [place for place in before.keys() | after.keys() if before.get(place) != after.get(place)]
    assert not different, f"touched: {sorted(different)}"


def _state(place: bytes) -> tuple[int, int, bytes]:
    status = os.lstat(place)
    if stat.S_ISLNK(status.st_mode):
        return status.st_mode, status.st_mtime_ns, os.readlink(place)  # noqa: PTH115
    if stat.S_ISREG(status.st_mode):
        with open(place, "rb") as stream:  # noqa: PTH123
            return status.st_mode, status.st_mtime_ns, stream.read()
    return status.st_mode, status.st_mtime_ns, b""
