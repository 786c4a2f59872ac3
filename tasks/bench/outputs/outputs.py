"""Compare what the benchmark's call returned on the two sides, as the worker's `values.description` describes it.

Floats are equal where they differ by no more than RELATIVE of the larger one, or by EPSILONS roundings of a type that is
coarser than that; the same goes for each part of a complex number. Everything else is equal or it is not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...artifacts import SIDES, Output

if TYPE_CHECKING:
    import numpy as np

    from ...artifacts import Side

Node = dict[str, Any]
Difference = tuple[str, str, str]
"""A path like `[3].name`, and what stands there at base and at head."""

SHOWN_CHARACTERS = 80
RELATIVE = 1e-9
EPSILONS = 8
CONTENT = {"value", "items", "fields"}
ROUNDINGS = 16 * 2.0**-52
"""Of the largest number that went in: what is left where numbers of that size cancel out."""
FLOATS = {"float": float, "float64": float, "complex": complex, "complex128": complex}


@dataclass
class Comparison:
    """Compare two descriptions node by node, and keep what is to be said of them beside a difference.

    `scale` is the size of the largest number that went into the call, 0 where that is not known.
    """

    scale: float = 0.0
    rounding: float = 0.0
    """The largest difference that was taken for rounding, relative to the larger float."""
    tolerance: float = RELATIVE
    undecided: tuple[str, str] | None = None
    """The first place that is too large to be compared, and why."""

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
            if not self._is_rounding(base, head):
                yield path, _shown(base), _shown(head)
        elif base.get("digest") != head.get("digest"):
            yield from self._beyond(base, head, path)
        elif base.keys() & CONTENT != head.keys() & CONTENT:
            yield path, _shown(base), _shown(head)

    def _beyond(self, base: Node, head: Node, path: str) -> Iterator[Difference]:
        """Judge what was too much to send, and is only known to differ."""
        if base.get("floats") and head.get("floats"):
            self.undecided = self.undecided or (
                path,
                f"floats differ in a {_sized(base)}, too many to be compared within a tolerance",
            )
        else:
            yield path, f"a {base['type']}", f"a {head['type']} with other content further on"

    def _field_differences(self, base: Mapping[str, Node], head: Mapping[str, Node], path: str) -> Iterator[Difference]:
        for name in _in_order((*base, *head)):
            place = f"{path}{name}"
            if name not in base or name not in head:
                yield (
                    place,
                    _shown(base[name]) if name in base else "nothing",
                    _shown(head[name]) if name in head else "nothing",
                )
            else:
                yield from self._differences(base[name], head[name], place)
        if list(base) != list(head):
            yield path, f"the order {_short(' '.join(base))}", f"the order {_short(' '.join(head))}"

    def _is_rounding(self, base: Node, head: Node) -> bool:
        if base["type"] not in FLOATS:
            return False
        one, other = (FLOATS[base["type"]](node["value"]) for node in (base, head))
        parts = [(one.real, other.real), (one.imag, other.imag)]
        apart = [(x, y) for x, y in parts if x != y and not (math.isnan(x) and math.isnan(y))]
        if not all(math.isclose(x, y, rel_tol=RELATIVE, abs_tol=ROUNDINGS * self.scale) for x, y in apart):
            return False
        self._round(max((abs(x - y) / max(abs(x), abs(y)) for x, y in apart), default=0.0))
        return True

    def _round(self, difference: float) -> None:
        self.rounding = max(self.rounding, difference)

    def _number_differences(self, base: Node, head: Node, path: str) -> Iterator[Difference]:
        one, other = _numbers(base), _numbers(head)
        if one.size != other.size or one.dtype != other.dtype:
            yield path, _sized(base), f"{head['type']} of {other.size}"
            return
        close = self._close(one, other) if one.dtype.kind in "fc" else one == other
        if not close.all():
            place = int(close.argmin())
            yield f"{path}[{place}]" if one.size > 1 else path, repr(one[place].item()), repr(other[place].item())

    def _close(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        import numpy as np

        tolerance = max(RELATIVE, EPSILONS * float(np.finfo(one.dtype).eps))
        parts = [(one.real, other.real), (one.imag, other.imag)] if one.dtype.kind == "c" else [(one, other)]
        close = np.ones(one.shape, dtype=bool)
        with np.errstate(all="ignore"):
            for x, y in parts:
                wide = [part.astype("f8") for part in (x, y)]
                apart, size = np.abs(wide[0] - wide[1]), np.maximum(np.abs(wide[0]), np.abs(wide[1]))
                same = (x == y) | (np.isnan(x) & np.isnan(y))
                finite = np.isfinite(size)
                close &= same | (finite & (apart <= np.maximum(tolerance * size, ROUNDINGS * self.scale)))
                rounded = ~same & finite & close
                if rounded.any():
                    self._round(float((apart[rounded] / size[rounded]).max()))
                    self.tolerance = max(self.tolerance, tolerance)
        return close


def judge(test: str, described: Mapping[Side, Node], repeats: Mapping[Side, bool], *, scale: float = 0.0) -> Output:
    """Return whether both sides returned the same, with the first difference, or why that cannot be said."""
    for side in SIDES:
        if not repeats[side]:
            return Output(
                test=test, verdict="not comparable", detail=f"differs between two calls on the same side ({side})"
            )
    base, head = (described[side]["tree"] for side in SIDES)
    comparison = Comparison(scale)
    if difference := comparison.first_difference(base, head):
        return Output(test=test, verdict="different", detail=told(difference))
    opaque = described["base"]["opaque"] or described["head"]["opaque"] or [comparison.undecided]
    if opaque[0]:
        path, reason = opaque[0]
        return Output(test=test, verdict="not comparable", detail=reason + (f", at `{path}`" if path else ""))
    if base["type"] == "NoneType":
        return Output(test=test, verdict="not comparable", detail="the call returns None on both sides")
    return Output(test=test, verdict="equal", detail="; ".join(_beside(described, comparison)))


def told(difference: Difference) -> str:
    path, base, head = difference
    return f"{base} at base, {head} at head" + (f" at `{path}`" if path else "")


def first_difference(base: Node, head: Node) -> Difference | None:
    """Return the first place where two descriptions differ; None where they are equal (NaN equals NaN)."""
    return Comparison().first_difference(base, head)


def _beside(described: Mapping[Side, Node], comparison: Comparison) -> Iterator[str]:
    """Say in what way two values are equal that are not the same in every respect."""
    if described["base"]["consumed"]:
        yield "compared after consuming the lazy result"
    if comparison.rounding:
        yield rounded(comparison)
    if described["base"].get("order") != described["head"].get("order"):
        yield "the keys of dicts come in another order"


def rounded(comparison: Comparison) -> str:
    return f"floats are equal within {comparison.tolerance:.0e}, not exactly: they differ by up to {comparison.rounding:.1e}"


def _numbers(node: Node) -> np.ndarray:
    import numpy as np

    return np.frombuffer(base64.b64decode(node["bytes"]), dtype=node["dtype"])


def _unpacked(node: Node) -> Node:
    """Spell a row of floats out, to be compared with one that holds something else as well."""
    if "bytes" not in node:
        return node
    items = [{"type": type(each).__name__, "value": repr(each)} for each in _numbers(node).tolist()]
    found = {"type": node["type"], "size": node["size"], "items": items}
    if "kind" not in node:
        return found
    digest = hashlib.sha256(base64.b64decode(node["bytes"])).hexdigest()
    return {**found, "digest": digest, "floats": node["dtype"][1] in "fc"}


def _named(fields: Iterable[tuple[str | Node, Node]]) -> dict[str, Node]:
    """Name the fields as Python would reach them: `.attribute`, `['key']`."""
    named: dict[str, Node] = {}
    for name, node in fields:
        place = f".{name}" if isinstance(name, str) else f"[{_shown(name)}]"
        # Long keys may look alike.
        named[place if place not in named else f"[{json.dumps(name, ensure_ascii=False)}]"] = node
    return named


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _sized(node: Node) -> str:
    return f"{node['type']} of {node.get('size')} elements"


def _typed(node: Node) -> str:
    kind = f" {node['kind']}" if "kind" in node else ""
    return (
        f"{node['type']}{kind} {_shown(node)}"
        if "value" in node and node["type"] != "NoneType"
        else f"{node['type']}{kind}"
    )


def _shown(node: Node) -> str:
    if "value" not in node:
        return f"{node['type']} {_short(json.dumps(_plain(node), ensure_ascii=False))}"
    return _short(repr(node["value"]) if node["type"] in {"str", "bytes"} else node["value"])


def _plain(node: Node) -> Any:
    if "bytes" in node:
        return [str(each) for each in _numbers(node)[:10].tolist()]
    if "items" in node:
        return [_plain(item) for item in node["items"][:10]]
    if "fields" in node:
        return {_shown(name) if isinstance(name, dict) else name: _plain(inner) for name, inner in node["fields"][:10]}
    return node.get("value")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
