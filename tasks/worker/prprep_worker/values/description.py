"""Describe what a benchmark's call returned as plain JSON, the same for equal values in any process.

A node is `{"type": ...}` with `value` (a text), or `items` (child nodes), or `fields` (pairs of a name or a key's node,
and a node), or `bytes` (Base64 of `size` elements of `dtype`). `size` and `digest` replace what is too much to send;
`floats` says that some of that is floats, which may differ by rounding; `opaque` marks what cannot be described. This
imports nothing. Of the project it calls only iterators, NumPy's conversions, an object's str(), and the requested
properties. Folders of this process have names instead of their paths.
"""

from __future__ import annotations

import array as arrays
import base64
import enum
import hashlib
import itertools
import json
import re
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prprep_worker.values.anatomy import attributes_of, compared_names, own_text, state_of
from prprep_worker.values.places import named

Node = dict[str, Any]

SENT_NODES = 20_000
SEEN_NODES = 2_000_000
SHOWN_CHARACTERS = 2_000
SHOWN_ELEMENTS = 2_000
SENT_BYTES = 4 << 20
SENT_FLOATS = ("f2", "f4", "f8", "c8", "c16")
"""Not long doubles, nor the floats of one byte that ml_dtypes has."""
TEXTS_OF_ARRAY = 100_000
"""Texts of an array that are described one by one."""
PACKED = 64
"""Floats in a row that are sent as bytes."""
DEEPEST = 100

FLOAT_MARKS = ('"type": "float', '"type": "complex', '"floats": true', '"dtype": "<f', '"dtype": "<c')

EXACT_REPR = {"datetime", "decimal", "fractions", "uuid", "pathlib", "pathlib._local", "ipaddress", "zoneinfo"}
SIMPLE = (int, float, complex, range, slice, type(None), type(...), type(NotImplemented))
PANDAS_SCALARS = {"NAType", "NaTType", "Period", "Interval"}


def describe(value: object, attributes: Mapping[str, Sequence[str]] | None = None) -> Node:
    """Return `{"tree", "consumed", "opaque", "order"}`.

    `opaque` lists up to five paths that cannot be compared, each with the reason; `order` is a digest of the order of
    keys in dicts, which equality ignores. `attributes` maps names of classes to attributes to read from their objects;
    these may be properties.
    """
    describer = Describer(attributes)
    tree = describer.node(value, "")
    order = describer.order.hexdigest()
    return {"tree": tree, "consumed": describer.consumed, "opaque": describer.opaque[:5], "order": order}


async def again_(order: Node, calls: Any, _described: Node) -> Node:
    """Call once more; return the value, with the `attributes` to read, and the seconds that it took."""
    value = describe(await calls.value(), order["attributes"])
    return {"kind": "again", "value": value, "seconds": calls.seconds}


