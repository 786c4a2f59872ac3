"""Notice that a value changes: by its pickle, or if it has none, by all its attributes."""

from __future__ import annotations

import io
from typing import Any

from prprep_worker.values.anatomy import state_of
from prprep_worker.values.comparison import has_changed, pickle_of
from prprep_worker.values.description import Describer, Node

UNSET = {("NoneType", None), ("dict", 0)}
"""Type and size of what an attribute has before the first call fills it, like a memo."""
MOST = 100_000
"""Values in an attribute of which a change is noticed without a pickle."""


class Snapshot:
    """The state of a value at one moment; `is_known` is False if nothing shows whether it changes."""

    def __init__(self, value: object, *, is_direct: bool) -> None:
        self._pickled, self._state = pickle_of(value), _state(value)
        # Other variables without a pickle may be tied to half of the process: fixtures, for example.
        self.is_known = self._pickled is not None or (is_direct and self._state is not None)

    def differs(self, value: object) -> bool:
        if self._pickled is not None:
            return has_changed(self._pickled, value)
        return _state(value) != self._state

    def is_filled(self, value: object) -> bool:
        """Return whether all that changed are attributes that did not exist, or held None or an empty dict."""
        before, after = self._state or {}, _state(value) or {}
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        old = [before[name] for name in changed if name in before]
        return bool(changed) and before.keys() <= after.keys() and all(map(_is_unset, old))


def _is_unset(node: Node) -> bool:
    return (node["type"], node.get("size")) in UNSET


def _state(value: Any) -> dict[str, Node] | None:
    """Describe each attribute of a value, or the whole value if its class is written in C; None if it is opaque."""
    if isinstance(value, io.IOBase):
        try:
            return {"position": {"type": "int", "value": str(value.tell())}}
        except (OSError, ValueError):  # it is closed, or not seekable
            return None
    state = {"": value} if isinstance(value, (dict, list, set)) else state_of(value)
    described = {name: _described(part) for name, part in ({"": value} if state is None else state).items()}
    return None if state is None and described[""]["type"] == "opaque" else described


def _described(value: object) -> Node:
    return Describer(consumes=False, everything=True, most=MOST).node(value, "")
