"""Shorten texts to what they repeat, and find the pattern of numbered ones."""

from __future__ import annotations

from typing import Any

LONGEST = 160
"""Characters of a text that is written whole."""
DIGITS = "0123456789"


def quoted(value: Any) -> str:
    """Write a text with double quotes, as formatters do, if it holds no quotes."""
    literal = repr(value)
    start = literal.index("'") if "'" in literal and '"' not in literal else -1
    return literal if start < 0 else f'{literal[:start]}"{literal[start + 1 : -1]}"'


def stem_of(texts: list[str]) -> str | None:
    """Return what numbered texts begin with; None if they are no numbered texts, so that more cannot be made up."""
    stem = texts[0].rstrip(DIGITS)
    alike = all(text.rstrip(DIGITS) == stem != text for text in texts)
    return stem if alike and not set(stem) & set('{}\\"\n') else None


def period_of(value: Any) -> Any:
    """Return the text that a text repeats from its start to its end, else all of it."""
    head = value[: 4 * LONGEST]
    period = next((size for size in range(1, len(head) // 2 + 1) if head.startswith(head[size:])), 0)
    repeats = period and value == (head[:period] * (len(value) // period + 1))[: len(value)]
    return head[:period] if repeats else value
