"""Build plain values from YAML events, with the position of each.

One pass with an explicit stack instead of PyYAML's composer and constructor: nesting cannot exhaust the stack
(libyaml's composer crashes on deep nesting), aliases are counted before they multiply, every duplicate key is seen, and
after a syntax error the items before it can still be checked. Plain scalars follow YAML 1.2's core schema, as in
editors: `no` and `on` are text, 12345e6 is a number.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import yaml

from ..text.messages import printable_line
from .source import ManifestText, forbidden_character

MAX_DEPTH: Final = 100
# Values that aliases may add, besides as many as the file has characters; real manifests repeat a few settings.
_MOST_ALIASED: Final = 100_000

BROKEN: Final = object()
"""A value that has been reported already."""
_INCOMPLETE: Final = object()
"""An anchored collection that is still open."""

_TAG = "tag:yaml.org,2002:"
_TAGGED_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


class Located(NamedTuple):
    """A value, and the offsets of its key and of itself."""

    content: object
    key_offset: int
    offset: int


@dataclass(slots=True)
class Collection:
    """A mapping or sequence of the file: its values (for a mapping key, value, key, value, ...) and their offsets."""

    is_mapping: bool
    anchor: str | None = None
    offset: int = 0
    values_before: int = 0
    items: list[object] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    _indexes: dict[object, int] | None = None

    def at(self, index: int) -> Located:
        return Located(self.items[index], self.offsets[index], self.offsets[index])

    def value_of(self, key: object) -> Located | None:
        """Return the value of a key's first use in a complete mapping."""
        if self._indexes is None:
            backwards = reversed(range(0, len(self.items), 2))
            self._indexes = {self.items[index]: index for index in backwards if isinstance(self.items[index], str)}
        index = self._indexes.get(key)
        return None if index is None else Located(self.items[index + 1], self.offsets[index], self.offsets[index + 1])


class TooDeepError(Exception):
    """Nesting beyond `MAX_DEPTH`; the argument is its offset."""


