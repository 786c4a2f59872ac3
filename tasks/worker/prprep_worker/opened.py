"""Note the files that this process opens for reading: what a benchmark reads must be the same on both sides.

An audit hook cannot be removed and takes time at every call, so it is never in a process that is timed.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from prprep_worker.places import real_path

_WRITES = os.O_WRONLY | os.O_RDWR
_opened: set[str] = set()


def install() -> None:
    sys.addaudithook(_note)


def inside(tree: str) -> list[str]:
    """Return the files of a folder that were opened so far, relative to it."""
    root = os.path.realpath(tree) + os.sep
    real = set(map(real_path, tuple(_opened)))
    return sorted(path[len(root) :] for path in real if path and path.startswith(root) and os.path.isfile(path))


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if flags & _WRITES:
            return
    elif event == "sqlite3.connect":
        path = arguments[0]
    else:
        return
    if isinstance(path, (str, bytes, os.PathLike)):
        path = os.fsdecode(path)
        try:
            _opened.add(path if os.path.isabs(path) else os.path.join(os.getcwd(), path))
        except OSError:  # the current folder was removed
            return
