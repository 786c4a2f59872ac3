"""Find functions by name as soon as their modules were executed, and replace them by wrappers."""

from __future__ import annotations

import importlib.abc
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable, Collection
from typing import Any, NamedTuple


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


class HeldFunction(NamedTuple):
    """A function and what holds it: the `owner` has an attribute `name`, which is `held`."""

    owner: Any
    name: str
    held: Any
    function: types.FunctionType

    def replace(self, wrapper: Callable[..., Any]) -> None:
        """Put a wrapper in the function's place; what other decorators hold stays as it is."""
        if isinstance(self.held, (staticmethod, classmethod)):
            setattr(self.owner, self.name, type(self.held)(wrapper))
        elif isinstance(self.held, property):
            setattr(self.owner, self.name, property(wrapper, self.held.fset, self.held.fdel, self.held.__doc__))
        elif self.held is self.function:
            setattr(self.owner, self.name, wrapper)


def find_function(module: types.ModuleType, qualified_name: str) -> HeldFunction | None:
    """Return the function of a module, also one that a class inherits; None if there is no such Python function."""
    *owners, name = qualified_name.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part, None)
    held = inspect.getattr_static(owner, name, None) if owner is not None else None
    function = innermost(held)
    return None if function is None else HeldFunction(owner, name, held, function)


def innermost(held: object) -> types.FunctionType | None:
    """Return the function below static methods, properties and decorators that keep `__wrapped__`."""
    for attribute in ("__func__", "fget", "func"):
        held = getattr(held, attribute, None) or held
    try:
        held = inspect.unwrap(held)
    except ValueError:  # it wraps itself
        return None
    return held if isinstance(held, types.FunctionType) else None
