"""Read plain scalars by YAML 1.2's core schema, as editors do: `no` and `on` are words, 12345e6 is a number."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAY_BE_SPECIAL = frozenset("-+.0123456789~nNtTfF")
# A longer number is a float: Python refuses to read integers of thousands of digits.
_MAX_DIGITS = 300
# A scalar without blanks, after its anchor and tag.
_WRITTEN = re.compile(r"(?:[&!]\S*\s+)*([^\s,\[\]{}]*)")


def plain(text: str) -> object:
    """Read a plain scalar by YAML 1.2's core schema (section 10.3)."""
    if text and text[0] not in _MAY_BE_SPECIAL:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < _MAX_DIGITS:
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
    return _float(text) if _FLOAT.fullmatch(text) else text


def _float(text: str) -> float:
    return float(
        text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf").lower().replace(".nan", "nan")
    )


def as_written(text: str, offset: int) -> str:
    """Return a number or word as it is written in the file, without its anchor and tag."""
    found = _WRITTEN.match(text, offset)
    return found[1].removesuffix(":") if found else ""
