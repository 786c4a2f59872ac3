"""Note the files that this process opens for reading, and the folders whose names its code reads.

What a benchmark reads must be the same on both sides. An audit hook cannot be removed and takes time at every call, so
it is never in a process that is timed.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from prprep_worker.places import real_path

_WRITES = os.O_WRONLY | os.O_RDWR
_LISTING = ("os.listdir", "os.scandir")
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_opened: set[str] = set()
_listed: set[tuple[str, str]] = set()
"""Each folder with the file of the code that listed it."""


def install() -> None:
    sys.addaudithook(_note)


def inside(tree: str) -> list[str]:
    """Return the files of a folder that were opened so far, relative to it."""
    root = os.path.realpath(tree) + os.sep
    real = set(map(real_path, tuple(_opened)))
    return sorted(path[len(root) :] for path in real if path and path.startswith(root) and os.path.isfile(path))


def listed_inside(tree: str) -> list[str]:
    """Return the folders of a tree that its own code has listed so far, relative to it; the root is ""."""
    root = os.path.realpath(tree)
    real = {os.path.realpath(folder) for folder, code in tuple(_listed) if _is_below(os.path.realpath(code), root)}
    return sorted(folder[len(root) + 1 :] for folder in real if folder == root or _is_below(folder, root))


def _is_below(path: str, root: str) -> bool:
    return path.startswith(root + os.sep)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if flags & _WRITES:
            return
    elif event == "sqlite3.connect" or event in _LISTING:
        path = arguments[0]
    else:
        return
    if path is None and event in _LISTING:
        path = "."
    if isinstance(path, (str, bytes, os.PathLike)):
        path = os.fsdecode(path)
        try:
            path = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
        except OSError:  # the current folder was removed
            return
        if event not in _LISTING:
            _opened.add(path)
        elif code := _code_that_lists():
            _listed.add((path, code))


def _code_that_lists() -> str:
    """Return the file of the innermost code outside of the standard library, "" for the search for modules."""
    frame = sys._getframe(2)  # noqa: SLF001 - whoever raised the event
    while frame:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return ""
        is_library = file.startswith((_LIBRARY, "<frozen ")) and "site-packages" not in file
        if not is_library:
            return file
        frame = frame.f_back
    return ""
