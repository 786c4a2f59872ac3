"""Measure with memray what a model or the network allocates at its peak, while the recorded function calls it.

This takes a separate run, since memray and the profiler that records boundary calls exclude each other. memray comes
from the target's environment.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prprep_worker.watching import wrapped

MOST = 3
"""Calls of each function that are tracked; the first may fill caches, and the largest counts."""
_ABSENT = object()


class Allocations:
    """Track functions while a recorded call runs: methods of an argument, or functions by their dotted names.

    `wanted` are pairs of a parameter ("" for functions) and a name; `peaks` holds the bytes of those that were called.
    """

    def __init__(self, wanted: list[list[str]], profile: str) -> None:
        self.peaks: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._wanted, self._profile, self._is_tracking = wanted, profile, False
        self._undo: list[Callable[[], None]] = []
        self.why_not = "" if wanted else "nothing is at a boundary"
        try:
            import memray

            self._memray: Any = memray
        except ImportError as error:
            self.why_not = str(error)

    def start(self, values: Mapping[str, object]) -> None:
        """Wrap the functions."""
        for parameter, name in [] if self.why_not else self._wanted:
            owner, attribute = (type(values.get(parameter)), name) if parameter else _owner(name)
            original = inspect.getattr_static(owner, attribute, _ABSENT)
            if original is not _ABSENT:
                self._replace(owner, attribute, original, f"{parameter}:{name}")

    def stop(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, attribute: str, original: Any, name: str) -> None:
        inner = getattr(original, "__func__", original)
        if not callable(inner):
            return
        wrapper: Any = wrapped(inner, lambda _args, _kwargs: self._tracked(name))
        if isinstance(original, (staticmethod, classmethod)):
            wrapper = type(original)(wrapper)
        own = vars(owner).get(attribute, _ABSENT)
        try:
            setattr(owner, attribute, wrapper)
        except (AttributeError, TypeError):
            return  # a class that is written in C
        self._undo.append(functools.partial(_put_back, owner, attribute, own))

    @contextlib.contextmanager
    def _tracked(self, name: str) -> Iterator[Callable[[object], None]]:
        """Track a call, unless another one is being tracked, or enough of this function's were."""
        count = self._counts.get(name, 0)
        if self._is_tracking or count >= MOST:
            yield _ignore
            return
        self._counts[name], self._is_tracking = count + 1, True
        if os.path.exists(self._profile):
            os.remove(self._profile)
        try:
            with self._memray.Tracker(self._profile):
                yield _ignore
        finally:
            self._is_tracking = False
            peak = self._memray.FileReader(self._profile).metadata.peak_memory
            self.peaks[name] = max(self.peaks.get(name, 0), int(peak))


def _ignore(_value: object) -> None:
    pass


def _owner(dotted: str) -> tuple[Any, str]:
    """Return the module or class that holds a function (`shop.requests.get`), and its name there."""
    *parts, last = dotted.split(".")
    for count in range(len(parts), 0, -1):
        owner: Any = sys.modules.get(".".join(parts[:count]))
        if owner is not None:
            for part in parts[count:]:
                owner = getattr(owner, part, None)
            return owner, last
    return None, last


def _put_back(owner: Any, attribute: str, own: object) -> None:
    if own is _ABSENT:
        delattr(owner, attribute)
    else:
        setattr(owner, attribute, own)
