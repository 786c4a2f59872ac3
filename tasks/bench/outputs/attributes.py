"""Find attributes that only one side's objects have: on the other side they may have become properties."""

from collections.abc import Iterator, Mapping

from ...artifacts import SIDES, Side
from .descriptions import Node

EVERY_PROPERTY = "*"
"""In `prprep_worker.values.anatomy`: all public properties of an object without public attributes."""

Attributes = dict[Side, dict[str, list[str]]]
"""The attributes to read on each side, by the name of the class."""


def missing_attributes(described: Mapping[Side, Node]) -> Attributes:
    """Return the attributes that a side's objects lack, and the other side's objects at the same place have."""
    missing: Attributes = {side: {} for side in SIDES}
    for base, head in _objects(described["base"]["tree"], described["head"]["tree"]):
        names = {"base": _names(base), "head": _names(head)}
        for side in SIDES:
            lacking = [name for other in SIDES for name in names[other] if name not in names[side]]
            wanted = [name for name in lacking if not name.startswith("_")]
            if names["base"] != names["head"] and not any(name[0] != "_" for name in names[side]):
                wanted.append(EVERY_PROPERTY)
            known = missing[side].setdefault(base["type"], [])
            known += [name for name in wanted if name not in known]
    return {side: {kind: names for kind, names in kinds.items() if names} for side, kinds in missing.items()}


def merged(known: Attributes, more: Attributes) -> Attributes:
    return {
        side: {
            kind: [*dict.fromkeys((*known[side].get(kind, ()), *more[side].get(kind, ())))]
            for kind in known[side].keys() | more[side].keys()
        }
        for side in SIDES
    }


def _objects(base: Node, head: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the objects of one class that are at the same place in both trees, and differ."""
    if base == head or base["type"] != head["type"]:
        return
    if "items" in base and "items" in head and "bytes" not in base:
        for one, other in zip(base["items"], head["items"], strict=False):
            if "type" in one and "type" in other:
                yield from _objects(one, other)
    if "fields" in base and "fields" in head:
        if _names(base) or _names(head):
            yield base, head
        ours, theirs = ({_key(name): node for name, node in tree["fields"]} for tree in (base, head))
        for key in ours.keys() & theirs.keys():
            yield from _objects(ours[key], theirs[key])


def _names(tree: Node) -> list[str]:
    return [name for name, _ in tree["fields"] if isinstance(name, str)]


def _key(name: str | Node) -> str:
    return name if isinstance(name, str) else f"[{sorted(name.items())}]"
