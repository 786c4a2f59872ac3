"""Read the spellings of `prprep_worker.inputs.spellings`: show them as Python writes them, and find where two of them differ."""

from __future__ import annotations

import math
from typing import Any

Spelling = list[Any]

SHOWN_CHARACTERS = 160
_BRACKETS = {
    "list": "[]",
    "tuple": "()",
    "set": ("{", "}"),
    "frozenset": ("frozenset({", "})"),
    "deque": ("deque([", "])"),
}


def spelled_call(name: str, keywords: list[str], spellings: list[Spelling]) -> str:
    """Return the call as Markdown code: `work([1, 2], size=3)`."""
    positional = len(spellings) - len(keywords)
    shown = [*map(spelled, spellings[:positional])]
    shown += [
        f"{keyword}={spelled(spelling)}" for keyword, spelling in zip(keywords, spellings[positional:], strict=True)
    ]
    text = f"{name.rpartition('<locals>.')[2]}({', '.join(shown)})"
    if len(text) > SHOWN_CHARACTERS:
        # The end of an input counts as much as its beginning.
        text = f"{text[: SHOWN_CHARACTERS // 2]}…{text[-SHOWN_CHARACTERS // 2 :]}"
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def spelled(spelling: Spelling) -> str:  # noqa: PLR0911 - one line a kind
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
        return f"{rest[1].rpartition('.')[2]}({', '.join(f'{name}={spelled(value)}' for name, value in rest[2])})"
    return _spelled_container(kind, rest)


def _spelled_container(kind: str, rest: list[Any]) -> str:
    if kind == "dict":
        return "{" + ", ".join(f"{spelled(key)}: {spelled(value)}" for key, value in rest[0]) + "}"
    if kind == "ndarray":
        shape = "" if len(rest[1]) == 1 else f".reshape({', '.join(map(str, rest[1]))})"
        return f"array([{', '.join(map(spelled, rest[2]))}], dtype='{rest[0]}'){shape}"
    if kind in _BRACKETS:
        opened, closed = _BRACKETS[kind]
        comma = "," if kind == "tuple" and len(rest[0]) == 1 else ""
        return f"{opened}{', '.join(map(spelled, rest[0]))}{comma}{closed}"
    if kind == "range":
        return f"range({', '.join(rest[0].split())})"
    return str(rest[0]) if kind in {"int", "float", "bool", "complex"} else f"{kind}({rest[0]!r})"


def largest(spelling: object) -> float:
    """Return the size of the largest number in a spelling, of its elements, or of any in a list of them."""
    if not isinstance(spelling, list) or not spelling:
        return 0.0
    if spelling[0] in ("int", "float", "complex"):
        try:
            size = abs(complex(spelling[1]))
        except OverflowError:
            return 0.0
        return size if math.isfinite(size) else 0.0
    return max(map(largest, spelling))


def kept(spelling: object) -> list[str]:
    """Name what is passed as it is, in order: both sides must mean the same by a number."""
    if not isinstance(spelling, list) or not spelling:
        return []
    if spelling[0] == "kept":
        return [spelling[2]]
    return [name for part in spelling for name in kept(part)]


def differs(base: list[Spelling], head: list[Spelling]) -> tuple[str, str, str] | None:
    """Return the first place where the arguments of both sides differ, and what is there; floats may differ by rounding."""
    if len(base) != len(head):
        return "", f"{len(base)} arguments", f"{len(head)} arguments"
    places = (_differs(one, other, f"[{index}]") for index, (one, other) in enumerate(zip(base, head, strict=True)))
    return next((found for found in places if found), None)


def _differs(base: Spelling, head: Spelling, path: str) -> tuple[str, str, str] | None:  # noqa: PLR0911 - one a kind
    if base == head or _is_rounding(base, head):
        return None
    if base[0] == head[0] == "made":
        return _fields_differ(base, head, path)
    if base[0] == head[0] == "ndarray" and base[1:3] == head[1:3]:
        return _differs(["list", base[3]], ["list", head[3]], path)
    if base[0] == head[0] and isinstance(base[1], list) and len(base[1]) == len(head[1]) and base[2:] == head[2:]:
        pairs = zip(base[1], head[1], strict=True)
        for index, (one, other) in enumerate(pairs):
            if base[0] != "dict":
                if found := _differs(one, other, f"{path}[{index}]"):
                    return found
            elif found := _differs(one[0], other[0], f"{path} key") or _differs(
                one[1], other[1], f"{path}[{spelled(one[0])}]"
            ):
                return found
        return None
    return path, _short(spelled(base)), _short(spelled(head))


def _fields_differ(base: Spelling, head: Spelling, path: str) -> tuple[str, str, str] | None:
    """Compare the fields that both sides have: a class may get others with the change."""
    there = dict(head[3])
    places = ((name, _differs(value, there[name], f"{path}.{name}")) for name, value in base[3] if name in there)
    return next((found for _, found in places if found), None)


def _is_rounding(base: Spelling, head: Spelling) -> bool:
    if base[0] != "float" or head[0] != "float":
        return False
    one, other = float(base[1]), float(head[1])
    return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS // 2 else text[: SHOWN_CHARACTERS // 2] + "…"
