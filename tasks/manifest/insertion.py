"""Add one optimization to the text of a manifest; comments, order, quotes and spaces stay as they are."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def inserted(text: str, item_id: str, lines: Sequence[str]) -> str:
    """Return the text with an optimization after the last one, in a list or in a mapping by id.

    `item_id` is its id in YAML, `lines` are its other keys, perhaps with comments. A manifest in flow style, such as
    JSON, is rewritten by ruamel.yaml.
    """
    name, values = _load(item_id), _load("\n".join(lines))
    content = _load(text)
    _add(content["optimizations"], name, values)
    longer = _with_lines(text, item_id, lines)
    return longer if longer is not None and _load(longer) == content else _rewritten(text, name, values)


def _with_lines(text: str, item_id: str, lines: Sequence[str]) -> str | None:
    """Insert lines of text; return None for flow style."""
    root = YAML(typ="rt").compose(io.StringIO(text))
    items = next((value for key, value in root.value if key.value == "optimizations"), None)
    if not isinstance(items, MappingNode | SequenceNode) or items.flow_style or not items.value:
        return None
    column, last = items.start_mark.column, _values(items)[-1]
    has_block = isinstance(last, MappingNode) and not last.flow_style and last.value
    indent = last.start_mark.column - column if has_block else 2
    if isinstance(items, SequenceNode):
        indent = max(2, indent)
        first, *others = [f"id: {item_id}", *lines]
        block = [f"{'-':{indent}}{first}", *(" " * indent + line for line in others)]
    else:
        block = [f"{item_id}:", *(" " * max(indent, 1) + line for line in lines)]
    newline = "\r\n" if "\r\n" in text else "\n"
    rows = text.splitlines(keepends=True)
    end = _end(rows, _last_line(last, text), column)
    before = rows[:end]
    if not before[-1].endswith(("\n", "\r")):
        before[-1] += newline
    gap = [newline] if _has_gaps(items, rows) else []
    return "".join([*before, *gap, *(" " * column + row + newline for row in block), *rows[end:]])


def _values(node: MappingNode | SequenceNode) -> list[Node]:
    return [value for _, value in node.value] if isinstance(node, MappingNode) else node.value


def _last_line(node: Node, text: str) -> int:
    """Return the last line, from 0, with text of a node."""
    while isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
        node = _values(node)[-1]
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return text.count("\n", 0, len(text[: node.end_mark.index].rstrip()))
    line: int = node.end_mark.line
    return line


def _end(rows: Sequence[str], line: int, column: int) -> int:
    """Return the row after an item, and after the comments that follow it directly with a deeper indentation."""
    end = line + 1
    while end < len(rows) and (bare := rows[end].strip()).startswith("#") and rows[end].index(bare[0]) > column:
        end += 1
    return end


def _has_gaps(items: MappingNode | SequenceNode, rows: Sequence[str]) -> bool:
    """Return whether an empty line separates the last two items."""
    nodes = [key for key, _ in items.value] if isinstance(items, MappingNode) else items.value
    starts = [node.start_mark.line for node in nodes]
    return len(starts) > 1 and any(not row.strip() for row in rows[starts[-2] : starts[-1]])


def _load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _add(items: Any, item_id: str, values: Mapping[str, Any]) -> None:
    if isinstance(items, dict):
        items[item_id] = dict(values)
    else:
        items.append({"id": item_id, **values})


def _rewritten(text: str, item_id: str, values: Mapping[str, Any]) -> str:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 10_000
    content = yaml.load(text)
    _add(content["optimizations"], item_id, values)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