class Describer:
    """Describe values one after the other.

    Without `consumes`, iterators stay as they are. With `everything`, objects have all their attributes. After `most`
    values it gives up.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]] | None = None,
        *,
        consumes: bool = True,
        everything: bool = False,
        most: int | None = None,
    ) -> None:
        self._most = SEEN_NODES if most is None else most
        self._attributes, self._consumes, self._everything = attributes or {}, consumes, everything
        self.consumed = False
        self.opaque: list[list[str]] = []
        self.order = hashlib.sha256()
        self._seen = self._sent_bytes = 0
        self._open: dict[int, int] = {}

    def node(self, value: object, path: str) -> Node:
        self._seen += 1
        if self._seen > self._most:
            return self._give_up(path, f"more than {self._most:,} values")
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
        for describe_as in (self._atom, self._array, self._container, self._lazy, self._object):
            node = describe_as(value, path)
            if node is not None:
                return {"type": name, **node}
        return self._give_up(path, f"a {type(value).__module__}.{name} hides its state")

    def _give_up(self, path: str, reason: str) -> Node:
        self.opaque.append([path, reason])
        return {"type": "opaque", "value": reason}

    def _atom(self, value: Any, _: str) -> Node | None:  # noqa: PLR0911 - one line a kind
        if isinstance(value, enum.Enum):
            return {"value": value.name}
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return _text(bytes(value).decode("latin-1"))
        if type(value) in (bool, re.Pattern, *SIMPLE) or any(
            kind.__module__ in EXACT_REPR for kind in type(value).__mro__
        ):
            return {"value": named(repr(value))}
        if isinstance(value, SIMPLE):
            return {"value": next(kind.__repr__(value) for kind in SIMPLE if isinstance(value, kind))}
        if isinstance(value, type):
            return {"value": value.__qualname__}
        if isinstance(value, types.ModuleType):
            return {"value": value.__name__}
        return None

    def _array(self, value: Any, path: str) -> Node | None:
        """Describe arrays and tables of NumPy and pandas, and whatever converts to an array."""
        home = type(value).__module__.partition(".")[0]
        if home == "pandas":
            return self._pandas(value, path)
        if home != "numpy":
            if "numpy" not in sys.modules or not hasattr(type(value), "__array__"):
                return None
            converted = sys.modules["numpy"].asarray(value)
            return None if converted.dtype.hasobject else self._numpy(converted, path)
        return self._numpy(value, path) if hasattr(value, "dtype") and hasattr(value, "tobytes") else None

    def _pandas(self, value: Any, path: str) -> Node | None:
        if type(value).__name__ in PANDAS_SCALARS:
            return {"value": repr(value)}
        if hasattr(value, "columns") and hasattr(value, "iloc"):
            names = [str(name) for name in value.columns]
            # Columns may share a name.
            unique = [name if names.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(names)]
            columns = [(name, value.iloc[:, index]) for index, name in enumerate(unique)]
            return self._fields([("columns", value.columns), ("index", value.index), *columns], path)
        if hasattr(value, "to_numpy") and hasattr(value, "dtype"):
            fields = [("name", getattr(value, "name", None)), ("dtype", str(value.dtype)), ("values", value.to_numpy())]
            return self._fields(fields + ([("index", value.index)] if hasattr(value, "index") else []), path)
        return None

    def _numpy(self, value: Any, path: str) -> Node:
        kind = f"{value.dtype} {list(value.shape)}"
        if value.dtype.hasobject:
            return {"kind": kind, **self._items(value.ravel().tolist(), path)}
        if value.dtype.kind == "U" and value.size <= TEXTS_OF_ARRAY:
            # The type has the length of the longest text, which may be a path.
            return {"kind": f"str {list(value.shape)}", **self._items(value.ravel().tolist(), path)}
        if "mask" in dir(type(value)):
            fields = self._fields(
                [("mask", sys.modules["numpy"].ma.getmaskarray(value)), ("filled", value.filled())], path
            )
            return {"kind": kind, **fields}
        return {"kind": kind, **self._packed(value.tobytes(), value.dtype.str, value)}

    def _packed(self, raw: bytes, dtype: str, values: Any) -> Node:
        """Describe numbers by their bytes, so that floats are comparable within a tolerance."""
        size = int(getattr(values, "size", 0) or len(raw) // 8)
        node = {"size": size, "dtype": dtype}
        self._sent_bytes += len(raw)
        if self._sent_bytes <= SENT_BYTES and (dtype[1] in "biu" or dtype[1:] in SENT_FLOATS):
            return {**node, "bytes": base64.b64encode(raw).decode()}
        shown = values.ravel()[:SHOWN_ELEMENTS].tolist() if hasattr(values, "ravel") else values[:SHOWN_ELEMENTS]
        kind = {"f": {"type": "float"}, "c": {"type": "complex"}}.get(dtype[1], {})
        # NumPy's repr of a long double names its type.
        items = [{**kind, "value": str(element) if kind else repr(element)} for element in shown]
        if kind and size <= SHOWN_ELEMENTS:
            return {**node, "items": items}  # nothing is left out, so they are comparable within a tolerance
        return {**node, "digest": hashlib.sha256(raw).hexdigest(), "items": items, "floats": bool(kind)}

    def _container(self, value: Any, path: str) -> Node | None:
        """Describe elements, and attributes that a class of the project's own adds to them."""
        node = self._elements(value, path)
        if node is None or not hasattr(value, "__dict__"):
            return node
        names = self._attributes.get(type(value).__qualname__, ())
        own = {name: value.__dict__[name] for name in value.__dict__ if not str(name).startswith("_")}
        attributes = {**attributes_of(value, names), **own}
        if not attributes:
            return node
        described = self._fields(sorted(attributes.items()), path)
        return {**described, "fields": [["elements", {"type": "elements", **node}], *described["fields"]]}

    def _elements(self, value: Any, path: str) -> Node | None:  # noqa: PLR0911 - one line a kind
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            if len(value) >= PACKED and all(type(element) is float for element in value):
                dtype = "<f8" if sys.byteorder == "little" else ">f8"
                return self._packed(arrays.array("d", value).tobytes(), dtype, value)
            return self._items(value, path)
        if isinstance(value, (set, frozenset)) or type(value).__name__ in ("dict_keys", "odict_keys"):
            return {"items": sorted((self.node(item, f"{path}{{}}") for item in value), key=_canonical)}
        if type(value).__name__ in ("deque", "array", "dict_values", "dict_items", "odict_values", "odict_items"):
            return self._items(list(value), path)
        if isinstance(value, (dict, types.MappingProxyType)):
            return self._mapping(value, path)
        if isinstance(value, BaseException):
            return self._items(value.args, path)
        return None

    def _lazy(self, value: Any, path: str) -> Node | None:
        """Consume an iterator: nobody else needs the value of an untimed call."""
        if not (hasattr(type(value), "__next__") and hasattr(type(value), "__iter__")):
            return None
        if not self._consumes:
            return self._give_up(path, "an iterator that is consumed elsewhere")
        self.consumed = True
        return self._items(_guarded(value), path)

    def _object(self, value: Any, path: str) -> Node | None:
        if isinstance(value, types.FunctionType):
            return None
        state = state_of(value)
        if self._everything and state is not None:
            return self._fields(sorted(state.items()), path)
        further = attributes_of(value, self._attributes.get(type(value).__qualname__, ()))
        names = compared_names(value)
        if names is not None:
            return self._fields({**{name: getattr(value, name, None) for name in names}, **further}.items(), path)
        if state is None:
            return None
        # Private attributes are how a class works (caches, locks), unless it has no others.
        public = {**further, **{name: state[name] for name in state if not name.startswith("_")}}
        if not public and state and (text := own_text(value)) is not None:
            return _text(text)
        private = {name: state[name] for name in state if "cache" not in name.lower()}
        return self._fields(sorted((public or private).items()), path)

    def _items(self, values: Iterable[object], path: str) -> Node:
        within = itertools.takewhile(lambda _: self._seen <= self._most, enumerate(values))
        node = self._children("items", (self.node(value, f"{path}[{index}]") for index, value in within))
        if self._seen <= self._most:
            return node
        return {**node, **self._give_up(path, f"more than {self._most:,} values")}

    def _fields(self, pairs: Iterable[tuple[str, object]], path: str) -> Node:
        return self._children("fields", ([name, self.node(value, f"{path}.{name}")] for name, value in pairs))

    def _mapping(self, value: dict[Any, object], path: str) -> Node:
        pairs = [(self.node(key, f"{path} key"), key) for key in value]
        self.order.update(_canonical([node for node, _ in pairs]).encode())
        if type(value).__name__ != "OrderedDict":
            pairs.sort(key=lambda pair: _canonical(pair[0]))
        return self._children(
            "fields", ([node, self.node(value[key], f"{path}[{_shown(node)}]")] for node, key in pairs)
        )

    def _children(self, kind: str, children: Iterable[object]) -> Node:
        """Send children that are described while there is room, and hash the others."""
        sent, size, rest, floats = [], 0, None, False
        has_room = self._seen < SENT_NODES
        for child in children:
            size += 1
            if has_room:
                sent.append(child)
            else:
                rest, text = rest or hashlib.sha256(), _canonical(child)
                rest.update(text.encode())
                floats = floats or any(mark in text for mark in FLOAT_MARKS)
            has_room = self._seen < SENT_NODES
        node = {kind: sent, "size": size}
        return {**node, "digest": rest.hexdigest(), "floats": floats} if rest else node


def _text(value: str) -> Node:
    value = named(value)
    if len(value) <= SHOWN_CHARACTERS:
        return {"value": value}
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return {"value": value[:SHOWN_CHARACTERS], "size": len(value), "digest": digest}


class Raised(str):
    """The last item of a lazy result that raised: the name of the error."""

    __slots__ = ()


def _guarded(values: Iterable[object]) -> Iterable[object]:
    try:
        yield from values
    except Exception as error:  # noqa: BLE001 - the project's error belongs to its result
        yield Raised(type(error).__qualname__)


def _canonical(node: object) -> str:
    return json.dumps(node, sort_keys=True)


def _shown(node: Node) -> str:
    text = str(node.get("value", node["type"]))
    return repr(text) if node["type"] == "str" else text
