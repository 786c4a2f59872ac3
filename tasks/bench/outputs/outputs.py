"""Compare what the benchmark's call returned on the two sides, as the worker's `values.description` describes it.

Floats are equal if they differ by at most RELATIVE of the larger one, or by EPSILONS roundings of a coarser type; the
same holds for each part of a complex number. Everything else must be identical.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...artifacts import SIDES, Output, Side
from ...storage.hashing import sha256

Node = dict[str, Any]
Difference = tuple[str, str, str]
"""A path like `[3].name`, and the values there at base and at head."""

SHOWN_CHARACTERS = 80
RELATIVE = 1e-9
EPSILONS = 8
CONTENT = {"value", "items", "fields"}
ROUNDINGS = 16 * 2.0**-52
"""Of the largest number in the input: what remains when numbers of that size cancel out."""
FLOATS = {"float": float, "float64": float, "complex": complex, "complex128": complex}


@dataclass
class DescriptionComparison:
    """Compare two descriptions node by node; besides differences, note rounding and what cannot be decided.

    `scale` is the absolute value of the largest number in the call's input, 0 if unknown.
    """

    scale: float = 0.0
    rounding: float = 0.0
    """The largest difference that counts as rounding, relative to the larger float."""
    tolerance: float = RELATIVE
    undecided: tuple[str, str] | None = None
    """The first path that is too large to be compared, and why."""

    def first_difference(self, base: Node, head: Node) -> Difference | None:
        return next(self._differences(base, head, ""), None)

    def _differences(self, base: Node, head: Node, path: str) -> Iterator[Difference]:
        if base == head:
            return
        if (base["type"], base.get("kind")) != (head["type"], head.get("kind")):
            yield path, _typed(base), _typed(head)
        elif "bytes" in base and "bytes" in head:
            yield from self._number_differences(base, head, path)
        else:
            yield from self._inner_differences(_unpacked(base), _unpacked(head), path)

    def _inner_differences(self, base: Node, head: Node, path: str) -> Iterator[Difference]:
        if "items" in base and "items" in head:
            for index, (one, other) in enumerate(zip(base["items"], head["items"], strict=False)):
                yield from self._differences({"type": "", **one}, {"type": "", **other}, f"{path}[{index}]")
        elif "fields" in base and "fields" in head:
            yield from self._field_differences(_named(base["fields"]), _named(head["fields"]), path)
        if base.get("size") != head.get("size"):
            yield path, _sized(base), f"{head['type']} of {head.get('size')}"
        elif "value" in base and "value" in head and base["value"] != head["value"]:
            number = FLOATS.get(base["type"])
            if not (number and self._close(*(np.array([number(node["value"])]) for node in (base, head))).all()):
                yield path, _shown(base), _shown(head)
        elif base.get("digest") != head.get("digest"):
            yield from self._digest_difference(base, head, path)
        elif base.keys() & CONTENT != head.keys() & CONTENT:
            yield path, _shown(base), _shown(head)

    def _digest_difference(self, base: Node, head: Node, path: str) -> Iterator[Difference]:
        """Judge values that were too large to send and are only known to differ."""
        if base.get("floats") and head.get("floats"):
            reason = f"floats differ in a {_sized(base)}, too many to be compared within a tolerance"
            self.undecided = self.undecided or (path, reason)
        else:
            yield path, f"a {base['type']}", f"a {head['type']} with other content further on"

    def _field_differences(self, base: Mapping[str, Node], head: Mapping[str, Node], path: str) -> Iterator[Difference]:
        for name in dict.fromkeys((*base, *head)):
            if name in base and name in head:
                yield from self._differences(base[name], head[name], f"{path}{name}")
            else:
                one, other = (_shown(fields[name]) if name in fields else "nothing" for fields in (base, head))
                yield f"{path}{name}", one, other
        if list(base) != list(head):
            yield path, f"the order {_short(' '.join(base))}", f"the order {_short(' '.join(head))}"

    def _number_differences(self, base: Node, head: Node, path: str) -> Iterator[Difference]:
        one, other = _numbers(base), _numbers(head)
        if one.size != other.size or one.dtype != other.dtype:
            yield path, _sized(base), f"{head['type']} of {other.size}"
            return
        close = self._close(one, other) if one.dtype.kind in "fc" else one == other
        if not close.all():
            index = int(close.argmin())
            yield f"{path}[{index}]" if one.size > 1 else path, repr(one[index].item()), repr(other[index].item())

    def _close(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        tolerance = max(RELATIVE, EPSILONS * float(np.finfo(one.dtype).eps))
        close = np.ones(one.shape, dtype=bool)
        with np.errstate(all="ignore"):
            for x, y in ((one.real, other.real), (one.imag, other.imag)):
                wide = [part.astype("f8") for part in (x, y)]
                apart, size = np.abs(wide[0] - wide[1]), np.maximum(np.abs(wide[0]), np.abs(wide[1]))
                same = (x == y) | (np.isnan(x) & np.isnan(y))
                finite = np.isfinite(size)
                close &= same | (finite & (apart <= np.maximum(tolerance * size, ROUNDINGS * self.scale)))
                rounded = ~same & finite & close
                if rounded.any():
                    self.rounding = max(self.rounding, float((apart[rounded] / size[rounded]).max()))
                    self.tolerance = max(self.tolerance, tolerance)
        return close


def judge(test: str, described: Mapping[Side, Node], repeats: Mapping[Side, bool]) -> Output:
    """Return whether both sides returned the same, with the first difference, or why they are not comparable."""
    incomparable = partial(Output, test=test, verdict="not comparable")
    if changing := [side for side in SIDES if not repeats[side]]:
        return incomparable(detail=f"differs between two calls on the same side ({changing[0]})")
    base, head = (described[side]["tree"] for side in SIDES)
    comparison = DescriptionComparison()
    if difference := comparison.first_difference(base, head):
        return Output(test=test, verdict="different", detail=spelled_difference(difference))
    opaque = described["base"]["opaque"] or described["head"]["opaque"] or [comparison.undecided]
    if opaque[0]:
        path, reason = opaque[0]
        return incomparable(detail=reason + (f", at `{path}`" if path else ""))
    if base["type"] == "NoneType":
        return incomparable(detail="the call returns None on both sides")
    return Output(test=test, verdict="equal", detail="; ".join(_qualifications(described, comparison)))


def spelled_difference(difference: Difference) -> str:
    path, base, head = difference
    return f"{base} at base, {head} at head" + (f" at `{path}`" if path else "")


def _qualifications(described: Mapping[Side, Node], comparison: DescriptionComparison) -> Iterator[str]:
    if described["base"]["consumed"]:
        yield "compared after consuming the lazy result"
    if comparison.rounding:
        within, by = f"{comparison.tolerance:.0e}", f"{comparison.rounding:.1e}"
        yield f"floats are equal within {within}, not exactly: they differ by up to {by}"
    if described["base"].get("order") != described["head"].get("order"):
        yield "the keys of dicts are in another order"


def _numbers(node: Node) -> np.ndarray:
    return np.frombuffer(base64.b64decode(node["bytes"]), dtype=node["dtype"])


def _unpacked(node: Node) -> Node:
    """Turn packed numbers into items, to compare them with a list that also has other types."""
    if "bytes" not in node:
        return node
    items = [{"type": type(number).__name__, "value": repr(number)} for number in _numbers(node).tolist()]
    unpacked = {"type": node["type"], "size": node["size"], "items": items}
    if "kind" not in node:
        return unpacked
    digest = sha256(base64.b64decode(node["bytes"]))
    return {**unpacked, "digest": digest, "floats": node["dtype"][1] in "fc"}


def _named(fields: Iterable[tuple[str | Node, Node]]) -> dict[str, Node]:
    """Name the fields by their access in Python: `.attribute`, `['key']`."""
    named: dict[str, Node] = {}
    for name, node in fields:
        access = f".{name}" if isinstance(name, str) else f"[{_shown(name)}]"
        # Long keys are shortened, and may then be equal.
        named[access if access not in named else f"[{json.dumps(name, ensure_ascii=False)}]"] = node
    return named


def _sized(node: Node) -> str:
    return f"{node['type']} of {node.get('size')} elements"


def _typed(node: Node) -> str:
    kind = f" {node['kind']}" if "kind" in node else ""
    value = f" {_shown(node)}" if "value" in node and node["type"] != "NoneType" else ""
    return f"{node['type']}{kind}{value}"


def _shown(node: Node) -> str:
    if "value" not in node:
        return f"{node['type']} {_short(json.dumps(_plain(node), ensure_ascii=False))}"
    return _short(repr(node["value"]) if node["type"] in {"str", "bytes"} else node["value"])


def _plain(node: Node) -> Any:
    if "bytes" in node:
        return [str(number) for number in _numbers(node)[:10].tolist()]
    if "items" in node:
        return [_plain(item) for item in node["items"][:10]]
    if "fields" in node:
        return {_shown(name) if isinstance(name, dict) else name: _plain(inner) for name, inner in node["fields"][:10]}
    return node.get("value")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
