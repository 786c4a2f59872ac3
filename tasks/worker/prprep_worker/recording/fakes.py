"""Record what a function calls on models and the network, so that a fake can replace them.

A boundary is a package of a model or the network; an object is at a boundary if it is of such a package, uses one, or
is what a test passes instead.
"""

from __future__ import annotations

import inspect
import re
import resource
import sys
import tracemalloc
import types
import unittest.mock
from collections.abc import Callable, Mapping
from typing import Any

from prprep_worker.values.anatomy import summary
from prprep_worker.values.errors import CannotWriteError
from prprep_worker.values.source import TESTS, Writer
from prprep_worker.watching import parameters, profiled

Name = tuple[str, str]
"""A parameter and a method of it; or "" and the dotted name of a function."""


def is_at_boundary(value: object, boundaries: set[str]) -> bool:
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
    methods = [held for held in vars(kind).values() if isinstance(held, types.FunctionType)]
    return any(names & set(method.__code__.co_names) for method in methods)


def _package(held: object) -> str:
    """Return the top-level package that a name of a module comes from."""
    name = held.__name__ if isinstance(held, types.ModuleType) else getattr(held, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def fake_name(value: object, parameter: str, annotations: Mapping[str, str]) -> str:
    """Name a fake after the class in the parameter's annotation, else after the object's class, else the parameter."""
    for word in re.findall(r"[A-Za-z_]\w*", annotations.get(parameter, "")):
        if word[0].isupper() and word not in {"Any", "Optional", "None", "Union", "Callable"}:
            return f"Fake{word}"
    is_mock = isinstance(value, unittest.mock.NonCallableMock)
    own = "" if is_mock else re.sub(r"^_?(Fake|Mock|Stub|Dummy)", "", type(value).__name__)
    return f"Fake{own or parameter.title().replace('_', '')}"


class BoundaryWatch:
    """Note calls of methods of objects at a boundary, and of functions at a boundary by code of the project, in `tree`.

    Noted is what such a call returns, and the most that it allocates: by tracemalloc, and by the growth of the peak of
    resident memory, which includes native code (memray and a profiler exclude each other).
    """

    def __init__(
        self, objects: Mapping[str, object], new_writer: Callable[[], Writer], tree: str, boundaries: set[str]
    ) -> None:
        self._objects, self._new_writer = dict(objects), new_writer
        self._tree, self._boundaries = tree + "/", boundaries
        self._open: list[tuple[Any, Name, int, int]] = []
        self._methods: dict[Name, dict[str, Any]] = {}
        self._unwritten = ""
        self._names: dict[tuple[types.CodeType, str], str] = {}
        self._profiled = profiled(self._event)

    def start(self) -> None:
        self._profiled.__enter__()

    def stop(self) -> None:
        self._profiled.__exit__(None, None, None)

    def _event(self, frame: Any, event: str, value: object) -> None:
        if event == "call":
            if not any(entered is frame for entered, *_ in self._open):
                self._begin(frame)
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, name, held, resident = self._open.pop()
            peak = max(tracemalloc.get_traced_memory()[1] - held, _peak_resident() - resident)
            # A coroutine returns each time it waits; what it returns last counts.
            self._note(name, frame.f_code, peak, value)

    def _begin(self, frame: Any) -> None:
        code = frame.f_code
        name = self._method(code, frame.f_locals.get(code.co_varnames[0])) if code.co_argcount else None
        if name is None and not self._open:
            name = self._function(frame)
        if name is not None:
            tracemalloc.reset_peak()
            self._open.append((frame, name, tracemalloc.get_traced_memory()[0], _peak_resident()))

    def _method(self, code: types.CodeType, first: object) -> Name | None:
        """Return parameter and method if a frame is a call of a method of one of the objects."""
        for parameter, held in self._objects.items():
            is_method = getattr(getattr(type(first), code.co_name, None), "__code__", None) is code
            if held is first and is_method and (not code.co_name.startswith("__") or code.co_name == "__call__"):
                return parameter, code.co_name
            is_mock = isinstance(first, unittest.mock.NonCallableMock) and code.co_name == "__call__"
            if is_mock and first._mock_parent is held:  # noqa: SLF001 - there is no public name
                return parameter, first._mock_name  # noqa: SLF001 - likewise
        return None

    def _function(self, frame: Any) -> Name | None:
        """Return the name of a function at a boundary, or its replacement by a test, that the project calls."""
        caller, module = frame.f_back, frame.f_globals.get("__name__") or ""
        if caller is None or not caller.f_code.co_filename.startswith(self._tree):
            return None
        user = caller.f_globals.get("__name__") or ""
        is_called_by_test = bool(TESTS.search(user))
        if is_called_by_test or not (module.partition(".")[0] in self._boundaries or TESTS.search(module)):
            return None
        key = frame.f_code, user
        if key not in self._names:
            self._names[key] = _dotted_name(frame.f_code, user, caller.f_globals, self._boundaries)
        return ("", self._names[key]) if self._names[key] else None

    def _note(self, name: Name, code: types.CodeType, peak: int, value: object) -> None:
        known = self._methods.get(name)
        if known is not None:
            known["bytes"] = max(known["bytes"], peak)
            known["calls"] += 1
            if not known["is_async"]:
                return
        owner, method = name
        writer = self._new_writer()
        try:
            returned = writer.expression(value)
        except CannotWriteError as refused:
            self._unwritten = f"{'.'.join(filter(None, name))} returned {summary(value)}: {refused}"
            returned = "None"
        stars = {"args": "*args", "kwargs": "**kwargs"}
        names = [stars.get(kind, parameter) for parameter, kind in parameters(code).items()]
        self._methods[name] = {
            "method": method,
            "parameters": names[1:] if owner else ["*args", "**kwargs"],
            "returns": returned,
            "imports": sorted(writer.imports),
            "needs": sorted(writer.needs),
            "bytes": max(0, peak),
            "calls": 1,
            "is_async": bool(code.co_flags & inspect.CO_COROUTINE),
        }

    def fakes(self, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return each object's fake with its methods, and one without a name for functions.

        Raise CannotWriteError if a returned value cannot be written as code.
        """
        if self._unwritten:
            raise CannotWriteError(self._unwritten)
        methods: dict[str, list[dict[str, Any]]] = {parameter: [] for parameter in names}
        for (parameter, _), method in self._methods.items():
            methods.setdefault(parameter, []).append(method)
        return [
            {"name": names.get(parameter, ""), "parameter": parameter, "methods": each}
            for parameter, each in methods.items()
        ]


def _peak_resident() -> int:
    """Return the most memory that the process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def _dotted_name(code: types.CodeType, user: str, names: Mapping[str, object], boundaries: set[str]) -> str:
    """Return the dotted name by which a module calls a function: `shop.get`, or that of a module or class in it."""
    for name, held in names.items():
        if _code(held) is code and _belongs_to_boundary(held, name, boundaries):
            return f"{user}.{name}"
    for name, held in names.items():
        is_module = isinstance(held, types.ModuleType) and held.__name__.partition(".")[0] in boundaries
        if is_module or isinstance(held, type):
            for attribute, inner in list(vars(held).items()):
                if _code(inner) is code:
                    return f"{user}.{name}.{attribute}"
    return ""


def _belongs_to_boundary(held: object, name: str, boundaries: set[str]) -> bool:
    module = getattr(held, "__module__", "") or ""
    return module.partition(".")[0] in boundaries or bool(TESTS.search(module)) or name in boundaries


def _code(held: object) -> object:
    held = getattr(held, "__func__", held)
    return getattr(inspect.unwrap(held) if callable(held) and not isinstance(held, type) else held, "__code__", None)
