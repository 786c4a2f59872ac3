"""Measure with memray what a model or the network allocates at its peak, while the recorded function calls it.

This takes a separate run, since memray and the profiler that records boundary calls exclude each other. memray comes
from the project's environment.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import unittest.mock
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from prprep_worker.watching import wrapped

MOST = 3
"""Calls of each function that are tracked; the first may fill caches, and the largest counts."""


class Allocations:
    """Track functions while a recorded call runs: methods of an argument, or functions by their dotted names.

    `wanted` are pairs of a parameter ("" for functions) and a name; `peaks` holds the bytes of those that were called.
    """

    def __init__(self, wanted: list[list[str]], profile: str) -> None:
        self.peaks: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._wanted, self._profile, self._is_tracking = wanted, profile, False
        self._replaced = contextlib.ExitStack()
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
            original = inspect.getattr_static(owner, attribute, None)
            inner = getattr(original, "__func__", original)
            if callable(inner):
                wrapper: Any = wrapped(inner, functools.partial(self._tracked, f"{parameter}:{name}"))
                if isinstance(original, (staticmethod, classmethod)):
                    wrapper = type(original)(wrapper)
                # A class that is written in C refuses it.
                with contextlib.suppress(AttributeError, TypeError):
                    self._replaced.enter_context(unittest.mock.patch.object(owner, attribute, wrapper))

    def stop(self) -> None:
        self._replaced.close()

    @contextlib.contextmanager
    def _tracked(self, name: str, *_arguments: object) -> Iterator[None]:
        """Track a call, unless another one is being tracked, or enough of this function's were."""
        if self._is_tracking or self._counts[name] >= MOST:
            yield
            return
        self._counts[name] += 1
        self._is_tracking = True
        if os.path.exists(self._profile):
            os.remove(self._profile)
        try:
            with self._memray.Tracker(self._profile):
                yield
        finally:
            self._is_tracking = False
            peak = self._memray.FileReader(self._profile).metadata.peak_memory
            self.peaks[name] = max(self.peaks.get(name, 0), int(peak))


def _owner(dotted: str) -> tuple[Any, str]:
    """Return the module or class that holds a function (`shop.requests.get`), None if missing, and its name there."""
    *parts, last = dotted.split(".")
    for count in range(len(parts), 0, -1):
        # Only what is loaded: importing it here would run the project's code.
        owner: Any = sys.modules.get(".".join(parts[:count]))
        if owner is not None:
            return functools.reduce(lambda inner, part: getattr(inner, part, None), parts[count:], owner), last
    return None, last
