"""Describe what a benchmark's call returned as plain JSON, the same for equal values in any process.

A node is `{"type": ...}` with `value` (a text), or `items` (child nodes), or `fields` (pairs of a name or a key's
node, and a node); `size` and `digest` stand for what was too much to send; `opaque` marks what cannot be described.
Nothing is imported for it and nothing of the target is called but iteration and NumPy's own conversions.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import re
import struct
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Node = dict[str, Any]

SENT_NODES = 20_000
SEEN_NODES = 2_000_000
SHOWN_CHARACTERS = 2_000
SHOWN_ELEMENTS = 2_000
DEEPEST = 100
POINTER = struct.calcsize("P")

EXACT_REPR = {"datetime", "decimal", "fractions", "uuid", "pathlib", "pathlib._local", "ipaddress", "zoneinfo"}
SIMPLE = (int, float, complex, range, slice, type(None), type(...), type(NotImplemented))


def describe(value: object) -> Node:
    """Give `{"tree", "consumed", "opaque"}`: opaque lists up to five paths that cannot be compared, each with why."""
    describer = _Describer()
    tree = describer.node(value, "")
    return {"tree": tree, "consumed": describer.consumed, "opaque": describer.opaque[:5]}


async def again_(_order: Node, calls: Any, described: Node) -> Node:  # noqa: ANN401 - prprep_calls.Calls
    """Call once more: say whether that returned the same, and what it took."""
    same = describe(await calls.value()) == described
    return {"kind": "again", "same": same, "seconds": calls.seconds}


class _Describer:
    def __init__(self) -> None:
        self.consumed = False
        self.opaque: list[list[str]] = []
        self._seen = 0
        self._open: dict[int, int] = {}

    @property
    def has_room(self) -> bool:
        return self._seen < SENT_NODES

    def node(self, value: object, path: str) -> Node:
        self._seen += 1
        if self._seen > SEEN_NODES:
            return self._give_up(path, f"more than {SEEN_NODES:,} values")
        if len(self._open) >= DEEPEST:
            return self._give_up(path, f"nested deeper than {DEEPEST}")
        if id(value) in self._open:
            return {"type": "cycle", "value": str(len(self._open) - self._open[id(value)])}
        self._open[id(value)] = len(self._open)
        try:
            return self._describe(value, path)
        finally:
            del self._open[id(value)]

    def _describe(self, value: object, path: str) -> Node:
        name = type(value).__qualname__
        for describe_kind in (self._atom, self._array, self._container, self._lazy, self._object):
            node = describe_kind(value, path)
            if node is not None:
                return {"type": name, **node}
        return self._give_up(path, f"a {type(value).__module__}.{name} cannot be looked into")

    def _give_up(self, path: str, reason: str) -> Node:
        self.opaque.append([path, reason])
        return {"type": "opaque", "value": reason}

    def _atom(self, value: Any, _: str) -> Node | None:  # noqa: ANN401, PLR0911 - one line a kind
        if isinstance(value, enum.Enum):
            return {"value": value.name}
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return _text(bytes(value).decode("latin-1"))
        if type(value) in (bool, re.Pattern, *SIMPLE) or any(kind.__module__ in EXACT_REPR for kind in type(value).__mro__):
            return {"value": repr(value)}
        if isinstance(value, SIMPLE):
            return {"value": next(kind.__repr__(value) for kind in SIMPLE if isinstance(value, kind))}
        if isinstance(value, type):
            return {"value": value.__qualname__}
        if isinstance(value, types.ModuleType):
            return {"value": value.__name__}
        return None

    def _array(self, value: Any, path: str) -> Node | None:  # noqa: ANN401
        """Describe what NumPy and pandas make, and whatever behaves like it."""
        home = type(value).__module__.partition(".")[0]
        if home == "pandas" and hasattr(value, "columns"):
            columns = [(str(index), value.iloc[:, index]) for index in range(len(value.columns))]
            return self._fields([("columns", value.columns), ("index", value.index), *columns], path)
        if home == "pandas" and hasattr(value, "to_numpy") and hasattr(value, "dtype"):
            inner = [("name", getattr(value, "name", None)), ("values", value.to_numpy())]
            return self._fields(inner + ([("index", value.index)] if hasattr(value, "index") else []), path)
        if home != "numpy" or not hasattr(value, "dtype") or not hasattr(value, "tobytes"):
            return None
        kind = f"{value.dtype} {list(value.shape)}"
        if value.dtype.hasobject:
            return {"kind": kind, **self._items(value.ravel().tolist(), path)}
        shown = value.ravel()[:SHOWN_ELEMENTS].tolist()
        digest = hashlib.sha256(value.tobytes()).hexdigest()
        return {"kind": kind, "size": int(value.size), "digest": digest, "items": [{"value": repr(element)} for element in shown]}

    def _container(self, value: Any, path: str) -> Node | None:  # noqa: ANN401, PLR0911 - one line a kind
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            return self._items(value, path)
        if isinstance(value, tuple):
            return self._fields(((name, getattr(value, name)) for name in value._fields), path)
        if isinstance(value, (set, frozenset)) or type(value).__name__ in ("dict_keys", "odict_keys"):
            return {"items": sorted((self.node(item, f"{path}{{}}") for item in value), key=_canonical)}
        if type(value).__name__ in ("deque", "array", "dict_values", "dict_items", "odict_values", "odict_items"):
            return self._items(list(value), path)
        if isinstance(value, dict):
            return self._mapping(value, path)
        if isinstance(value, BaseException):
            return self._items(value.args, path)
        return None

    def _lazy(self, value: Any, path: str) -> Node | None:  # noqa: ANN401
        """Consume an iterator: this is the value of an untimed call."""
        if not (hasattr(type(value), "__next__") and hasattr(type(value), "__iter__")):
            return None
        self.consumed = True
        return self._items(value, path)

    def _object(self, value: Any, path: str) -> Node | None:  # noqa: ANN401
        if isinstance(value, types.FunctionType):
            return None
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value) if field.compare]
            return self._fields(((name, getattr(value, name, None)) for name in names), path)
        state = _state(value)
        if state is None:
            return None
        # What is private is how a class does it (caches, locks), unless it has nothing else.
        public = {name: state[name] for name in state if not name.startswith("_")}
        if not public and state and (shown := _face(value)) is not None:
            return _text(shown)
        private = {name: state[name] for name in state if "cache" not in name.lower()}
        return self._fields(sorted((public or private).items()), path)

    def _items(self, values: Iterable[object], path: str) -> Node:
        kept = _Kept(self)
        for index, value in enumerate(values):
            if self._seen > SEEN_NODES:
                return {**kept.node("items"), **self._give_up(path, f"more than {SEEN_NODES:,} values")}
            kept.add(lambda place=f"{path}[{index}]", value=value: self.node(value, place))
        return kept.node("items")

    def _fields(self, pairs: Iterable[tuple[str, object]], path: str) -> Node:
        kept = _Kept(self)
        for name, value in pairs:
            kept.add(lambda name=name, value=value: [name, self.node(value, f"{path}.{name}")])
        return kept.node("fields")

    def _mapping(self, value: dict[Any, object], path: str) -> Node:
        pairs = [(self.node(key, f"{path} key"), key) for key in value]
        if type(value).__name__ != "OrderedDict":
            pairs.sort(key=lambda pair: _canonical(pair[0]))
        kept = _Kept(self)
        for described, key in pairs:
            kept.add(lambda described=described, key=key: [described, self.node(value[key], f"{path}[{_shown(described)}]")])
        return kept.node("fields")


class _Kept:
    """Children of a node: sent while there is room, then only hashed."""

    def __init__(self, describer: _Describer) -> None:
        self._describer, self._size = describer, 0
        self._children: list[object] = []
        self._hash = None

    def add(self, make: Callable[[], object]) -> None:
        self._size += 1
        room, child = self._describer.has_room, make()
        if room:
            self._children.append(child)
            return
        self._hash = self._hash or hashlib.sha256()
        self._hash.update(_canonical(child).encode())

    def node(self, kind: str) -> Node:
        node = {kind: self._children, "size": self._size}
        return {**node, "digest": self._hash.hexdigest()} if self._hash else node


def _text(value: str) -> Node:
    if len(value) <= SHOWN_CHARACTERS:
        return {"value": value}
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return {"value": value[:SHOWN_CHARACTERS], "size": len(value), "digest": digest}


def _face(value: object) -> str | None:
    """Give what an object shows of itself by a __str__ or __repr__ of its own; None where it has none, or shows an address."""
    kind = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return None
    shown = str(value)
    return None if " at 0x" in shown else shown


def _state(value: object) -> dict[str, object] | None:
    """Give an object's attributes from its `__dict__` and its slots; None where it may have more than these."""
    slots = [name for kind in type(value).__mro__ for name in _slots(kind) if name not in ("__dict__", "__weakref__")]
    # A plain object has a header, its slots, and at most two pointers to __dict__ and weak references. What is larger
    # is written in C and keeps something where nobody can see it.
    if type(value).__basicsize__ > object.__basicsize__ + POINTER * (2 + len(slots)):
        return None
    state = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    state.update(getattr(value, "__dict__", {}))
    # A class of Python's own with empty slots has nothing but its type.
    is_python = any("__slots__" in kind.__dict__ for kind in type(value).__mro__)
    return state if state or is_python or hasattr(value, "__dict__") else None


def _slots(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return [f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name for name in names]


def _canonical(node: object) -> str:
    return json.dumps(node, sort_keys=True)


def _shown(node: Node) -> str:
    shown = str(node.get("value", node["type"]))
    return repr(shown) if node["type"] == "str" else shown
