"""Encode the arguments of a benchmark's call as JSON (a "spelling"), and build values from varied JSON.

A spelling is a list: `["int", "3"]`, `["list", [spellings], size]`, `["dict", [[key, value], ...], size]`; `size` is
the whole size if only the first elements are spelled. `["recorded", n]` is the n-th argument as the benchmark passes
it, `["unchanged", n, name]` an object that cannot be varied and is passed as it is, `["object", module, class, fields]`
one that is built anew from its fields.
"""

from __future__ import annotations

import datetime  # noqa: ICN001 - shadows nothing
import decimal
import enum
import fractions
import os
import pathlib
import sys
import types
from typing import Any

from prprep_worker.values.anatomy import CONTAINERS, fields_of, imported, is_importable, state_of
from prprep_worker.values.places import named

Spelling = list[Any]

SPELLED_NODES = 1_000
SPELLED_CHILDREN = 24
SPELLED_CHARACTERS = 1_000
WALKED_NODES = 20_000
DEEPEST = 8
PLAIN_MODULES = {
    "numpy", "pandas", "re", "zoneinfo", "uuid", "_thread", "threading", "logging", "random", "weakref", "ipaddress",
}  # fmt: skip
"""Top-level packages whose objects are harmless inside others."""

ATOMS = {
    bool: (repr, lambda text: text == "True"),
    int: (repr, int),
    float: (repr, float),
    complex: (repr, complex),
    decimal.Decimal: (str, decimal.Decimal),
    fractions.Fraction: (str, fractions.Fraction),
    datetime.datetime: (datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    datetime.date: (datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: (datetime.time.isoformat, datetime.time.fromisoformat),
    datetime.timedelta: (
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: datetime.timedelta(*map(int, text.split())),
    ),
    range: (
        lambda value: f"{value.start} {value.stop} {value.step}",
        lambda text: range(*map(int, text.split())),
    ),
}
"""How a value of each type is spelled, and built."""
BUILT = {
    "str": str,
    "bytes": lambda text: text.encode("latin-1"),
    "bytearray": lambda text: bytearray(text.encode("latin-1")),
    **{kind.__name__: build for kind, (_, build) in ATOMS.items()},
}
COLLECTIONS = {kind.__name__: kind for kind in CONTAINERS}
PATHS = (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)
HARMLESS = (str, bytes, bytearray, type(None), type(...), slice, enum.Enum, *ATOMS, *PATHS)


class RefusedError(Exception):
    """The function must not be called again with such an argument."""


class Speller:
    """Spell arguments one by one; `unchanged` collects the objects that are passed as they are."""

    def __init__(self) -> None:
        self.unchanged: list[object] = []
        self._room = SPELLED_NODES

    def spell(self, value: object, depth: int = 0) -> Spelling:
        self._room -= 1
        if depth <= DEEPEST and self._room > 0:
            for spell in (self._atom, self._container, self._structure, self._array):
                spelled = spell(value, depth)
                if spelled is not None:
                    return spelled
        check(value)
        self.unchanged.append(value)
        return ["unchanged", len(self.unchanged) - 1, type(value).__qualname__]

    def _atom(self, value: Any, _: int) -> Spelling | None:
        kind = type(value)
        if value is None:
            return ["none"]
        if kind is str:
            if os.sep in value:
                _refuse_path(value)
            return ["str", value[:SPELLED_CHARACTERS], len(value)]
        if kind in (bytes, bytearray):
            return [kind.__name__, bytes(value[:SPELLED_CHARACTERS]).decode("latin-1"), len(value)]
        if kind in PATHS:
            if isinstance(value, pathlib.Path):
                _refuse_path(value)
            return ["path", kind.__name__, str(value)]
        if isinstance(value, enum.Enum) and is_importable(kind):
            return ["enum", kind.__module__, kind.__qualname__, value.name, list(kind.__members__)]
        return [kind.__name__, ATOMS[kind][0](value)] if kind in ATOMS else None

    def _container(self, value: Any, depth: int) -> Spelling | None:
        kind = type(value)
        if kind in CONTAINERS:
            elements = sorted(value, key=repr) if kind in (set, frozenset) else list(value)
            for element in elements[SPELLED_CHILDREN:]:
                check(element)
            children = [self.spell(element, depth + 1) for element in elements[:SPELLED_CHILDREN]]
            return [kind.__name__, children, len(elements)]
        if kind is dict:
            pairs = list(value.items())
            for pair in pairs[SPELLED_CHILDREN:]:
                check(pair)
            children = [[self.spell(part, depth + 1) for part in pair] for pair in pairs[:SPELLED_CHILDREN]]
            return ["dict", children, len(pairs)]
        return None

    def _structure(self, value: Any, depth: int) -> Spelling | None:
        kind = type(value)
        fields = fields_of(kind)
        if fields is None or not is_importable(kind):
            return None
        arguments = [
            [field.argument, self.spell(getattr(value, field.name), depth + 1)] for field in fields if field.argument
        ]
        return ["object", kind.__module__, kind.__qualname__, arguments]

    def _array(self, value: Any, _: int) -> Spelling | None:
        numpy = sys.modules.get("numpy")
        if numpy is None or type(value) is not numpy.ndarray or value.dtype.kind not in "biufcSU":
            return None
        elements = [self._atom(element, 0) for element in value.ravel()[:SPELLED_CHILDREN].tolist()]
        return ["ndarray", value.dtype.str, list(value.shape), elements]


class InputBuilder:
    """Build values from spellings; `recorded` are the benchmark's own arguments, `unchanged` the Speller's."""

    def __init__(self, recorded: list[object], unchanged: list[object]) -> None:
        self._arguments, self._objects = recorded, unchanged

    def build(self, spelling: Spelling) -> object:
        kind, *rest = spelling
        if kind in BUILT:
            return BUILT[kind](rest[0])
        if kind in COLLECTIONS:
            return COLLECTIONS[kind](map(self.build, rest[0]))
        return getattr(self, f"_{kind}")(*rest)

    def _none(self) -> None:
        return None

    def _recorded(self, number: int) -> object:
        return self._arguments[number]

    def _unchanged(self, number: int, *_: object) -> object:
        return self._objects[number]

    def _dict(self, pairs: list[list[Spelling]], *_: object) -> dict[object, object]:
        return {self.build(key): self.build(value) for key, value in pairs}

    def _path(self, kind: str, text: str) -> object:
        return getattr(pathlib, kind)(text)

    def _enum(self, module: str, name: str, member: str, *_: object) -> object:
        return _class(module, name)[member]

    def _object(self, module: str, name: str, fields: list[list[Any]]) -> object:
        return _class(module, name)(**{field: self.build(value) for field, value in fields})

    def _ndarray(self, dtype: str, shape: list[int], elements: list[Spelling]) -> object:
        # On a side that has not loaded it, nothing can be built.
        numpy = sys.modules["numpy"]
        return numpy.array([self.build(element) for element in elements], dtype=dtype).reshape(shape)


def check(value: object) -> None:
    """Raise RefusedError if a call may do more with a value than compute: files, sockets, paths, modules, callables."""
    _Check().look(value, inside=False)


class _Check:
    def __init__(self) -> None:
        self._seen: dict[int, object] = {}

    def look(self, value: object, *, inside: bool) -> None:
        """Look at a value; `inside` an object, a function or class is part of how the object works."""
        kind = type(value)
        if id(value) in self._seen or kind in ATOMS:
            return
        self._seen[id(value)] = value
        if len(self._seen) > WALKED_NODES:
            raise RefusedError(f"a {kind.__qualname__} of more than {WALKED_NODES:,} parts")
        if isinstance(value, (str, pathlib.Path)) and not inside and os.sep in str(value):
            _refuse_path(value)
        if isinstance(value, HARMLESS) or kind.__module__.partition(".")[0] in PLAIN_MODULES:
            return
        if inside and (isinstance(value, type) or callable(value)) and not hasattr(value, "__dict__"):
            return
        if inside and isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return
        for part in _parts(value):
            self.look(part, inside=inside or not isinstance(value, (*CONTAINERS, dict)))


def _parts(value: Any) -> list[object]:
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, types.ModuleType)):
        raise RefusedError(f"a {type(value).__name__} ({getattr(value, '__qualname__', None) or value.__name__})")
    state = state_of(value)
    attributes = (getattr(value, "__dict__", {}) if state is None else state).values()
    if isinstance(value, dict):
        return [*value, *value.values(), *attributes]
    if isinstance(value, CONTAINERS):
        return [*value, *attributes]
    name = type(value).__qualname__
    if hasattr(type(value), "fileno"):
        raise RefusedError(f"a {name}, which refers to something outside the process")
    if hasattr(type(value), "__next__"):
        raise RefusedError(f"a {name}, which can be consumed only once")
    if state is None:
        raise RefusedError(f"a {type(value).__module__}.{name}, which hides its state")
    return [*attributes]


def _refuse_path(path: str | pathlib.Path) -> None:
    if os.path.exists(path):
        raise RefusedError("a path that exists")
    if named(str(path)) != str(path):
        raise RefusedError("a path in a folder of this side")


def _class(module: str, name: str) -> Any:
    kind = imported(module, name)
    if not isinstance(kind, type):
        raise TypeError(f"{module}.{name} is not a class")
    return kind
