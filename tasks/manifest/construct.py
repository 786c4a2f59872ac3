"""Make plain values from YAML's events, remembering the place of each, and find what YAML lets pass.

One pass with a stack of its own, not PyYAML's composer and constructor: nesting cannot exhaust any stack
(libyaml's composer crashes at deep nesting), aliases are counted before they multiply, every duplicate key is
seen, and after a syntax error the items before it are still there to be checked. Plain scalars are read by YAML 1.2's
core schema, as editors do: `no` and `on` are words, 12345e6 is a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from ..text.messages import printable as shown
from .scalars import as_written, plain
from .source import Source, forbidden_in

if TYPE_CHECKING:
    from yaml.events import Event

MAX_DEPTH = 100
# What aliases may add: a legitimate manifest repeats a few settings, so the file's own size is ample.
FREE_EXPANSION = 100_000

_TAG = "tag:yaml.org,2002:"
_TAGGED_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


class _Broken:
    """Stands for a value that has been complained about already."""


class _Open:
    """Stands for an anchored value that is not complete."""


BROKEN: Final = _Broken()
_OPEN: Final = _Open()


class Frame:
    """One mapping or sequence of the file: its values (for a mapping key, value, key, value, ...) and their offsets."""

    __slots__ = ("_places", "anchor", "expanded", "items", "mapping", "offset", "offsets")

    def __init__(self, *, mapping: bool, anchor: str | None = None, offset: int = 0, expanded: int = 0) -> None:
        self.mapping, self.anchor, self.offset, self.expanded = mapping, anchor, offset, expanded
        self.items: list[object] = []
        self.offsets: list[int] = []
        self._places: dict[object, int] | None = None

    @property
    def places(self) -> dict[object, int]:
        """Map each key of a complete mapping to the place of its first use."""
        if self._places is None:
            # Keys that could not be read are no text, and nobody asks for them.
            backwards = reversed(range(0, len(self.items), 2))
            self._places = {self.items[place]: place for place in backwards if isinstance(self.items[place], str)}
        return self._places

    def entry(self, place: int) -> Entry:
        return Entry(self.items[place], self.offsets[place], self.offsets[place])

    def pair(self, place: int) -> Entry:
        """Return the value whose key stands at `place`."""
        return Entry(self.items[place + 1], self.offsets[place], self.offsets[place + 1])


class Entry(NamedTuple):
    """A value, and the offsets of its key and of itself."""

    content: object
    key: int
    value: int


class TooDeepError(Exception):
    """Nesting beyond `MAX_DEPTH`, at this offset."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(offset)


