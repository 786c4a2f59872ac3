"""See what a function asks of an object that stands for a model or the network, so that a fake can stand for it.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import inspect
import re
import resource
import sys
import tracemalloc
import types
import unittest.mock
from typing import TYPE_CHECKING, Any

from prprep_worker.values.sizes import summary
from prprep_worker.values.source import TESTS, CannotWriteError, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def is_stand_in(value: object, boundaries: set[str]) -> bool:
    """Return whether an object is what tests put in the place of a real one, or is itself at a boundary."""
    kind = type(value)
    if isinstance(value, (type, types.ModuleType)) or inspect.isroutine(value):
        return False
    if isinstance(value, unittest.mock.NonCallableMock):
        return True
    module = sys.modules.get(kind.__module__)
    if kind.__module__ == "builtins" or module is None:
        return False
    if TESTS.search(kind.__module__):
        return any(inspect.isfunction(held) for held in vars(kind).values())
    if kind.__module__.partition(".")[0] in boundaries:
        return True
    names = {name for name, held in vars(module).items() if _package(held) in boundaries}
    return any(
        names & set(held.__code__.co_names) for held in vars(kind).values() if isinstance(held, types.FunctionType)
    )


def _package(held: object) -> str:
    """Return the top-level package that a name of a module comes from."""
    named = held.__name__ if isinstance(held, types.ModuleType) else getattr(held, "__module__", None)
    return named.partition(".")[0] if isinstance(named, str) else ""


def name_of(value: object, parameter: str, annotations: Mapping[str, str]) -> str:
    """Name the fake after the class that the parameter is annotated with, else after the object's own, else the parameter."""
    annotated = re.findall(r"[A-Za-z_]\w*", annotations.get(parameter, ""))
    known = [
        word for word in annotated if word[0].isupper() and word not in {"Any", "Optional", "None", "Union", "Callable"}
    ]
    own = (
        ""
        if isinstance(value, unittest.mock.NonCallableMock)
        else re.sub(r"^_?(Fake|Mock|Stub|Dummy)", "", type(value).__name__)
    )
    return f"Fake{(known or [own or parameter.title().replace('_', '')])[0]}"


