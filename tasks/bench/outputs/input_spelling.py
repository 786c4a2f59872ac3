"""Read spellings of `prprep_worker.inputs.spellings`: write them as Python code, and find where two differ."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from .descriptions import Difference

Spelling = list[Any]

SHOWN_CHARACTERS = 160


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


def code(spelling: Spelling) -> str:
    kind, *rest = spelling
    return _CODE[kind](*rest) if kind in _CODE else f"{kind}({rest[0]!r})"


def _joined(spellings: list[Spelling]) -> str:
    return ", ".join(map(code, spellings))


def _array_code(dtype: str, shape: list[int], elements: list[Spelling], *_: object) -> str:
    reshaped = "" if len(shape) == 1 else f".reshape({', '.join(map(str, shape))})"
    return f"array([{_joined(elements)}], dtype='{dtype}'){reshaped}"


_CODE: dict[str, Callable[..., str]] = {
    "none": lambda *_: "None",
    "recorded": lambda *_: "<the benchmark's>",
    "unchanged": lambda _, name, *__: f"<{name}>",
    **dict.fromkeys(("int", "float", "bool", "complex"), lambda text: text),
    "str": lambda text, *_: repr(text),
    "bytes": lambda text, *_: repr(text.encode("latin-1")),
    "bytearray": lambda text, *_: f"bytearray({text.encode('latin-1')!r})",
    "path": lambda kind, text: f"{kind}({text!r})",
    "range": lambda text: f"range({', '.join(text.split())})",
    "enum": lambda _, name, member, *__: f"{name}.{member}",
    "object": lambda _, name, fields: (
        f"{name.rpartition('.')[2]}({', '.join(f'{field}={code(value)}' for field, value in fields)})"
    ),
    "list": lambda elements, *_: f"[{_joined(elements)}]",
    "tuple": lambda elements, *_: f"({_joined(elements)}{',' if len(elements) == 1 else ''})",
    "set": lambda elements, *_: f"{{{_joined(elements)}}}",
    "frozenset": lambda elements, *_: f"frozenset({{{_joined(elements)}}})",
    "deque": lambda elements, *_: f"deque([{_joined(elements)}])",
    "dict": lambda pairs, *_: "{" + ", ".join(f"{code(key)}: {code(value)}" for key, value in pairs) + "}",
    "ndarray": _array_code,
}
"""How each kind of spelling looks as code; other kinds look like `Decimal('1.5')`."""


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
    if spelling[0] == "unchanged":
        return [spelling[2]]
    return [name for part in spelling for name in passed_objects(part)]


def first_difference(base: list[Spelling], head: list[Spelling]) -> Difference | None:
    """Return the first difference between the arguments of both sides; floats may differ by rounding."""
    if len(base) != len(head):
        return "", f"{len(base)} arguments", f"{len(head)} arguments"
    return _difference(["list", base], ["list", head], "")


def _difference(base: Spelling, head: Spelling, path: str) -> Difference | None:
    if base == head or (base[0] == head[0] == "float" and _is_rounding(float(base[1]), float(head[1]))):
        return None
    if base[0] == head[0] == "object":
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


def _is_rounding(base: float, head: float) -> bool:
    return math.isclose(base, head, rel_tol=1e-9) or (math.isnan(base) and math.isnan(head))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS // 2 else text[: SHOWN_CHARACTERS // 2] + "…"
