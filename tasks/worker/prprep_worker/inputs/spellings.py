"""Spell the arguments of a benchmark's call as JSON, and build values from JSON that was varied.

A spelling is a list: `["int", "3"]`, `["list", [spellings], size]`, `["dict", [[key, value], ...], size]`; `size` is the
whole size where only the first elements are spelled. `["recorded", n]` stands for the n-th argument as the benchmark
passes it, `["kept", n, name]` for an object that cannot be varied and is passed as it is. Standard library only, Python
3.9 or newer.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime  # noqa: ICN001 - shadows nothing
import decimal
import enum
import fractions
import os
import pathlib
import sys
import types
from typing import TYPE_CHECKING, Any

from prprep_worker.values.state import state_of

if TYPE_CHECKING:
    Spelling = list[Any]

SPELLED_NODES = 1_000
SPELLED_CHILDREN = 24
SPELLED_CHARACTERS = 1_000
WALKED_NODES = 20_000
DEEPEST = 8
PLAIN_MODULES = (
    "numpy",
    "pandas",
    "re",
    "zoneinfo",
    "uuid",
    "_thread",
    "threading",
    "logging",
    "random",
    "weakref",
    "ipaddress",
)
"""Top-level modules whose objects, inside others, do no more than to hold something."""

ATOMS = {
    bool: repr,
    int: repr,
    float: repr,
    complex: repr,
    decimal.Decimal: str,
    fractions.Fraction: str,
    datetime.datetime: datetime.datetime.isoformat,
    datetime.date: datetime.date.isoformat,
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: lambda value: f"{value.days} {value.seconds} {value.microseconds}",
    range: lambda value: f"{value.start} {value.stop} {value.step}",
}
BUILT = {
    "bool": lambda text: text == "True",
    "int": int,
    "float": float,
    "complex": complex,
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": lambda text: datetime.timedelta(*map(int, text.split())),
    "range": lambda text: range(*map(int, text.split())),
}
CONTAINERS = (list, tuple, set, frozenset, collections.deque)
PATHS = (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)
HARMLESS = (str, bytes, bytearray, type(None), type(...), slice, enum.Enum, *ATOMS, *PATHS)


class RefusedError(Exception):
    """An argument is of a kind with which no further calls may be made."""


class BuildError(Exception):
    """A value cannot be built on this side."""


class Speller:
    """Spell arguments one after the other; `kept` collects what is passed as it is."""

    def __init__(self) -> None:
        self.kept: list[object] = []
        self._room = SPELLED_NODES

    def spell(self, value: object, depth: int = 0) -> Spelling:
        self._room -= 1
        if depth <= DEEPEST and self._room > 0:
            for spell in (self._atom, self._container, self._structure, self._array):
                spelled = spell(value, depth)
                if spelled is not None:
                    return spelled
        check(value)
        self.kept.append(value)
        return ["kept", len(self.kept) - 1, type(value).__qualname__]

    def _atom(self, value: Any, _: int) -> Spelling | None:
        kind = type(value)
        if value is None:
            return ["none"]
        if kind is str:
            if os.sep in value and _exists(value):
                raise RefusedError("a path that exists")
            return ["str", value[:SPELLED_CHARACTERS], len(value)]
        if kind in (bytes, bytearray):
            return [kind.__name__, bytes(value[:SPELLED_CHARACTERS]).decode("latin-1"), len(value)]
        if kind in PATHS:
            if isinstance(value, pathlib.Path) and _exists(value):
                raise RefusedError("a path that exists")
            return ["path", kind.__name__, str(value)]
        if isinstance(value, enum.Enum) and _is_importable(kind):
            return ["enum", *_place(kind), value.name, list(kind.__members__)]
        return [kind.__name__, ATOMS[kind](value)] if kind in ATOMS else None

    def _container(self, value: Any, depth: int) -> Spelling | None:
        kind = type(value)
        if kind in CONTAINERS:
            elements = sorted(value, key=repr) if kind in (set, frozenset) else list(value)
            for element in elements[SPELLED_CHILDREN:]:
                check(element)
            return [
                kind.__name__,
                [self.spell(element, depth + 1) for element in elements[:SPELLED_CHILDREN]],
                len(elements),
            ]
        if kind is dict:
            pairs = list(value.items())
            for pair in pairs[SPELLED_CHILDREN:]:
                check(pair)
            first = [
                [self.spell(key, depth + 1), self.spell(inner, depth + 1)] for key, inner in pairs[:SPELLED_CHILDREN]
            ]
            return ["dict", first, len(pairs)]
        return None

    def _structure(self, value: Any, depth: int) -> Spelling | None:
        names = fields_of(type(value))
        if names is None or not _is_importable(type(value)):
            return None
        return [
            "made",
            *_place(type(value)),
            [[given, self.spell(getattr(value, name), depth + 1)] for name, given in names],
        ]

    def _array(self, value: Any, _: int) -> Spelling | None:
        numpy = sys.modules.get("numpy")
        if numpy is None or type(value) is not numpy.ndarray or value.dtype.kind not in "biufcSU":
            return None
        elements = [self._atom(element, 0) for element in value.ravel()[:SPELLED_CHILDREN].tolist()]
        return ["ndarray", value.dtype.str, list(value.shape), elements]


class Builder:
    """Build values from spellings; `recorded` are the benchmark's own arguments, `kept` what the Speller kept."""

    def __init__(self, recorded: list[object], kept: list[object]) -> None:
        self._recorded, self._kept = recorded, kept

    def build(self, spelling: Spelling) -> object:
        kind, *rest = spelling
        if kind in BUILT:
            return BUILT[kind](rest[0])
        if kind == "recorded":
            return self._recorded[rest[0]]
        if kind == "kept":
            return self._kept[rest[0]]
        return getattr(self, f"_{kind}")(*rest)

    def _none(self) -> None:
        return None

    def _str(self, text: str, *_: object) -> str:
        return text

    def _bytes(self, text: str, *_: object) -> bytes:
        return text.encode("latin-1")

    def _bytearray(self, text: str, *_: object) -> bytearray:
        return bytearray(self._bytes(text))

    def _list(self, elements: list[Spelling], *_: object) -> list[object]:
        return [self.build(element) for element in elements]

    def _tuple(self, elements: list[Spelling], *_: object) -> tuple[object, ...]:
        return tuple(self._list(elements))

    def _set(self, elements: list[Spelling], *_: object) -> set[object]:
        return set(self._list(elements))

    def _frozenset(self, elements: list[Spelling], *_: object) -> frozenset[object]:
        return frozenset(self._list(elements))

    def _deque(self, elements: list[Spelling], *_: object) -> collections.deque[object]:
        return collections.deque(self._list(elements))

    def _dict(self, pairs: list[list[Spelling]], *_: object) -> dict[object, object]:
        return {self.build(key): self.build(value) for key, value in pairs}

    def _path(self, kind: str, text: str) -> object:
        return getattr(pathlib, kind)(text)

    def _enum(self, module: str, name: str, member: str, *_: object) -> object:
        return _class(module, name)[member]

    def _made(self, module: str, name: str, fields: list[list[Any]]) -> object:
        return _class(module, name)(**{field: self.build(value) for field, value in fields})

    def _ndarray(self, dtype: str, shape: list[int], elements: list[Spelling]) -> object:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            raise BuildError("numpy is not loaded")
        return numpy.array([self.build(element) for element in elements], dtype=dtype).reshape(shape)


