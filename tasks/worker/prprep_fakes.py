"""See what a function asks of an object that stands for a model or the network, so that a fake can stand for it.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import inspect
import re
import sys
import tracemalloc
import types
import unittest.mock
from typing import TYPE_CHECKING, Any

import prprep_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def is_stand_in(value: object, boundaries: set[str]) -> bool:
    """Tell whether an object is what tests put in the place of a real one, or is itself at a boundary."""
    kind = type(value)
    if isinstance(value, (type, types.ModuleType)) or inspect.isroutine(value):
        return False
    if isinstance(value, unittest.mock.NonCallableMock):
        return True
    module = sys.modules.get(kind.__module__)
    if kind.__module__ == "builtins" or module is None:
        return False
    if prprep_source.TESTS.search(kind.__module__):
        return any(inspect.isfunction(held) for held in vars(kind).values())
    if kind.__module__.partition(".")[0] in boundaries:
        return True
    used = {getattr(held, "__name__", "").partition(".")[0] for held in vars(module).values() if isinstance(held, types.ModuleType)}
    return bool(used & boundaries)


def name_of(value: object, parameter: str, annotations: Mapping[str, str]) -> str:
    """Name the fake after the class that the parameter is annotated with, else after the object's own, else the parameter."""
    annotated = re.findall(r"[A-Za-z_]\w*", annotations.get(parameter, ""))
    known = [word for word in annotated if word[0].isupper() and word not in {"Any", "Optional", "None", "Union", "Callable"}]
    own = "" if isinstance(value, unittest.mock.NonCallableMock) else re.sub(r"^_?(Fake|Mock|Stub|Dummy)", "", type(value).__name__)
    return f"Fake{(known or [own or parameter.title().replace('_', '')])[0]}"


class Watch:
    """Note the methods that are called of some objects: what they are given and return, and what they allocate."""

    def __init__(self, objects: Mapping[str, object], writer: Callable[[], prprep_source.Writer]) -> None:
        self._objects, self._writer = dict(objects), writer
        self._open: list[tuple[Any, tuple[str, str], int]] = []
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}
        self._refused = ""

    def start(self) -> None:
        self._before, self._traced = sys.getprofile(), tracemalloc.is_tracing()
        if not self._traced:
            tracemalloc.start()
        sys.setprofile(self._event)

    def stop(self) -> None:
        sys.setprofile(self._before)
        if not self._traced:
            tracemalloc.stop()

    def _event(self, frame: Any, event: str, value: object) -> None:  # noqa: ANN401 - types.FrameType
        code = frame.f_code
        if event == "call" and code.co_argcount:
            asked = self._asked(code, frame.f_locals.get(code.co_varnames[0]))
            if asked is not None and not any(known is frame for known, _, _ in self._open):
                if hasattr(tracemalloc, "reset_peak"):
                    tracemalloc.reset_peak()
                self._open.append((frame, asked, tracemalloc.get_traced_memory()[0]))
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, asked, held = self._open.pop()
            # A coroutine returns each time it waits; what it returns last counts.
            self._note(asked, code, tracemalloc.get_traced_memory()[1] - held, value)

    def _asked(self, code: types.CodeType, first: object) -> tuple[str, str] | None:
        """Give parameter and method where a frame is a call of a method of one of the objects."""
        for name, held in self._objects.items():
            is_method = getattr(getattr(type(first), code.co_name, None), "__code__", None) is code
            if held is first and is_method and (not code.co_name.startswith("__") or code.co_name == "__call__"):
                return name, code.co_name
            if isinstance(first, unittest.mock.NonCallableMock) and code.co_name == "__call__" and first._mock_parent is held:  # noqa: SLF001
                return name, first._mock_name  # noqa: SLF001 - nothing public tells
        return None

    def _note(self, asked: tuple[str, str], code: types.CodeType, peak: int, value: object) -> None:
        owner, method = asked
        known = self._seen.get(asked)
        if known is not None:
            known["bytes"] = max(known["bytes"], peak)
            known["calls"] += 1
            if not known["is_async"]:
                return
        writer = self._writer()
        try:
            returned = writer.write(value, 1)
        except prprep_source.CannotWriteError as refused:
            self._refused = f"{owner}.{method} returned {prprep_source.describe(value)}: {refused}"
            returned = "None"
        names = list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
        names += ["*args"] if code.co_flags & inspect.CO_VARARGS else []
        names += ["**kwargs"] if code.co_flags & inspect.CO_VARKEYWORDS else []
        self._seen[asked] = {
            "method": method,
            "parameters": names,
            "returns": returned,
            "imports": sorted(writer.imports),
            "needs": sorted(writer.needs),
            "bytes": max(0, peak),
            "calls": 1,
            "is_async": bool(code.co_flags & inspect.CO_COROUTINE),
        }

    def fakes(self, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """Give each object's fake with its methods; raise CannotWriteError where what one returned has no spelling."""
        if self._refused:
            raise prprep_source.CannotWriteError(self._refused)
        return [
            {"name": name, "parameter": parameter, "methods": [told for (owner, _), told in self._seen.items() if owner == parameter]}
            for parameter, name in names.items()
        ]
