"""See what an object holds, without calling it. Standard library only, Python 3.9 or newer."""

from __future__ import annotations

import dataclasses
import struct
import types

POINTER = struct.calcsize("P")


def face_of(value: object) -> str | None:
    """Return what an object shows of itself by a __str__ or __repr__ of its own; None where it has none, or shows an address."""
    kind = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return None
    try:
        shown = str(value)
    except Exception:  # noqa: BLE001 - the target's own
        return None
    return None if " at 0x" in shown else shown


def state_of(value: object) -> dict[str, object] | None:
    """Return an object's attributes from its `__dict__` and its slots; None where it may have more than these."""
    slots = [name for kind in type(value).__mro__ for name in _slots(kind) if name not in ("__dict__", "__weakref__")]
    # A plain object has a header, its slots, and at most two pointers to __dict__ and weak references. What is larger
    # is written in C and keeps something where nobody can see it.
    if type(value).__basicsize__ > object.__basicsize__ + POINTER * (2 + len(slots)):
        return None
    state = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    kept = getattr(value, "__dict__", {})
    state.update({name: kept[name] for name in kept if isinstance(name, str) and not _is_cached(type(value), name)})
    # A class of Python's own with empty slots has nothing but its type.
    is_python = any("__slots__" in kind.__dict__ for kind in type(value).__mro__)
    return state if state or is_python or hasattr(value, "__dict__") else None


def _is_cached(kind: type, name: str) -> bool:
    """Return whether an attribute was put there by the likes of functools.cached_property: it is there once it was asked for."""
    found = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
    return (
        hasattr(type(found), "__get__")
        and not hasattr(type(found), "__set__")
        and not isinstance(found, types.FunctionType)
    )


def compared(value: object) -> list[str] | None:
    """Name what `==` of dataclasses, attrs and pydantic compares; None for other objects."""
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind) if field.compare]
    if isinstance(attributes := getattr(kind, "__attrs_attrs__", None), tuple):
        return [attribute.name for attribute in attributes if attribute.eq]
    fields = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__fields__", None)
    if isinstance(fields, dict) and any(base.__module__.partition(".")[0] == "pydantic" for base in kind.__mro__):
        return [*fields, *(getattr(value, "__pydantic_extra__", None) or ())]
    return None


def _slots(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return [
        f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
        for name in names
    ]
