"""Put one optimization into the text of a manifest, which stays as it is otherwise: comments, order, quotes and spaces."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

    Items = MappingNode | SequenceNode


def inserted(text: str, item_id: str, lines: Sequence[str]) -> str:
    """Return the text with an optimization behind the last one, in a list and in a mapping by id alike.

    `lines` are its keys and values in YAML, with remarks perhaps, `item_id` its id as YAML spells it. Where the manifest is
    written in flow style (as JSON is), ruamel.yaml writes all of it anew.
    """
    name, values = _plain(item_id), _plain("\n".join(lines))
    grown = _grown(text, item_id, lines)
    if grown is not None and _plain(grown) == _with(_plain(text), name, values):
        return grown
    return _rewritten(text, name, values)


def _grown(text: str, item_id: str, lines: Sequence[str]) -> str | None:
    """Insert lines of text, None where there is no place for any."""
    items = _items(text)
    if items is None or items.flow_style or not items.value:
        return None
    last = items.value[-1][1] if isinstance(items, MappingNode) else items.value[-1]
    column = items.start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    if isinstance(items, SequenceNode):
        # The list begins at its first dash; what an item holds stands where the last one's does.
        width = max(2, last.start_mark.column - column) if isinstance(last, MappingNode) and not last.flow_style else 2
        begin = f"{' ' * column}-{' ' * (width - 1)}"
        block = [f"{begin}id: {item_id}", *(f"{' ' * (column + width)}{line}" for line in lines)]
    else:
        width = (
            last.start_mark.column - column
            if isinstance(last, MappingNode) and not last.flow_style and last.value
            else 2
        )
        block = [f"{' ' * column}{item_id}:", *(f"{' ' * (column + max(width, 1))}{line}" for line in lines)]
    rows = text.splitlines(keepends=True)
    place = _after(rows, _last_line(last, text), column)
    spaced = _are_spaced(items, rows)
    before = rows[:place]
    if before and not before[-1].endswith(("\n", "\r")):
        before[-1] += newline
    return "".join([*before, *([newline] if spaced else []), *(row + newline for row in block), *rows[place:]])


def _items(text: str) -> Items | None:
    root = YAML(typ="rt").compose(io.StringIO(text))
    if not isinstance(root, MappingNode):
        return None
    named = (value for key, value in root.value if key.value == "optimizations")
    return next((value for value in named if isinstance(value, MappingNode | SequenceNode)), None)


def _last_line(node: Node, text: str) -> int:
    """Return the last line, from 0, that a node has any of its own text in."""
    while isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        end = len(text[: node.end_mark.index].rstrip())
        return text.count("\n", 0, end)
    line: int = node.end_mark.line
    return line


def _after(rows: Sequence[str], line: int, column: int) -> int:
    """Return the line to insert at: behind comments that go on directly, deeper than where items begin."""
    place = line + 1
    while place < len(rows) and (bare := rows[place].strip()).startswith("#") and rows[place].index(bare[0]) > column:
        place += 1
    return place


def _are_spaced(items: Items, rows: Sequence[str]) -> bool:
    """Return whether there are empty lines between the items."""
    starts = [(each[0] if isinstance(items, MappingNode) else each).start_mark.line for each in items.value]
    return len(starts) > 1 and any(not row.strip() for row in rows[starts[-2] : starts[-1]])


def _plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _with(content: Any, item_id: str, values: Mapping[str, Any]) -> Any:
    """Return the manifest's content with an item more."""
    items = content["optimizations"]
    if isinstance(items, dict):
        return {**content, "optimizations": {**items, item_id: dict(values)}}
    return {**content, "optimizations": [*items, {"id": item_id, **values}]}


def _rewritten(text: str, item_id: str, values: Mapping[str, Any]) -> str:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 10_000
    content = yaml.load(text)
    items = content["optimizations"]
    if isinstance(items, CommentedMap):
        items[item_id] = dict(values)
    else:
        items.append({"id": item_id, **values})
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