def fields_of(kind: type) -> list[tuple[str, str]] | None:
    """Return attribute and argument name of what a dataclass, attrs class or named tuple is made from."""
    if dataclasses.is_dataclass(kind):
        return [(field.name, field.name) for field in dataclasses.fields(kind) if field.init]
    if isinstance(attributes := getattr(kind, "__attrs_attrs__", None), tuple):
        taken = [attribute for attribute in attributes if attribute.init]
        return [
            (attribute.name, getattr(attribute, "alias", None) or attribute.name.lstrip("_")) for attribute in taken
        ]
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return [(name, name) for name in kind._fields]
    return None


def check(value: object) -> None:
    """Raise RefusedError where a call may do more with a value than to compute: files, sockets, paths, modules, callables."""
    _Check().look(value, inside=False)


class _Check:
    def __init__(self) -> None:
        self._seen: dict[int, object] = {}

    def look(self, value: object, *, inside: bool) -> None:
        """Look at a value; `inside` an object, a function or a class is no argument, but how the object works."""
        kind = type(value)
        if id(value) in self._seen or kind in ATOMS:
            return
        self._seen[id(value)] = value
        if len(self._seen) > WALKED_NODES:
            raise RefusedError(f"a {kind.__qualname__} of more than {WALKED_NODES:,} parts")
        if isinstance(value, (str, pathlib.Path)) and not inside and (os.sep in str(value)) and _exists(value):
            raise RefusedError("a path that exists")
        if isinstance(value, HARMLESS) or kind.__module__.partition(".")[0] in PLAIN_MODULES:
            return
        if inside and (isinstance(value, type) or callable(value)) and not hasattr(value, "__dict__"):
            return
        if inside and isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return
        for part in self._parts(value):
            self.look(part, inside=inside or not isinstance(value, (*CONTAINERS, dict)))

    def _parts(self, value: object) -> list[object]:
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, types.ModuleType)):
            raise RefusedError(f"a {type(value).__name__} ({getattr(value, '__qualname__', None) or value.__name__})")
        state = _attributes(value)
        if isinstance(value, dict):
            return [*value, *value.values(), *state]
        if isinstance(value, CONTAINERS):
            return [*value, *state]
        if hasattr(type(value), "fileno"):
            raise RefusedError(f"a {type(value).__qualname__}, which stands for something outside the process")
        if hasattr(type(value), "__next__"):
            raise RefusedError(f"a {type(value).__qualname__}, which can be consumed only once")
        if state_of(value) is None:
            raise RefusedError(f"a {type(value).__module__}.{type(value).__qualname__}, which cannot be looked into")
        return state


def _attributes(value: object) -> list[object]:
    state = state_of(value)
    return list((getattr(value, "__dict__", {}) if state is None else state).values())


def _exists(path: object) -> bool:
    try:
        return os.path.exists(path)
    except (OSError, ValueError):
        return False


def _place(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


def _is_importable(kind: type) -> bool:
    try:
        return _class(*_place(kind)) is kind
    except BuildError:
        return False


def _class(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise BuildError(f"{module}.{name} is not there")
    return found
