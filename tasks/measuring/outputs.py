"""Compare what the benchmark's call returned on the two sides, as `prprep_describe` describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..artifacts import SIDES, Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..artifacts import Side

Node = dict[str, Any]
Difference = tuple[str, str, str]
"""A path like `[3].name`, and what stands there at base and at head."""

SHOWN_CHARACTERS = 80


def judge(test: str, described: Mapping[Side, Node], repeats: Mapping[Side, bool]) -> Output:
    """Say whether both sides returned the same, with the first difference, or why that cannot be said."""
    for side in SIDES:
        if not repeats[side]:
            return Output(test=test, verdict="not comparable", detail=f"differs between two calls on the same side ({side})")
    base, head = (described[side]["tree"] for side in SIDES)
    if difference := first_difference(base, head):
        path, here, there = difference
        place = f" at `{path}`" if path else ""
        return Output(test=test, verdict="different", detail=f"{here} at base, {there} at head{place}")
    if opaque := described["base"]["opaque"] or described["head"]["opaque"]:
        path, reason = opaque[0]
        return Output(test=test, verdict="not comparable", detail=reason + (f", at `{path}`" if path else ""))
    if base["type"] == "NoneType":
        return Output(test=test, verdict="not comparable", detail="the call returns None on both sides")
    consumed = described["base"]["consumed"]
    return Output(test=test, verdict="equal", detail="compared after consuming the lazy result" if consumed else "")


def first_difference(base: Node, head: Node) -> Difference | None:
    """Give the first place where two descriptions differ; None where they are equal (NaN equals NaN)."""
    return next(_differences(base, head, ""), None)


def _differences(base: Node, head: Node, path: str) -> Iterator[Difference]:
    if base == head:
        return
    if (base["type"], base.get("kind")) != (head["type"], head.get("kind")):
        yield path, _typed(base), _typed(head)
        return
    if "items" in base and "items" in head:
        for index, (one, other) in enumerate(zip(base["items"], head["items"], strict=False)):
            yield from _differences({"type": "", **one}, {"type": "", **other}, f"{path}[{index}]")
    elif "fields" in base and "fields" in head:
        yield from _field_differences(_named(base["fields"]), _named(head["fields"]), path)
    if base.get("size") != head.get("size"):
        yield path, f"{base['type']} of {base.get('size')} elements", f"{head['type']} of {head.get('size')}"
    elif "value" in base and base["value"] != head["value"]:
        yield path, _shown(base), _shown(head)
    elif base.get("digest") != head.get("digest"):
        beyond = f"a {base['type']} with other content further on"
        yield path, f"a {base['type']}", beyond
    else:
        yield path, _shown(base), _shown(head)


def _field_differences(base: Mapping[str, Node], head: Mapping[str, Node], path: str) -> Iterator[Difference]:
    for name in _in_order((*base, *head)):
        place = f"{path}{name}"
        if name not in base or name not in head:
            yield place, _shown(base[name]) if name in base else "nothing", _shown(head[name]) if name in head else "nothing"
        else:
            yield from _differences(base[name], head[name], place)


def _named(fields: Iterable[tuple[str | Node, Node]]) -> dict[str, Node]:
    """Name the fields as Python would reach them: `.attribute`, `['key']`."""
    return {f".{name}" if isinstance(name, str) else f"[{_shown(name)}]": node for name, node in fields}


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _typed(node: Node) -> str:
    kind = f" {node['kind']}" if "kind" in node else ""
    return f"{node['type']}{kind} {_shown(node)}" if "value" in node and node["type"] != "NoneType" else f"{node['type']}{kind}"


def _shown(node: Node) -> str:
    if "value" not in node:
        return f"{node['type']} {_short(json.dumps(_plain(node), ensure_ascii=False))}"
    return _short(repr(node["value"]) if node["type"] in {"str", "bytes"} else node["value"])


def _plain(node: Node) -> Any:  # noqa: ANN401 - JSON, for showing
    if "items" in node:
        return [_plain(item) for item in node["items"][:10]]
    if "fields" in node:
        return {_shown(name) if isinstance(name, dict) else name: _plain(inner) for name, inner in node["fields"][:10]}
    return node.get("value")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
