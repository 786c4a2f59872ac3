"""See which files any process or library opens, with inotify (Linux only)."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


class OpenedFiles:
    """The watched files of a tree that were opened so far, relative to it."""

    def __init__(self) -> None:
        self._paths: dict[int, set[str]] = {}
        self._opened: set[str] = set()
        self._queue: int | None = None

    def so_far(self) -> frozenset[str]:
        while self._queue is not None:
            try:
                events = os.read(self._queue, 65536)
            except OSError:  # none is left
                break
            while events:
                watch, mask, _, length = _EVENT.unpack_from(events)
                # Other events come unasked: of a removed file, or of no file, with -1, if the queue overflows.
                if mask & _IN_OPEN:
                    self._opened |= self._paths[watch]
                events = events[_EVENT.size + length :]
        return frozenset(self._opened)

    @contextmanager
    def watching(self, tree: Path, files: Collection[str]) -> Iterator[OpenedFiles]:
        """Watch files, or the targets of links; what cannot be watched counts as not opened."""
        if sys.platform != "linux" or not files:
            yield self
            return
        libc = ctypes.CDLL(None)
        queue: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if queue < 0:  # too many processes watch files
            yield self
            return
        try:
            for file in files:
                watch: int = libc.inotify_add_watch(queue, os.fsencode(tree / file), _IN_OPEN)
                self._paths.setdefault(watch, set()).add(file)
            self._queue = queue
            yield self
        finally:
            self._queue = None
            os.close(queue)