class Builder:
    """Build the value of each document; `frames` maps the id of a mapping or sequence to its frame."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._documents = Frame(mapping=False)
        self._stack = [self._documents]
        self._anchors: dict[str, tuple[object, int]] = {}
        self._expanded = 0
        self._limit = FREE_EXPANSION + len(source.text)
        self.frames: dict[int, Frame] = {}

    def build(self, events: Iterable[Event]) -> None:
        """Take all events; raise yaml's errors and TooDeepError, after which `give_up` tells what was complete."""
        put, scalar = self._put, self._scalar
        for event in events:
            if type(event) is ScalarEvent:
                put(scalar(event), _offset(event))
            elif type(event) is MappingStartEvent or type(event) is SequenceStartEvent:
                self._open(event, mapping=type(event) is MappingStartEvent)
            elif type(event) is MappingEndEvent or type(event) is SequenceEndEvent:
                self._close()
            elif type(event) is AliasEvent:
                put(self._alias(event), _offset(event))
            elif type(event) is DocumentStartEvent and self._documents.items:
                self._report(
                    "a second document begins here", _offset(event), "a manifest is one document: remove the `---`"
                )
                return

    @property
    def value(self) -> object:
        """The first document, None where there is none."""
        return self.root.content

    @property
    def root(self) -> Entry:
        return self._documents.entry(0) if self._documents.items else Entry(None, 0, 0)

    def give_up(self) -> None:
        """Keep what stands complete before the place where parsing stopped: whole items and whole top-level keys."""
        if len(self._stack) < 2:
            return
        keep = 2
        top = self._stack[1]
        if len(self._stack) > keep and top.mapping and len(top.items) % 2 and top.items[-1] == "optimizations":
            keep = 3
        del self._stack[keep:]
        while len(self._stack) > 1:
            frame = self._stack[-1]
            if frame.mapping and len(frame.items) % 2:
                del frame.items[-1], frame.offsets[-1]
            self._close()

    def _put(self, value: object, offset: int) -> None:
        frame = self._stack[-1]
        frame.items.append(value)
        frame.offsets.append(offset)
        self._expanded += 1

    def _open(self, event: CollectionStartEvent, *, mapping: bool) -> None:
        offset = _offset(event)
        if len(self._stack) > MAX_DEPTH:
            raise TooDeepError(offset)
        if event.tag not in {None, "!", _TAG + ("map" if mapping else "seq")}:
            self._report_tag(event)
        if event.anchor:
            self._anchors[event.anchor] = _OPEN, 0
        self._stack.append(Frame(mapping=mapping, anchor=event.anchor, offset=offset, expanded=self._expanded))

    def _close(self) -> None:
        frame = self._stack.pop()
        value: object = self._mapping(frame) if frame.mapping else tuple(frame.items)
        self.frames[id(value)] = frame
        self._put(value, frame.offset)
        if frame.anchor:
            self._anchors[frame.anchor] = value, self._expanded - frame.expanded

    def _scalar(self, event: ScalarEvent) -> object:
        value: object = event.value
        if event.implicit[0]:
            value = plain(event.value)
        elif event.tag not in {None, "!", _TAG + "str"}:
            value = self._tagged(event)
        if type(value) is str and not value.isprintable() and (message := forbidden_in(value)):
            self._report(message, _offset(event))
            value = BROKEN
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        return value

    def _tagged(self, event: ScalarEvent) -> object:
        """Read a scalar with one of YAML's own tags; no other tag has a meaning here."""
        value = plain(event.value)
        if not isinstance(value, _TAGGED_TYPES.get((event.tag or "").removeprefix(_TAG), ())):
            self._report_tag(event)
            return BROKEN
        return value

    def _report_tag(self, event: ScalarEvent | CollectionStartEvent) -> None:
        tag = shown((event.tag or "").replace(_TAG, "!!", 1))
        self._report(f"the tag `{tag}` has no meaning here", _offset(event), "remove it")

    def _alias(self, event: AliasEvent) -> object:
        anchor, offset = event.anchor or "", _offset(event)
        name = shown(anchor)
        value, size = self._anchors.get(anchor, (BROKEN, 0))
        if anchor not in self._anchors:
            self._report(f"`*{name}` has no anchor `&{name}` above it", offset)
        elif value is _OPEN:
            self._report(f"`*{name}` stands inside of its own anchor `&{name}`", offset)
            value = BROKEN
        self._expanded += size
        if self._expanded > self._limit:
            if self._expanded - size <= self._limit:
                self._report(
                    f"the aliases up to this one come to more than {self._limit:,} values",
                    offset,
                    "write out what is meant",
                )
            value = BROKEN
        return value

    def _mapping(self, frame: Frame) -> dict[str, object]:
        keys, values = frame.items[::2], frame.items[1::2]
        if all(type(key) is str for key in keys):
            mapping = dict(zip(keys, values, strict=True))
            if len(mapping) == len(keys) and "<<" not in mapping:
                return mapping  # type: ignore[return-value]
        return self._careful_mapping(frame)

    def _careful_mapping(self, frame: Frame) -> dict[str, object]:
        """Make a mapping that has duplicate keys, keys that are no text, or merges."""
        own: dict[str, object] = {}
        first: dict[str, int] = {}
        merged: list[dict[str, object]] = []
        for place in range(0, len(frame.items), 2):
            offset, value = frame.offsets[place], frame.items[place + 1]
            key = frame.items[place] = self._key(frame.items[place], offset)
            if key is None:
                continue
            if key in first:
                self._report(
                    f"`{shown(key)}` is given twice", offset, f"first in line {self._source.place(first[key])[0]}"
                )
            first.setdefault(key, offset)
            if key == "<<" and self._source.text.startswith("<<", offset):
                merged += self._merges(value, frame.offsets[place + 1])
            else:
                own.setdefault(key, value)
        for mapping in merged:
            own = {**mapping, **own}
        return own

    def _key(self, key: object, offset: int) -> str | None:
        if isinstance(key, str):
            return key
        if isinstance(key, dict | tuple) or key is BROKEN or key is None:
            if key is not BROKEN:
                self._report("a key must be text", offset)
            return None
        text = as_written(self._source.text, offset)
        kind = "true or false" if isinstance(key, bool) else "a number"
        self._report(f"the key {text} is {kind} to YAML, must be text", offset, f'quote it: "{text}"')
        return text

    def _merges(self, value: object, offset: int) -> list[dict[str, object]]:
        given = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(each, dict) for each in given):
            if BROKEN not in given:
                self._report("`<<` must name a mapping, or a list of mappings", offset)
            return []
        return [each for each in given if isinstance(each, dict)]

    def _report(self, message: str, offset: int, suggestion: str = "") -> None:
        self._source.problems.append(self._source.problem(message, offset, suggestion))


def _offset(event: Event) -> int:
    return event.start_mark.index if event.start_mark else 0
