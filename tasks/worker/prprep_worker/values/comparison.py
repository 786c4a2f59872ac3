"""Tell whether what some code makes is what there was, in a forked child: constructors may do more than to construct.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import warnings
from typing import TYPE_CHECKING, Any

from prprep_worker.values.state import state_of

if TYPE_CHECKING:
    from collections.abc import Callable

DEEPEST = 6
PATIENCE = 2
"""Seconds for making an object once more."""


def gives(make: Callable[[], object], value: object) -> bool:
    """Return whether something makes an equal object."""
    return _in_child(lambda: same(make(), value, 0)) is True


def differing(make: Callable[[], object], value: object) -> list[str] | None:
    """Name the attributes that what something makes has otherwise than a value; None where setting these would not be enough."""
    return _in_child(lambda: _unlike(make(), value))


def _unlike(made: object, value: object) -> list[str] | None:
    before, after = state_of(made), state_of(value)
    if type(made) is not type(value) or not before or not after or before.keys() - after.keys():
        return None
    return [name for name in after if name not in before or not same(before[name], after[name], 1)]


def _in_child(ask: Callable[[], Any]) -> Any:
    fork = getattr(os, "fork", None)
    if fork is None:
        return None
    inlet, outlet = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads do not come along, and are not needed
        pid = fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            os.write(outlet, json.dumps(ask()).encode())
        finally:
            os._exit(0)
    os.close(outlet)
    with os.fdopen(inlet, "rb") as stream:
        told = stream.read()
    os.waitpid(pid, 0)
    return json.loads(told) if told else None


def same(one: Any, other: Any, depth: int) -> bool:
    """Compare by what they hold, where their types do not say what is equal."""
    if one is other or _pickled_same(one, other):
        return True
    if type(one) is not type(other) or depth > DEEPEST:
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b, depth + 1) for a, b in zip(one, other))  # noqa: B905 - Python 3.9
    if isinstance(one, dict) and type(one).__eq__ is dict.__eq__:
        return list(one) == list(other) and all(same(one[key], other[key], depth + 1) for key in one)
    if type(one).__eq__ is not object.__eq__:
        return bool(one == other)
    first, second = state_of(one) or {}, state_of(other) or {}
    return (
        bool(first)
        and first.keys() == second.keys()
        and all(same(first[name], second[name], depth + 1) for name in first)
    )


def _pickled_same(one: object, other: object) -> bool:
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # noqa: BLE001 - not everything can be pickled
        return False


def is_default(field: Any, value: object, missing: object) -> bool:
    """Return whether a dataclass's field has its default; `missing` is what dataclasses say where there is none."""
    if field.default is not missing:
        return equal(getattr(value, field.name), field.default)
    return field.default_factory is not missing and equal(getattr(value, field.name), field.default_factory())


def equal(one: object, other: object) -> bool:
    """Return whether two values are of one type and equal, whatever their `==` does."""
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # noqa: BLE001 - `==` of others
        return False
