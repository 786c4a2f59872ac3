"""Read spellings of `prprep_worker.inputs.spellings`: write them as Python code, and find where two differ."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .outputs import Difference

Spelling = list[Any]

SHOWN_CHARACTERS = 160
_BRACKETS = {
    "list": "[]",
    "tuple": "()",
    "set": ("{", "}"),
    "frozenset": ("frozenset({", "})"),
    "deque": ("deque([", "])"),
}


def call_as_markdown(name: str, keywords: list[str], spellings: list[Spelling]) -> str:
    """Return the call as Markdown code: `work([1, 2], size=3)`."""
    prefixes = [*[""] * (len(spellings) - len(keywords)), *(f"{keyword}=" for keyword in keywords)]
    arguments = (prefix + code(spelling) for prefix, spelling in zip(prefixes, spellings, strict=True))
    text = f"{name.rpartition('<locals>.')[2]}({', '.join(arguments)})"
    if len(text) > SHOWN_CHARACTERS:
        # The end of an input matters as much as its beginning.
        text = f"{text[: SHOWN_CHARACTERS // 2]}…{text[-SHOWN_CHARACTERS // 2 :]}"
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def code(spelling: Spelling) -> str:  # noqa: PLR0911 - one line a kind
    kind, *rest = spelling
    if kind == "none":
        return "None"
    if kind == "str":
        return repr(rest[0])
    if kind in {"bytes", "bytearray"}:
        return repr(rest[0].encode("latin-1")) if kind == "bytes" else f"bytearray({rest[0].encode('latin-1')!r})"
    if kind == "recorded":
        return "<the benchmark's>"
    if kind == "kept":
        return f"<{rest[1]}>"
    if kind == "enum":
        return f"{rest[1]}.{rest[2]}"
    if kind == "path":
        return f"{rest[0]}({rest[1]!r})"
    if kind == "made":
        return f"{rest[1].rpartition('.')[2]}({', '.join(f'{name}={code(value)}' for name, value in rest[2])})"
    return _container_code(kind, rest)


def _container_code(kind: str, rest: list[Any]) -> str:
    if kind == "dict":
        return "{" + ", ".join(f"{code(key)}: {code(value)}" for key, value in rest[0]) + "}"
    if kind == "ndarray":
        shape = "" if len(rest[1]) == 1 else f".reshape({', '.join(map(str, rest[1]))})"
        return f"array([{', '.join(map(code, rest[2]))}], dtype='{rest[0]}'){shape}"
    if kind in _BRACKETS:
        opened, closed = _BRACKETS[kind]
        comma = "," if kind == "tuple" and len(rest[0]) == 1 else ""
        return f"{opened}{', '.join(map(code, rest[0]))}{comma}{closed}"
    if kind == "range":
        return f"range({', '.join(rest[0].split())})"
    return str(rest[0]) if kind in {"int", "float", "bool", "complex"} else f"{kind}({rest[0]!r})"


def largest_number(spelling: object) -> float:
    """Return the largest absolute value of the finite numbers in a spelling or a list of spellings; 0 without any."""
    if not isinstance(spelling, list) or not spelling:
        return 0.0
    if spelling[0] in ("int", "float", "complex"):
        try:
            size = abs(complex(spelling[1]))
        except OverflowError:
            return 0.0
        return size if math.isfinite(size) else 0.0
    return max(map(largest_number, spelling))


def passed_objects(spelling: object) -> list[str]:
    """Name the objects that are passed as they are, in order: their numbers must mean the same on both sides."""
    if not isinstance(spelling, list) or not spelling:
        return []
    if spelling[0] == "kept":
        return [spelling[2]]
    return [name for part in spelling for name in passed_objects(part)]


def first_difference(base: list[Spelling], head: list[Spelling]) -> Difference | None:
    """Return the first difference between the arguments of both sides; floats may differ by rounding."""
    if len(base) != len(head):
        return "", f"{len(base)} arguments", f"{len(head)} arguments"
    pairs = enumerate(zip(base, head, strict=True))
    return _first(_difference(one, other, f"[{index}]") for index, (one, other) in pairs)


def _difference(base: Spelling, head: Spelling, path: str) -> Difference | None:
    if base == head or _is_rounding(base, head):
        return None
    if base[0] == head[0] == "made":
        # Only fields that both sides have: the change may give a class others.
        fields = dict(head[3])
        return _first(_difference(value, fields[name], f"{path}.{name}") for name, value in base[3] if name in fields)
    if base[0] == head[0] == "ndarray" and base[1:3] == head[1:3]:
        return _difference(["list", base[3]], ["list", head[3]], path)
    if base[0] == head[0] and isinstance(base[1], list) and len(base[1]) == len(head[1]) and base[2:] == head[2:]:
        pairs = zip(base[1], head[1], strict=True)
        if base[0] == "dict":
            return _first(
                _difference(one[0], other[0], f"{path} key") or _difference(one[1], other[1], f"{path}[{code(one[0])}]")
                for one, other in pairs
            )
        return _first(_difference(one, other, f"{path}[{index}]") for index, (one, other) in enumerate(pairs))
    return path, _short(code(base)), _short(code(head))


def _first(differences: Iterable[Difference | None]) -> Difference | None:
    return next(filter(None, differences), None)


def _is_rounding(base: Spelling, head: Spelling) -> bool:
    if base[0] != "float" or head[0] != "float":
        return False
    one, other = float(base[1]), float(head[1])
    return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS // 2 else text[: SHOWN_CHARACTERS // 2] + "…"
