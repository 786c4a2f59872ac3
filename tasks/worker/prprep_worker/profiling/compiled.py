"""Find out which functions are compiled: hooks and samplers of Python do not see their calls."""

from __future__ import annotations

import importlib.machinery
import inspect
import os
import sys
import types
from collections.abc import Iterable
from typing import Any

COMPILERS = {"cupyx", "jax", "jaxlib", "numba", "taichi", "torch", "triton"}
"""Packages whose objects run compiled code of the function that they wrap."""
TRANSPARENT = {"_functools", "builtins", "functools", "wrapt"}
"""Modules whose objects, written in C or not, run the Python function that they wrap."""
ATTRIBUTES = ("__func__", "fget", "func", "__wrapped__")


def compiled(definitions: Iterable[tuple[str, str]], tree: str) -> list[list[str]]:
    """Return those of the definitions (a path in the tree, and the name that code calls it by) that are compiled."""
    modules = _modules()
    files = ((os.path.realpath(os.path.join(tree, path)), path, name) for path, name in definitions)
    return [[path, name] for file, path, name in files if _is_compiled(modules.get(_stem(file)), file, name)]


def _is_extension(module: Any) -> bool:
    return isinstance(getattr(module, "__file__", None), str) and module.__file__.endswith(
        tuple(importlib.machinery.EXTENSION_SUFFIXES)
    )


def _is_compiled(module: Any, file: str, name: str) -> bool:
    if module is None or _is_extension(module):
        return module is not None
    owner: Any = module
    *owners, last = name.split(".")
    for part in owners:
        owner = getattr(owner, part, None)
        if _package(type(owner)) in COMPILERS:  # a class that numba compiles
            return True
    held = None if owner is None else inspect.getattr_static(owner, last, None)
    return runs_compiled(held, file)


def _modules() -> dict[str, Any]:
    """Return the modules by the paths of their source files, or of those that extensions were compiled from."""
    modules: dict[str, Any] = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if name != "__main__" and isinstance(path, str) and os.path.isabs(path):
            modules.setdefault(_stem(os.path.realpath(path)), module)
    return modules


def _stem(file: str) -> str:
    """Return a path without its endings, such as `.py` or `.cpython-312-x86_64-linux-gnu.so`."""
    folder, name = os.path.split(file)
    return os.path.join(folder, name.partition(".")[0])


def runs_compiled(held: Any, file: str) -> bool:
    """Return whether an object runs compiled code of the function of `file` that it wraps, rather than the function.

    An object that wraps none, such as a faster function that replaces that of the file, is not that function compiled.
    """
    seen, is_native = set(), False
    while held is not None and id(held) not in seen:
        seen.add(id(held))
        kind = type(held)
        if not isinstance(held, types.FunctionType):
            if _package(kind) in COMPILERS:
                return True
            is_native = is_native or _is_native(kind)
        elif hasattr(held, "_torchdynamo_orig_callable"):
            return True
        below = next(filter(None, (getattr(held, each, None) for each in ATTRIBUTES)), None)
        if below is None and isinstance(held, types.FunctionType):
            return is_native and os.path.realpath(held.__code__.co_filename) == file
        held = below
    return False


def _is_native(kind: type) -> bool:
    """Return whether calls of a type's objects are made in C, and not of a Python function."""
    owner = next((each for each in kind.__mro__ if "__call__" in vars(each)), None)
    call = vars(owner)["__call__"] if owner else None
    return isinstance(call, types.WrapperDescriptorType) and _package(owner) not in TRANSPARENT


def _package(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]
