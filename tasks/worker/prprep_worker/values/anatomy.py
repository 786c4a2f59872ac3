"""What a value consists of, read without calling the project's code: the parts that all descriptions share."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import inspect
import io
import struct
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

SEQUENCES = (list, tuple, collections.deque)
CONTAINERS = (*SEQUENCES, set, frozenset)
POINTER = struct.calcsize("P")
LISTED, SAMPLED = 24, 8
"""Attributes and elements whose sizes are added up."""


class Field(NamedTuple):
    """A declared field of a named tuple, dataclass or attrs class."""

    name: str
    argument: str
    """Of the constructor; "" for a field that it does not take."""
    is_compared: bool = True
    default: Callable[[], object] | None = None


def fields_of(kind: type) -> list[Field] | None:
    """Return the declared fields of a class; None for other classes."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return [Field(name, name) for name in kind._fields]
    if dataclasses.is_dataclass(kind):
        return [
            Field(field.name, field.name if field.init else "", field.compare, _default(field))
            for field in dataclasses.fields(kind)
        ]
    if isinstance(attributes := getattr(kind, "__attrs_attrs__", None), tuple):
        return [
            Field(each.name, _attrs_argument(each) if each.init else "", bool(each.eq), _attrs_default(each.default))
            for each in attributes
        ]
    return None


def stores_arguments(kind: type) -> bool:
    """Return whether the constructor of a class with declared fields was generated, and does nothing but store them."""
    makes = kind.__new__ if issubclass(kind, tuple) else kind.__init__
    code = getattr(inspect.unwrap(makes), "__code__", None)
    hooks = ("__post_init__", "__attrs_pre_init__", "__attrs_post_init__")
    converted = (each.converter for each in getattr(kind, "__attrs_attrs__", ()))
    is_generated = code is not None and code.co_filename.startswith("<")
    return is_generated and not any(hasattr(kind, name) for name in hooks) and not any(converted)


def _default(field: Any) -> Callable[[], object] | None:
    if field.default is not dataclasses.MISSING:
        return lambda: field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory


def _attrs_default(default: Any) -> Callable[[], object] | None:
    attrs = sys.modules["attr"]
    if isinstance(default, attrs.Factory):
        return None if default.takes_self else default.factory
    return None if default is attrs.NOTHING else lambda: default


def _attrs_argument(attribute: Any) -> str:
    return getattr(attribute, "alias", None) or attribute.name.lstrip("_")


def is_pydantic_model(kind: type) -> bool:
    return any(
        base.__module__.partition(".")[0] == "pydantic" and base.__name__ == "BaseModel" for base in kind.__mro__
    )


def compared_names(value: object) -> list[str] | None:
    """Name the attributes that `==` of named tuples, dataclasses, attrs and pydantic compares; None for others."""
    kind = type(value)
    fields = fields_of(kind)
    if fields is not None:
        return [field.name for field in fields if field.is_compared]
    if not is_pydantic_model(kind):
        return None
    fields = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__fields__", ())
    return [*fields, *(getattr(value, "__pydantic_extra__", None) or ())]


def state_of(value: object) -> dict[str, object] | None:
    """Return an object's attributes from its `__dict__` and its slots; None if it may have more than these."""
    slots = [name for kind in type(value).__mro__ for name in _slots(kind) if name not in ("__dict__", "__weakref__")]
    # A plain object has a header, its slots, and at most two pointers to __dict__ and weak references. A larger one
    # is written in C and hides some of its state.
    if type(value).__basicsize__ > object.__basicsize__ + POINTER * (2 + len(slots)):
        return None
    state = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    attributes = getattr(value, "__dict__", {})
    state.update(
        {name: attributes[name] for name in attributes if isinstance(name, str) and not _is_cached(type(value), name)}
    )
    # A Python class with empty slots has nothing but its type.
    is_python = any("__slots__" in kind.__dict__ for kind in type(value).__mro__)
    return state if state or is_python or hasattr(value, "__dict__") else None


EVERY_PROPERTY = "*"


