"""Compare two descriptions of values, which the worker's `values.description` makes.

Floats are equal if they differ by at most RELATIVE of the larger one, or by EPSILONS roundings of a coarser type; the
same holds for each part of a complex number. Everything else must be identical, except what is known to be unstable.
"""

import base64
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from typing import Any, NamedTuple

from ...storage.hashing import sha256
from ...text.messages import enumeration

Node = dict[str, Any]
Difference = tuple[str, str, str]
"""A path like `[3].name`, and the values there at base and at head."""

SHOWN_PATHS = 3
SHOWN_CHARACTERS = 80
SHOWN_BEFORE = 20
"""Characters of long texts that are shown before they differ."""
RELATIVE = 1e-9
EPSILONS = 8
STABLE_CHARACTERS, STABLE_SHARE = 4, 1 / 8
"""If fewer characters, or a smaller share of them, are in words that never change, the whole text counts as random."""
CONTENT = {"value", "items", "fields"}
ROUNDINGS = 16 * 2.0**-52
"""Times the largest number in the input: the error that remains when numbers of that size cancel out."""
FLOATS = {"float": float, "float64": float, "complex": complex, "complex128": complex}
EPSILON = {"f2": 2.0**-10, "f4": 2.0**-23, "f8": 2.0**-52, "c8": 2.0**-23, "c16": 2.0**-52}
"""Distance from 1 to the next number, by NumPy's type string without the byte order."""
CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
"""The letter of `struct` for each of these types; complex numbers are two floats."""
UNORDERED = {"set", "frozenset", "dict_keys", "odict_keys"}
BEYOND = "…"
"""What follows the path of a value if the rest of it, which was too large to send, differs."""
TEXTS = {"str", "bytes", "bytearray", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"}
WORDS, PARTS = re.compile(r"([^\w.+-]+)"), re.compile(r"([\W_]+)")
"""What separates the words of a text, and the parts of a word."""


class FoundDifference(NamedTuple):
    """Where two descriptions differ, how the values are shown, and their nodes; None for one that does not exist."""

    path: str
    shown: tuple[str, str]
    nodes: tuple[Node | None, Node | None]


Unstable = Mapping[str, Sequence[tuple[Node | None, Node | None]]]
"""The paths at which the same code returned different values, each with pairs of them."""


@dataclass
class DescriptionComparison:
    """Compare two descriptions node by node; besides differences, note rounding and what cannot be decided.

    `scale` is the absolute value of the largest number in the call's input, 0 if unknown. What is `unstable` is no
    difference. With `whole`, a set, an array of numbers, or a list in another order differs as a whole.
    """

    scale: float = 0.0
    rounding: float = 0.0
    """The largest difference that counts as rounding, relative to the larger float."""
    tolerance: float = RELATIVE
    undecided: tuple[str, str] | None = None
    """The first path that cannot be decided, and why."""
    unstable: Unstable = field(default_factory=dict)
    whole: bool = False
    left_out: list[str] = field(default_factory=list)
    """The unstable paths at which the descriptions differ."""
    reordered: list[str] = field(default_factory=list)
    """The paths of lists whose order is unstable."""
    agrees: bool = False
    """Whether anything was found to be equal."""

    @property
    def is_decided(self) -> bool:
        """Return whether values without a difference are known to be equal, at least in a part of them."""
        return self.undecided is None and (self.agrees or not self.left_out)

    @property
    def is_partial(self) -> bool:
        return bool(self.left_out or self.reordered)

    def qualifications(self, why: str) -> Iterator[str]:
        """Yield what limits the equality of values without a difference; `why` says why some of them are unstable."""
        if self.reordered:
            yield f"compared without the order of elements, which {why}"
        if self.left_out:
            paths = [f"`{path}`" for path in dict.fromkeys(self.left_out) if path]
            yield f"compared without what {why}" + (f": {enumeration(paths, SHOWN_PATHS)}" if paths else "")
        if self.rounding:
            within, by = f"{self.tolerance:.0e}", f"{self.rounding:.1e}"
            yield f"floats are equal within {within}, not exactly: they differ by up to {by}"

    def first_difference(self, base: Node, head: Node) -> Difference | None:
        return next(((found.path, *found.shown) for found in self.differences(base, head)), None)

    def differences(self, base: Node, head: Node, path: str = "") -> Iterator[FoundDifference]:
        if base == head:
            self.agrees = True
        elif path in self.unstable:
            yield from self._unstable_differences(base, head, path)
        else:
            yield from self._stable_differences(base, head, path)

    def _stable_differences(self, base: Node, head: Node, path: str) -> Iterator[FoundDifference]:
        if (base["type"], base.get("kind")) != (head["type"], head.get("kind")):
            yield FoundDifference(path, (_typed(base), _typed(head)), (base, head))
        elif self.whole and (base["type"] in UNORDERED or "bytes" in base or _is_reordered(base, head)):
            if any(replace(self, whole=False).differences(base, head, path)):
                yield FoundDifference(path, (_typed(base), _typed(head)), (base, head))
        elif "bytes" in base and "bytes" in head:
            yield from self._number_differences(base, head, path)
        else:
            yield from self._inner_differences(_unpacked(base), _unpacked(head), path)

    def _unstable_differences(self, base: Node, head: Node, path: str) -> Iterator[FoundDifference]:
        """Compare what is stable in an unstable value: the words of a text that stay, the elements of a list."""
        pairs = self.unstable[path]
        if all(_is_reordered(*pair) for pair in pairs):
            self.reordered.append(path)
            one, other = ({**node, "items": sorted(node.get("items", ()), key=_canonical)} for node in (base, head))
            self.agrees = True
            if any(self._stable_differences(one, other, path)):
                yield FoundDifference(path, _shown_elements(base, head), (base, head))
            return
        self.left_out.append(path)
        if all(_is_text(node) for node in (base, head, *chain.from_iterable(pairs))):
            texts = [(one["value"], other["value"]) for one, other in pairs if one and other]
            is_same, agrees = _compare_words(base["value"], head["value"], texts)
            self.agrees |= agrees
            if not is_same:
                yield FoundDifference(path, _shown_values(base, head), (base, head))

    def _inner_differences(self, base: Node, head: Node, path: str) -> Iterator[FoundDifference]:
        nodes = base, head
        if "items" in base and "items" in head:
            for index, (one, other) in enumerate(zip(base["items"], head["items"], strict=False)):
                yield from self.differences({"type": "", **one}, {"type": "", **other}, f"{path}[{index}]")
        elif "fields" in base and "fields" in head:
            yield from self._field_differences(base, head, path)
        if base.get("size") != head.get("size"):
            yield FoundDifference(path, (_sized(base), f"{head['type']} of {head.get('size')}"), nodes)
        elif "value" in base and "value" in head and base["value"] != head["value"]:
            number = FLOATS.get(base["type"])
            if number and self._is_close(*(number(node["value"]) for node in nodes)):
                self.agrees = True
            else:
                yield FoundDifference(path, _shown_values(base, head), nodes)
        elif base.get("digest") != head.get("digest"):
            yield from self._digest_difference(base, head, path)
        elif base.keys() & CONTENT != head.keys() & CONTENT:
            yield FoundDifference(path, (_shown(base), _shown(head)), nodes)

    def _digest_difference(self, base: Node, head: Node, path: str) -> Iterator[FoundDifference]:
        """Judge values that were too large to send and are only known to differ."""
        beyond = path + BEYOND
        if beyond in self.unstable:
            self.left_out.append(path)
        elif base.get("floats") and head.get("floats") and not self.whole:
            reason = f"floats differ in a {_sized(base)}, too many to be compared within a tolerance"
            self.undecided = self.undecided or (path, reason)
        else:
            further = f"a {head['type']} with other content further on"
            yield FoundDifference(beyond, (f"a {base['type']}", further), (base, head))

    def _field_differences(self, base: Node, head: Node, path: str) -> Iterator[FoundDifference]:
        ours, theirs = _named(base["fields"]), _named(head["fields"])
        if self.whole and ours.keys() != theirs.keys() and "[" in {name[0] for name in (*ours, *theirs)}:
            yield FoundDifference(path, (_typed(base), _typed(head)), (base, head))
            return
        for name in dict.fromkeys((*ours, *theirs)):
            one, other = ours.get(name), theirs.get(name)
            if one and other:
                yield from self.differences(one, other, f"{path}{name}")
            elif f"{path}{name}" in self.unstable:
                self.left_out.append(f"{path}{name}")
            elif name.startswith("._"):
                reason = f"private attributes of {base['type']} have other names"
                self.undecided = self.undecided or (f"{path}{name}", reason)
            else:
                shown = _shown(one) if one else "nothing", _shown(other) if other else "nothing"
                yield FoundDifference(f"{path}{name}", shown, (one, other))
        if ours.keys() == theirs.keys() and list(ours) != list(theirs) and not next(iter(ours)).startswith("."):
            orders = f"the order {_short(' '.join(ours))}", f"the order {_short(' '.join(theirs))}"
            yield FoundDifference(path, orders, (base, head))

    def _number_differences(self, base: Node, head: Node, path: str) -> Iterator[FoundDifference]:
        one, other = _numbers(base), _numbers(head)
        if len(one) != len(other) or base["dtype"] != head["dtype"]:
            yield FoundDifference(path, (_sized(base), f"{head['type']} of {len(other)}"), (base, head))
            return
        epsilon = EPSILON.get(base["dtype"][1:])
        for index, (x, y) in enumerate(zip(one, other, strict=True)):
            if x != y and not (epsilon and self._is_close(x, y, epsilon)):
                yield FoundDifference(f"{path}[{index}]" if len(one) > 1 else path, (repr(x), repr(y)), (base, head))
                return
        self.agrees = True

    def _is_close(self, one: complex, other: complex, epsilon: float = EPSILON["f8"]) -> bool:
        """Return whether both parts are equal within the tolerance of their type, and note by how much they differ."""
        tolerance = max(RELATIVE, EPSILONS * epsilon)
        for x, y in ((one.real, other.real), (one.imag, other.imag)):
            if x == y or (math.isnan(x) and math.isnan(y)):
                continue
            apart, size = abs(x - y), max(abs(x), abs(y))
            if not (math.isfinite(apart) and apart <= max(tolerance * size, ROUNDINGS * self.scale)):
                return False
            self.rounding, self.tolerance = max(self.rounding, apart / size), max(self.tolerance, tolerance)
        return True


def unstable_parts(runs: Iterable[tuple[Node, Node]]) -> Unstable:
    """Return what differs in pairs of descriptions from the same code."""
    unstable: dict[str, list[tuple[Node | None, Node | None]]] = {}
    for one, other in runs:
        for found in DescriptionComparison(whole=True).differences(one, other):
            unstable.setdefault(found.path, []).append(found.nodes)
    return unstable


def spelled_difference(difference: Difference) -> str:
    path, base, head = difference
    path = path.removesuffix(BEYOND)
    return f"{base} at base, {head} at head" + (f" at `{path}`" if path else "")


def _is_reordered(one: Node | None, other: Node | None) -> bool:
    """Return whether two lists have the same elements in another order."""
    if not one or not other or "digest" in one or "digest" in other or "items" not in one or "items" not in other:
        return False
    return sorted(map(_canonical, one["items"])) == sorted(map(_canonical, other["items"]))


def _canonical(node: Node) -> str:
    return json.dumps(node, sort_keys=True)


def _is_text(node: Node | None) -> bool:
    return node is not None and node["type"] in TEXTS and "value" in node and "digest" not in node


def _compare_words(base: str, head: str, pairs: Sequence[tuple[str, str]]) -> tuple[bool, bool]:
    """Return whether two texts differ only in what differs in a pair, too, and whether they agree in anything."""
    (ours, theirs), *others = [[WORDS.split(text) for text in each] for each in ((base, head), *pairs)]
    if any(len(one) != len(other) for one, other in others) or not all(map(_is_mostly_stable, others)):
        return True, False
    if len({len(ours), len(theirs), *(len(one) for one, _ in others)}) > 1:
        return False, False
    agrees = False
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        unstable = [(pair[0][index], pair[1][index]) for pair in others if pair[0][index] != pair[1][index]]
        is_same, is_stable = _compare_parts(one, other, unstable) if unstable else (one == other, one.isalnum())
        if not is_same:
            return False, False
        agrees |= is_stable
    return True, agrees


def _is_mostly_stable(pair: Sequence[Sequence[str]]) -> bool:
    """Return whether two texts are not random as a whole; every second part of a split text is a word."""
    words = list(zip(*pair, strict=True))[::2]
    stable = sum(len(one) for one, other in words if one == other)
    return stable >= max(STABLE_CHARACTERS, STABLE_SHARE * sum(len(one) for one, _ in words))


def _compare_parts(base: str, head: str, pairs: Sequence[tuple[str, str]]) -> tuple[bool, bool]:
    """Compare the parts of an unstable word; if their number varies, the whole word is unstable."""
    (ours, theirs), *others = [[PARTS.split(word) for word in pair] for pair in ((base, head), *pairs)]
    if len({len(parts) for pair in ((ours, theirs), *others) for parts in pair}) > 1:
        return True, False
    stable = [index for index in range(len(ours)) if all(one[index] == other[index] for one, other in others)]
    return all(ours[index] == theirs[index] for index in stable), any(ours[index].isalnum() for index in stable)


def _numbers(node: Node) -> Sequence[Any]:
    """Return the numbers that NumPy's type string, such as `<f8`, describes as bytes."""
    raw, (order, kind) = base64.b64decode(node["bytes"]), (node["dtype"][0], node["dtype"][1:])
    code = CODES.get(kind) or CODES[f"f{int(kind[1:]) // 2}"]
    numbers = struct.unpack(f"{order.replace('|', '<')}{len(raw) // struct.calcsize('<' + code)}{code}", raw)
    return [complex(*parts) for parts in zip(numbers[::2], numbers[1::2], strict=True)] if kind[0] == "c" else numbers


def _unpacked(node: Node) -> Node:
    """Turn packed numbers into items, to compare them with a list that also has other types."""
    if "bytes" not in node:
        return node
    items = [{"type": type(number).__name__, "value": repr(number)} for number in _numbers(node)]
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


def _shown_values(base: Node, head: Node) -> tuple[str, str]:
    """Show two different values; long texts from shortly before they differ."""
    texts = [node["value"] for node in (base, head)]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False))) - SHOWN_BEFORE
    if same > 0 and max(map(len, texts)) > SHOWN_CHARACTERS - 2:
        base, head = ({**node, "value": f"…{node['value'][same:]}"} for node in (base, head))
    return _shown(base), _shown(head)


def _shown_elements(base: Node, head: Node) -> tuple[str, str]:
    """Show the first element that only base has, and the first that only head has."""
    counts = [Counter(map(_canonical, node.get("items", ()))) for node in (base, head)]
    only = (next(iter(one - other), "") for one, other in (counts, counts[::-1]))
    shown = [_shown(json.loads(element)) if element else "nothing" for element in only]
    return shown[0], shown[1]


def _plain(node: Node) -> Any:
    if "bytes" in node:
        return [str(number) for number in _numbers(node)[:10]]
    if "items" in node:
        return [_plain(item) for item in node["items"][:10]]
    if "fields" in node:
        return {_shown(name) if isinstance(name, dict) else name: _plain(inner) for name, inner in node["fields"][:10]}
    return node.get("value")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
