"""Shorten texts to what they repeat, and find the pattern of numbered ones."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

WHOLE = Fraction(1)
SMALL = 200
"""Characters or elements of a value that is not made smaller."""
LONGEST = 160
"""Characters up to which every text is written whole."""
MOST_LINES = 25
"""Lines of longer texts in an argument's code."""
LINE = 70
"""Characters of a text in a line of code."""
FILLED = 8
"""Lines of code that a text of many short lines may take: they hold several of its lines."""
ESCAPED = 0.1
"""The part of a text's characters that may be escaped; one with more is no text that a person would read."""
MOST_PARTS, LONGEST_OF_RUN, FEWEST_REPEATS = 5, 40, 8
"""Of a text that is written as runs."""
DIGITS = "0123456789"
FEWEST_LINES = 4
"""Of a text whose lines are numbered."""
NUMBERS = re.compile(r"(?<![0-9])(0|[1-9][0-9]*)(?![0-9])")


def multiplied(size: int, factor: Fraction) -> int:
    """Return a size, or a number of repeats, times a factor that may be a part of 1; at least 1."""
    return max(1, round(size * factor))


def quoted(value: Any) -> str:
    """Write a text with double quotes, as formatters do, if it holds no quotes."""
    literal = repr(value)
    start = literal.index("'") if "'" in literal and '"' not in literal else -1
    return literal if start < 0 else f'{literal[:start]}"{literal[start + 1 : -1]}"'


def lines_needed(value: Any) -> int:
    """Return how many lines of code a text takes, in pieces that end as its lines do; too many if it is binary."""
    text = value if isinstance(value, str) else value.decode("ascii", "replace")
    escaped = sum(not each.isprintable() or each == "\ufffd" for each in text if each not in "\n\r\t")
    if escaped > ESCAPED * len(text):
        return MOST_LINES + 1
    sizes = [len(repr(line)) for line in text.splitlines(keepends=True)]
    filled = 1 + len(repr(text)) // LINE
    return filled if len(sizes) > MOST_LINES and filled <= FILLED else sum(1 + size // LINE for size in sizes)


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


def joined_runs(value: Any, factor: Fraction = WHOLE) -> str | None:
    """Write a text that consists of a few runs, each of one short text that repeats itself, and of a few others.

    Each run becomes `factor` times as long, but a short one does not become shorter. Return None for any other text.
    """
    parts: list[str] = []
    start = end = 0
    while end < len(value) and len(parts) <= MOST_PARTS and end - start <= LONGEST:
        run = _run_at(value, end)
        if run is None:
            end += 1
            continue
        size, count = run
        parts += [quoted(value[start:end])] if end > start else []
        times = count if factor < 1 and size * count <= SMALL else multiplied(count, factor)
        parts.append(f"{quoted(value[end : end + size])} * {times:_}")
        start = end = end + size * count
    parts += [quoted(value[start:])] if start < len(value) else []
    is_short = len(parts) <= MOST_PARTS and sum(map(len, parts)) <= LONGEST
    return " + ".join(parts) if is_short and len(parts) > 1 else None


def _run_at(value: Any, start: int) -> tuple[int, int] | None:
    """Return the size of the shortest text that repeats itself there, and how often; None if none does."""
    for size in range(1, LONGEST_OF_RUN + 1):
        period = value[start : start + size]
        if value.startswith(period * FEWEST_REPEATS, start) and size * FEWEST_REPEATS <= len(value) - start:
            escaped: Any = re.escape(period)
            run = re.compile(b"(?:%s)+" % escaped if isinstance(value, bytes) else f"(?:{escaped})+")
            match = run.match(value, start)
            return size, (match.end() - start) // size if match else 1
    return None


def numbered_lines(text: str, factor: Fraction = WHOLE) -> str | None:
    """Write a text whose lines differ by a number that counts up, `factor` times as many; None for any other text."""
    lines = text.split("\n")
    end = "\n" if lines[-1] == "" else ""
    lines = lines[:-1] if end else lines
    if len(lines) < FEWEST_LINES:
        return None
    parts, following = NUMBERS.split(lines[0]), NUMBERS.split(lines[1])
    counters = [index for index in range(1, len(parts), 2) if parts[index : index + 1] != following[index : index + 1]]
    if not counters or len({parts[index] for index in counters}) > 1:
        return None
    first = int(parts[counters[0]])

    def line(number: object) -> str:
        return "".join(str(number) if index in counters else part for index, part in enumerate(parts))

    if any(each != line(number) for number, each in enumerate(lines, first)):
        return None
    parts = [part.replace("{", "{{").replace("}", "}}") for part in parts]
    count = multiplied(len(lines), factor)
    numbers = f"{first}, {first + count:_}" if first else f"{count:_}"
    joined, template = ('""', line("{number}") + end) if end else (r'"\n"', line("{number}"))
    return f"{joined}.join(f{quoted(template)} for number in range({numbers}))"
