"""Find functions by line or name as soon as their modules were executed, and replace them by wrappers."""

from __future__ import annotations

import contextlib
import gc
import importlib.abc
import importlib.util
import inspect
import os
import sys
import types
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

DEEPEST = 16
"""Decorators of a function; a decorated one may refer to itself."""


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

    def replace(self, wrapper: Callable[..., Any]) -> None:
        """Put a wrapper in the function's place, also in closures of decorators that keep `__wrapped__`."""
        accessors = [self.held.fget, self.held.fset, self.held.fdel] if isinstance(self.held, property) else []
        decorated = getattr(self.held, "__func__", self.held)
        if accessors:
            replaced = (wrapper if each is self.function else each for each in accessors)
            setattr(self.owner, self.name, property(*replaced, self.held.__doc__))
        elif decorated is self.function:
            is_method = isinstance(self.held, (staticmethod, classmethod))
            setattr(self.owner, self.name, type(self.held)(wrapper) if is_method else wrapper)
        for each in accessors or [decorated]:
            _replace_in_closures(each, self.function, wrapper)
        _replace_implementation(self.held, self.function, wrapper)


def find_functions(module: types.ModuleType, wanted: Sequence[WantedFunction]) -> Iterator[HeldFunction | None]:
    """Yield the functions of a module, also those that a class inherits; None for what is no Python function.

    One may be replaced before the next is looked up: what holds both would lose the first replacement else.
    """
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


def _replace_in_closures(held: Any, function: types.FunctionType, wrapper: Callable[..., Any]) -> None:
    for _ in range(DEEPEST):
        for cell in getattr(held, "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # it is empty
                if cell.cell_contents is function:
                    cell.cell_contents = wrapper
        held = getattr(held, "__wrapped__", None)


def _replace_implementation(held: Any, function: types.FunctionType, wrapper: Callable[..., Any]) -> None:
    """Replace one of the implementations of a generic function or method, of `functools` or by another dispatcher."""
    generic = getattr(held, "dispatcher", held)
    for kind, implementation in list(getattr(generic, "registry", {}).items()):
        if innermost(implementation) is function:
            is_method = isinstance(implementation, (staticmethod, classmethod))
            generic.register(kind, type(implementation)(wrapper) if is_method else wrapper)
    for table in list(getattr(held, "__dict__", {}).values()):
        if type(table) is dict:
            table.update({kind: wrapper for kind, implementation in table.items() if implementation is function})


def innermost(held: object) -> types.FunctionType | None:
    """Return the function below static methods, properties and decorators that keep `__wrapped__`."""
    for attribute in ("__func__", "fget", "func"):
        held = getattr(held, attribute, None) or held
    try:
        held = inspect.unwrap(held)
    except ValueError:  # it wraps itself
        return None
    return held if isinstance(held, types.FunctionType) else None
