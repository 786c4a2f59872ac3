"""Say what a value is and how much it holds."""

from __future__ import annotations

import io
import types
from typing import Any

from prprep_worker.values.anatomy import CONTAINERS

LISTED, SAMPLED = 24, 8
"""Attributes and elements that are looked at."""


def summary(value: Any) -> str:
    """Summarize a value in a few words: its type, and how much of it there is."""
    kind, shape = kind_of(value), _attribute(value, "shape")
    if isinstance(shape, tuple):
        return f"{kind} {' x '.join(map(str, shape))}" + (f" {value.dtype}" if hasattr(value, "dtype") else "")
    if isinstance(value, (str, bytes, bytearray)):
        return f"{kind} of {len(value):,} {'characters' if isinstance(value, str) else 'bytes'}"
    if isinstance(value, (*CONTAINERS, dict)):
        inner = sorted({kind_of(element) for element in list(value)[:100]})
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
    except Exception:  # noqa: BLE001 - a property of the target's may raise anything
        return None


def kind_of(value: object) -> str:
    return type(value).__qualname__
