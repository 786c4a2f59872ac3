"""Compare values of one process, whatever their types and their `==` do."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

from prprep_worker.forking import CAN_FORK, NoAnswerError, answer_of_child
from prprep_worker.values.anatomy import state_of

DEEPEST = 6
PATIENCE = 2
"""Seconds for rebuilding an object."""
PICKLE_BYTES = 64 << 20


def makes(make: Callable[[], object], value: object) -> bool:
    """Return whether `make` returns an equal object."""
    return _in_child(lambda: same(make(), value)) is True


def differing_attributes(make: Callable[[], object], value: object) -> list[str] | None:
    """Name the attributes in which a value differs from what `make` returns; None if setting them is not enough."""
    return _in_child(lambda: _differing(make(), value))


def _in_child(ask: Callable[[], Any]) -> Any:
    """Return what `ask` returns in a forked child, since constructors have side effects; None if there is no answer."""
    try:
        return answer_of_child(ask, PATIENCE) if CAN_FORK else None
    except NoAnswerError:
        return None


def _differing(rebuilt: object, value: object) -> list[str] | None:
    before, after = state_of(rebuilt), state_of(value)
    if type(rebuilt) is not type(value) or not before or not after or before.keys() - after.keys():
        return None
    return [name for name in after if name not in before or not same(before[name], after[name], 1)]


def same(one: Any, other: Any, depth: int = 0) -> bool:
    """Compare by content, attribute by attribute if a type defines no `==`."""
    if one is other or ((pickled := pickle_of(one)) is not None and pickled == pickle_of(other)):
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


def equal(one: object, other: object) -> bool:
    """Return whether two values have one type and are equal; False if their `==` raises."""
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # noqa: BLE001 - the project's own code
        return False


def pickle_of(value: object) -> bytes | None:
    """Pickle a value to compare it later; None if that is impossible or takes more than PICKLE_BYTES."""
    try:
        pickled = pickle.dumps(value, protocol=4)
    except Exception:  # noqa: BLE001 - many values cannot be pickled
        return None
    return pickled if len(pickled) <= PICKLE_BYTES else None


def has_changed(pickled: bytes, value: object) -> bool:
    """Return whether a value differs from its earlier pickle; sharing its parts in another way is no difference."""
    now = pickle_of(value)
    if now is None or now == pickled:
        return False
    try:
        return (pickle.loads(pickled) == value) is False  # noqa: S301 - this process wrote it
    except Exception:  # noqa: BLE001 - the project's own code
        return True


def is_iterator(value: object) -> bool:
    """Return whether a value can be consumed only once; files and mocks do not count."""
    if not hasattr(type(value), "__next__") or isinstance(value, io.IOBase):
        return False
    mock = sys.modules.get("unittest.mock")  # importing it takes long
    return mock is None or not isinstance(value, mock.NonCallableMock)


def is_lazy(value: Any) -> bool:
    return is_iterator(value) and iter(value) is value