class ValueBuilder:
    """Build the value of the first document; `collections` has the positions by the id of each mapping and sequence."""

    def __init__(self, source: ManifestText) -> None:
        self._source = source
        self._documents = Collection(is_mapping=False)
        self._stack = [self._documents]
        self._anchors: dict[str, tuple[object, int]] = {}
        self._values = 0
        self._most_values = _MOST_ALIASED + len(source.text)
        self.collections: dict[int, Collection] = {}

    def build(self, events: Iterable[yaml.Event]) -> None:
        """Take all events; after one of yaml's errors or TooDeepError call `close_complete`."""
        for event in events:
            if type(event) is yaml.ScalarEvent:
                self._put(self._scalar(event), _offset(event))
            elif type(event) is yaml.MappingStartEvent or type(event) is yaml.SequenceStartEvent:
                self._open(event, is_mapping=type(event) is yaml.MappingStartEvent)
            elif type(event) is yaml.MappingEndEvent or type(event) is yaml.SequenceEndEvent:
                self._close()
            elif type(event) is yaml.AliasEvent:
                self._put(self._alias(event), _offset(event))
            elif type(event) is yaml.DocumentStartEvent and self._documents.items:
                self._source.report("a second document starts here", _offset(event), "remove the `---`")
                return

    @property
    def root(self) -> Located:
        """The value of the document; its content is None if there is no document."""
        return self._documents.at(0) if self._documents.items else Located(None, 0, 0)

    def close_complete(self) -> None:
        """Keep the whole items and whole top-level keys before the position where parsing stopped."""
        if len(self._stack) < 2:
            return
        top = self._stack[1]
        is_in_items = top.is_mapping and len(top.items) % 2 == 1 and top.items[-1] == "optimizations"
        del self._stack[3 if is_in_items else 2 :]
        while len(self._stack) > 1:
            collection = self._stack[-1]
            if collection.is_mapping and len(collection.items) % 2:
                del collection.items[-1], collection.offsets[-1]
            self._close()

    def _put(self, value: object, offset: int) -> None:
        collection = self._stack[-1]
        collection.items.append(value)
        collection.offsets.append(offset)
        self._values += 1

    def _open(self, event: yaml.CollectionStartEvent, *, is_mapping: bool) -> None:
        offset = _offset(event)
        if len(self._stack) > MAX_DEPTH:
            raise TooDeepError(offset)
        if event.tag not in {None, "!", _TAG + ("map" if is_mapping else "seq")}:
            self._report_tag(event)
        if event.anchor:
            self._anchors[event.anchor] = _INCOMPLETE, 0
        self._stack.append(Collection(is_mapping, event.anchor, offset, self._values))

    def _close(self) -> None:
        collection = self._stack.pop()
        value: object = self._mapping(collection) if collection.is_mapping else tuple(collection.items)
        self.collections[id(value)] = collection
        self._put(value, collection.offset)
        if collection.anchor:
            self._anchors[collection.anchor] = value, self._values - collection.values_before

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        value: object = event.value
        if event.implicit[0]:
            value = plain(event.value)
        elif event.tag not in {None, "!", _TAG + "str"}:
            value = self._tagged(event)
        if type(value) is str and not value.isprintable() and (message := forbidden_character(value)):
            self._source.report(message, _offset(event))
            value = BROKEN
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        return value

    def _tagged(self, event: yaml.ScalarEvent) -> object:
        value = plain(event.value)
        if not isinstance(value, _TAGGED_TYPES.get((event.tag or "").removeprefix(_TAG), ())):
            self._report_tag(event)
            return BROKEN
        return value

    def _report_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        tag = printable_line((event.tag or "").replace(_TAG, "!!", 1))
        self._source.report(f"the YAML tag `{tag}` is not supported", _offset(event), "remove it")

    def _alias(self, event: yaml.AliasEvent) -> object:
        anchor, offset = event.anchor or "", _offset(event)
        name = printable_line(anchor)
        value, size = self._anchors.get(anchor, (BROKEN, 0))
        if anchor not in self._anchors:
            self._source.report(f"the alias `*{name}` has no anchor `&{name}` above it", offset)
        elif value is _INCOMPLETE:
            self._source.report(f"the alias `*{name}` is inside its own anchor `&{name}`", offset)
            value = BROKEN
        self._values += size
        if self._values > self._most_values:
            if self._values - size <= self._most_values:
                self._source.report(
                    f"the aliases up to this one expand to more than {self._most_values:,} values",
                    offset,
                    "write the values out",
                )
            value = BROKEN
        return value

    def _mapping(self, collection: Collection) -> dict[str, object]:
        """Return a mapping; report duplicate keys, keys other than text, and merges of anything but mappings."""
        own: dict[str, object] = {}
        first: dict[str, int] = {}
        merged: list[dict[str, object]] = []
        for index in range(0, len(collection.items), 2):
            offset, value = collection.offsets[index], collection.items[index + 1]
            key = collection.items[index] = self._key(collection.items[index], offset)
            if key is None:
                continue
            if key in first:
                line, _ = self._source.position(first[key])
                self._source.report(f"duplicate key `{printable_line(key)}`", offset, f"first on line {line}")
            first.setdefault(key, offset)
            if key == "<<" and self._source.text.startswith("<<", offset):
                merged += self._merges(value, collection.offsets[index + 1])
            else:
                own.setdefault(key, value)
        for mapping in merged:
            own = {**mapping, **own}
        return own

    def _key(self, key: object, offset: int) -> str | None:
        if isinstance(key, str) or key is BROKEN:
            return key if isinstance(key, str) else None
        if isinstance(key, dict | tuple) or key is None:
            self._source.report("keys must be text", offset)
            return None
        text = as_written(self._source.text, offset)
        message = f"keys must be text, but YAML reads {text} as {kind_of(key)}"
        self._source.report(message, offset, f'quote it: "{text}"')
        return text

    def _merges(self, value: object, offset: int) -> list[dict[str, object]]:
        values = value if isinstance(value, tuple) else (value,)
        mappings = [mapping for mapping in values if isinstance(mapping, dict)]
        if len(mappings) < len(values):
            if BROKEN not in values:
                self._source.report("`<<` can only merge a mapping, or a list of mappings", offset)
            return []
        return mappings


def _offset(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


# -- plain scalars ----------------------------------------------------------------------------------

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST_OF_CONSTANTS = frozenset("-+.0123456789~nNtTfF")
# A longer number is a float: Python refuses to read integers of thousands of digits.
_MOST_DIGITS = 300
# A scalar without blanks, after its anchor and tag.
_WRITTEN = re.compile(r"(?:[&!]\S*\s+)*([^\s,\[\]{}]*)")


def plain(text: str) -> object:
    """Read a plain scalar by YAML 1.2's core schema (section 10.3)."""
    if text and text[0] not in _FIRST_OF_CONSTANTS:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text) and len(text) < _MOST_DIGITS:
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
    if match := _FLOAT.fullmatch(text):
        return float(text.replace(".", "") if match[1] or match[2] else text)
    return text


def kind_of(value: object) -> str:
    """Name the type that YAML reads a boolean or number as."""
    return "a boolean" if isinstance(value, bool) else "a number"


def as_written(text: str, offset: int) -> str:
    """Return a scalar as it is written in the file, without its anchor and tag."""
    match = _WRITTEN.match(text, offset)
    return match[1].removesuffix(":") if match else ""
