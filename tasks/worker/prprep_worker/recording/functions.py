"""Find functions by line or name as soon as their modules were executed, and divert their calls to wrappers."""

from __future__ import annotations

import builtins
import copy
import functools
import gc
import importlib.abc
import importlib.util
import inspect
import os
import sys
import types
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

WRAPPERS = "__prprep_wrappers__"
"""The name by which diverted code finds wrappers, among the builtins: its own globals are those of a module."""
CALL = f"{WRAPPERS}[{{}}](*args, **kwargs)"
_wrappers: list[Callable[..., Any]] = []


class ModuleWatch(importlib.abc.MetaPathFinder):
    """Call `executed` with each module of these names, now or as soon as it was executed, before others import it."""

    def __init__(self, names: Collection[str], executed: Callable[[types.ModuleType], None]) -> None:
        self._names, self._executed = names, executed
        self._is_searching = False
        sys.meta_path.insert(0, self)
        for name in names:
            if name in sys.modules:
                executed(sys.modules[name])

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> Any:
        if name not in self._names or self._is_searching:
            return None
        self._is_searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._is_searching = False
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        execute = spec.loader.exec_module

        def execute_and_watch(module: types.ModuleType) -> None:
            execute(module)
            self._executed(module)

        # Other modules may have the same loader: pytest has one for all plugins, of which the project may be one.
        spec.loader = copy.copy(spec.loader)
        spec.loader.exec_module = execute_and_watch
        return spec


class WantedFunction(NamedTuple):
    """A function as code calls it, `called` in a `module`; its file and first line, since others may have that name."""

    module: str
    called: str
    file: str = ""
    line: int = 0

    @classmethod
    def of(cls, message: dict[str, Any]) -> WantedFunction:
        """Read JSON: `called` (`module:Qualified.name`), `file` (a real path) and `line`, "" and 0 if unknown."""
        module, _, called = message["called"].partition(":")
        return cls(module, called, message["file"], message["line"])


class HeldFunction(NamedTuple):
    """A function and what holds it: the `owner` has an attribute `name`, which is `held`."""

    owner: Any
    name: str
    held: Any
    function: types.FunctionType


def divert(function: types.FunctionType, wrap: Callable[[types.FunctionType], Callable[..., Any]]) -> None:
    """Let all that hold a function call a wrapper of it: tables, partial functions and decorators may hold it, too.

    `wrap` gets a function with the original code.
    """
    code = function.__code__
    original = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(original, function)
    del original.__wrapped__
    number = len(_wrappers)
    _wrappers.append(wrap(original))
    kinds = {inspect.CO_COROUTINE: f"await {CALL}", inspect.CO_GENERATOR: f"(yield from {CALL})"}
    called = next((call for flag, call in kinds.items() if code.co_flags & flag), CALL).format(number)
    source = f"{'async ' if 'await' in called else ''}def diverted(*args, **kwargs): return {called}"
    namespace: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), namespace)  # noqa: S102 - it is written here
    # A function's code must have the variables of its closure.
    diverted = namespace["diverted"].__code__.replace(co_name=code.co_name, co_freevars=code.co_freevars)
    function.__code__ = diverted
    function.__wrapped__ = original  # type: ignore[attr-defined]
    setattr(builtins, WRAPPERS, _wrappers)


def find_functions(module: types.ModuleType, wanted: Sequence[WantedFunction]) -> Iterator[HeldFunction | None]:
    """Yield the functions of a module, also those that a class inherits; None for what is no Python function."""
    at_lines = _functions_at({(each.file, each.line) for each in wanted if each.line})
    for each in wanted:
        yield _held(module, each.called, at_lines.get((each.file, each.line)))


def _held(module: types.ModuleType, called: str, function: types.FunctionType | None) -> HeldFunction | None:
    *owners, name = called.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part, None)
    held = inspect.getattr_static(owner, name, None) if owner is not None else None
    function = function or innermost(held)
    return None if function is None else HeldFunction(owner, name, held, function)


def _functions_at(places: Collection[tuple[str, int]]) -> dict[tuple[str, int], types.FunctionType]:
    """Return the functions that begin at these lines of files: a name may be that of several, or of none."""
    lines = {line for _, line in places}
    functions = (each for each in gc.get_objects() if type(each) is types.FunctionType) if lines else ()
    found: dict[tuple[str, int], types.FunctionType] = {}
    for function in functions:
        code = function.__code__
        if code.co_firstlineno in lines:
            place = os.path.realpath(code.co_filename), code.co_firstlineno
            if place in places:
                found.setdefault(place, function)
    return found


def with_code_of(function: types.FunctionType) -> list[types.FunctionType]:
    """Return a function and all others with its code: each call of an outer function makes its inner ones anew."""
    others = (each for each in gc.get_referrers(function.__code__) if type(each) is types.FunctionType)
    return [function, *(each for each in others if each is not function)]


def code_inside(module: types.ModuleType, wanted: WantedFunction) -> types.CodeType | None:
    """Return the code of an inner function, even if it was not made yet; None if `wanted` is no inner function."""
    owner: Any = module
    *outer, name = wanted.called.split(".")
    for part in outer:
        owner = getattr(owner, part, None)
        function = None if isinstance(owner, type) else innermost(owner)
        if function is not None:
            codes = _codes_inside(function.__code__)
            return next((each for each in codes if (each.co_name, each.co_firstlineno) == (name, wanted.line)), None)
    return None


def _codes_inside(code: types.CodeType) -> Iterator[types.CodeType]:
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield each
            yield from _codes_inside(each)


def innermost(held: object) -> types.FunctionType | None:
    """Return the function below static methods, properties and decorators that keep `__wrapped__`."""
    for attribute in ("__func__", "fget", "func"):
        held = getattr(held, attribute, None) or held
    try:
        held = inspect.unwrap(held)
    except ValueError:  # it wraps itself
        return None
    return held if isinstance(held, types.FunctionType) else None