class Watch:
    """Note what a call asks of models and the network: methods of objects that it is given, and functions that the project calls.

    `tree` is the project's; of what is called, it is kept what it returns, and the most that it allocates: by tracemalloc, and by how
    far the peak of resident memory rises, which shows what native code takes (memray and a profiler exclude each other).
    """

    def __init__(
        self, objects: Mapping[str, object], writer: Callable[[], Writer], tree: str, boundaries: set[str]
    ) -> None:
        self._objects, self._writer, self._tree, self._boundaries = dict(objects), writer, tree + "/", boundaries
        self._open: list[tuple[Any, tuple[str, str], int, int]] = []
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}
        self._refused = ""
        self._named: dict[tuple[types.CodeType, str], str] = {}

    def start(self) -> None:
        self._before, self._traced = sys.getprofile(), tracemalloc.is_tracing()
        if not self._traced:
            tracemalloc.start()
        sys.setprofile(self._event)

    def stop(self) -> None:
        sys.setprofile(self._before)
        if not self._traced:
            tracemalloc.stop()

    def _event(self, frame: Any, event: str, value: object) -> None:
        if event == "call":
            if not any(known is frame for known, *_ in self._open):
                self._begin(frame)
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, asked, held, resident = self._open.pop()
            peak = max(tracemalloc.get_traced_memory()[1] - held, _resident() - resident)
            # A coroutine returns each time it waits; what it returns last counts.
            self._note(asked, frame.f_code, peak, value)

    def _begin(self, frame: Any) -> None:
        code = frame.f_code
        asked = self._method(code, frame.f_locals.get(code.co_varnames[0])) if code.co_argcount else None
        if asked is None and not self._open:
            asked = self._function(frame)
        if asked is not None:
            if hasattr(tracemalloc, "reset_peak"):
                tracemalloc.reset_peak()
            self._open.append((frame, asked, tracemalloc.get_traced_memory()[0], _resident()))

    def _method(self, code: types.CodeType, first: object) -> tuple[str, str] | None:
        """Return parameter and method where a frame is a call of a method of one of the objects."""
        for name, held in self._objects.items():
            is_method = getattr(getattr(type(first), code.co_name, None), "__code__", None) is code
            if held is first and is_method and (not code.co_name.startswith("__") or code.co_name == "__call__"):
                return name, code.co_name
            is_mock = isinstance(first, unittest.mock.NonCallableMock) and code.co_name == "__call__"
            if is_mock and first._mock_parent is held:  # noqa: SLF001 - nothing public tells
                return name, first._mock_name  # noqa: SLF001 - nothing public tells
        return None

    def _function(self, frame: Any) -> tuple[str, str] | None:
        """Return the name of a function at a boundary that the project's own code calls, or that a test has put in its place."""
        caller, module = frame.f_back, frame.f_globals.get("__name__") or ""
        if caller is None or not caller.f_code.co_filename.startswith(self._tree):
            return None
        user = caller.f_globals.get("__name__") or ""
        at_boundary = module.partition(".")[0] in self._boundaries
        if TESTS.search(user) or not (at_boundary or TESTS.search(module)):
            return None
        key = frame.f_code, user
        if key not in self._named:
            self._named[key] = _dotted(frame.f_code, user, caller.f_globals, self._boundaries)
        return ("", self._named[key]) if self._named[key] else None

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
            returned = writer.expression(value)
        except CannotWriteError as refused:
            self._refused = f"{'.'.join(filter(None, asked))} returned {summary(value)}: {refused}"
            returned = "None"
        names = list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
        names += ["*args"] if code.co_flags & inspect.CO_VARARGS else []
        names += ["**kwargs"] if code.co_flags & inspect.CO_VARKEYWORDS else []
        self._seen[asked] = {
            "method": method,
            "parameters": names if owner else ["*args", "**kwargs"],
            "returns": returned,
            "imports": sorted(writer.imports),
            "needs": sorted(writer.needs),
            "bytes": max(0, peak),
            "calls": 1,
            "is_async": bool(code.co_flags & inspect.CO_COROUTINE),
        }

    def fakes(self, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return each object's fake with its methods, and one without a parameter for functions; raise CannotWriteError.

        That is where what one of them returned has no spelling.
        """
        if self._refused:
            raise CannotWriteError(self._refused)
        functions = [told for (owner, _), told in self._seen.items() if not owner]
        return [
            *(
                {
                    "name": name,
                    "parameter": parameter,
                    "methods": [told for (owner, _), told in self._seen.items() if owner == parameter],
                }
                for parameter, name in names.items()
            ),
            *([{"name": "", "parameter": "", "methods": functions}] if functions else []),
        ]


def _resident() -> int:
    """Return the most memory that the process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def _dotted(code: types.CodeType, user: str, names: Mapping[str, object], boundaries: set[str]) -> str:
    """Return the dotted name by which a module calls a function: its own (`shop.get`), or one of a module or class that it has."""
    for name, held in names.items():
        if _code(held) is code and _is_at(held, name, boundaries):
            return f"{user}.{name}"
    for name, held in names.items():
        if isinstance(held, (types.ModuleType, type)) and (
            isinstance(held, type) or held.__name__.partition(".")[0] in boundaries
        ):
            for attribute, inner in list(vars(held).items()):
                if _code(inner) is code:
                    return f"{user}.{name}.{attribute}"
    return ""


def _is_at(held: object, name: str, boundaries: set[str]) -> bool:
    """Return whether a name of a module is one of the boundary's: by where its object is from, or by what the name was before."""
    module = getattr(held, "__module__", "") or ""
    return module.partition(".")[0] in boundaries or bool(TESTS.search(module)) or name in boundaries


def _code(held: object) -> object:
    held = getattr(held, "__func__", held)
    return getattr(inspect.unwrap(held) if callable(held) and not isinstance(held, type) else held, "__code__", None)