def attributes_of(value: object, names: Iterable[str]) -> dict[str, object]:
    """Read attributes of an object, properties included; methods and what raises an error are left out.

    The name EVERY_PROPERTY means all public properties of an object that has no public attribute of its own.
    """
    kind, wanted = type(value), [name for name in names if name != EVERY_PROPERTY]
    if EVERY_PROPERTY in names and all(name.startswith("_") for name in state_of(value) or ()):
        wanted += [name for name in dir(kind) if not name.startswith("_") and _is_property(kind, name)]
    read = {}
    for name in wanted:
        declared = inspect.getattr_static(value, name, None)
        if not isinstance(declared, (types.FunctionType, classmethod, staticmethod)):
            with contextlib.suppress(Exception):
                read[name] = getattr(value, name)
    return read


def _is_property(kind: type, name: str) -> bool:
    declared = inspect.getattr_static(kind, name, None)
    return isinstance(declared, property) or type(declared).__name__ == "cached_property"


def _is_cached(kind: type, name: str) -> bool:
    """Return whether a descriptor such as functools.cached_property sets the attribute on first access."""
    declared = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
    return inspect.ismethoddescriptor(declared)


def _slots(kind: type) -> list[str]:
    """Return a class's own slots; `copyreg` would write the names into the class, which is the project's."""
    slots = kind.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return [
        f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
        for name in names
    ]


def own_text(value: object) -> str | None:
    """Return an object's str() if its class defines one; None if it does not, or if the text holds an address."""
    kind = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return None
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - the project's own code
        return None
    return None if " at 0x" in text else text


def imported(module: str | None, qualified_name: str) -> Any:
    """Return what a loaded module holds under a qualified name; None if there is no such thing."""
    held: Any = sys.modules.get(module or "")
    for part in qualified_name.split("."):
        held = getattr(held, part, None)
    return held


def is_importable(thing: Any) -> bool:
    return imported(thing.__module__, thing.__qualname__) is thing


def summary(value: Any) -> str:
    """Summarize a value in a few words: its type, and how much of it there is."""
    kind, shape = type(value).__qualname__, _attribute(value, "shape")
    if isinstance(shape, tuple):
        return f"{kind} {' x '.join(map(str, shape))}" + (f" {value.dtype}" if hasattr(value, "dtype") else "")
    if isinstance(value, (str, bytes, bytearray, *CONTAINERS, dict)) and len(value) == 0:
        return f"empty {kind}"
    if isinstance(value, (str, bytes, bytearray)):
        lines = len(value.splitlines())
        size = f"{len(value):,} {'characters' if isinstance(value, str) else 'bytes'}"
        return f"{kind} of {size}" + (f" in {lines:,} lines" if lines > 1 else "")
    if isinstance(value, (*CONTAINERS, dict)):
        inner = sorted({type(element).__qualname__ for element in list(value)[:100]})
        return f"{kind} of {len(value):,}" + (f" ({', '.join(inner[:3])})" if inner else "")
    return kind


def size_of(value: Any, depth: int = 0) -> int:
    """Estimate how much a value holds: characters, elements, bytes of arrays."""
    nbytes = _attribute(value, "nbytes")
    if isinstance(nbytes, int):
        return nbytes
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if isinstance(value, (*CONTAINERS, dict)):
        inner = list(value.values()) if isinstance(value, dict) else list(value)
        sample = inner[:: max(1, len(inner) // SAMPLED)][:SAMPLED] if depth < 3 else []
        mean = sum(size_of(element, depth + 1) for element in sample) / len(sample) if sample else 1
        return round(len(value) * max(1, mean))
    if isinstance(value, io.StringIO):
        return len(value.getvalue())
    state = _attribute(value, "__dict__")
    if isinstance(state, dict) and depth < 2 and not isinstance(value, (type, types.ModuleType, types.FunctionType)):
        return sum(size_of(inner, depth + 1) for inner in list(state.values())[:LISTED])
    return 1


def _attribute(value: object, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - a property of the project's may raise anything
        return None
