"""Measure by memray what a model or the network allocates while a call of the recorded function asks it, at its peak.

In a run of its own: memray and the profiler that sees what is asked exclude each other. Standard library only, Python 3.9 or newer;
memray is the target environment's.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST = 3
"""Calls that are tracked of each function; the first may fill caches, and the largest counts."""
_ABSENT = object()


class Allocations:
    """Track functions while a recorded call runs: methods of what a parameter was given, or functions by their dotted names.

    `wanted` are pairs of a parameter ("" for functions) and a name; `peaks` gives the bytes of those that were called.
    """

    def __init__(self, wanted: list[list[str]], profile: str) -> None:
        self.peaks: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._wanted, self._profile, self._busy = wanted, profile, False
        self._undo: list[Callable[[], None]] = []
        self.why_not = "" if wanted else "nothing is at a boundary"
        try:
            import memray

            self._memray: Any = memray
        except ImportError as error:
            self.why_not = str(error)

    def start(self, values: Mapping[str, object]) -> None:
        """Put what tracks in the place of the functions."""
        for parameter, name in [] if self.why_not else self._wanted:
            owner, attribute = (type(values.get(parameter)), name) if parameter else _owner(name)
            original = inspect.getattr_static(owner, attribute, _ABSENT)
            if original is not _ABSENT:
                self._replace(owner, attribute, original, f"{parameter}:{name}")

    def stop(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, attribute: str, original: Any, name: str) -> None:
        inner = getattr(original, "__func__", original)
        if not callable(inner):
            return
        around = self._async_around(inner, name) if inspect.iscoroutinefunction(inner) else self._around(inner, name)
        own = vars(owner).get(attribute, _ABSENT)
        try:
            setattr(
                owner,
                attribute,
                type(original)(around) if isinstance(original, (staticmethod, classmethod)) else around,
            )
        except (AttributeError, TypeError):
            return  # a class that is written in C
        self._undo.append(functools.partial(_put_back, owner, attribute, own))

    def _around(self, inner: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(inner)
        def around(*args: Any, **kwargs: Any) -> Any:
            tracker = self._tracker(name)
            if tracker is None:
                return inner(*args, **kwargs)
            try:
                with tracker:
                    return inner(*args, **kwargs)
            finally:
                self._note(name)

        return around

    def _async_around(self, inner: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(inner)
        async def around(*args: Any, **kwargs: Any) -> Any:
            tracker = self._tracker(name)
            if tracker is None:
                return await inner(*args, **kwargs)
            try:
                with tracker:
                    return await inner(*args, **kwargs)
            finally:
                self._note(name)

        return around

    def _tracker(self, name: str) -> Any:
        """Return a tracker for a call; None within another one, and where enough is known."""
        count = self._counts.get(name, 0)
        if self._busy or count >= MOST:
            return None
        self._counts[name], self._busy = count + 1, True
        if os.path.exists(self._profile):
            os.remove(self._profile)
        return self._memray.Tracker(self._profile)

    def _note(self, name: str) -> None:
        self._busy = False
        peak = self._memray.FileReader(self._profile).metadata.peak_memory
        self.peaks[name] = max(self.peaks.get(name, 0), int(peak))


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
