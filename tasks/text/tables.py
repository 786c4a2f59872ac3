"""Lay out plain-text tables for a terminal, long cells wrapped so that lines fit."""

from __future__ import annotations

import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

GAP = "  "
NARROWEST = 12


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Return the table; columns keep their natural width while they fit, then the widest ones are wrapped."""
    natural = [max(map(displayed_width, column)) for column in zip(header, *rows, strict=True)]
    widths = _fitted(natural, width - len(GAP) * (len(header) - 1))
    rule = GAP.join("-" * column for column in widths)
    return "\n".join([*_lines(header, widths), rule, *(line for row in rows for line in _lines(row, widths))])


def displayed_width(text: str) -> int:
    """Count the columns that a terminal needs; East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text
    )


def _fitted(natural: list[int], width: int) -> list[int]:
    """Narrow the widest columns, all to one width, until the sum fits or nothing can be narrowed any more."""
    limit = max(natural)
    while limit > NARROWEST and sum(min(column, limit) for column in natural) > width:
        limit -= 1
    fitted = [min(column, limit) for column in natural]
    # What the common limit leaves over goes to the columns that it cut, from the last: reasons stand there.
    spare = width - sum(fitted)
    for position in reversed(range(len(natural))):
        more = max(0, min(spare, natural[position] - fitted[position]))
        fitted[position] += more
        spare -= more
    return fitted


def _lines(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = zip_longest(*wrapped, fillvalue="")
    return [
        GAP.join(
            part + " " * (width - displayed_width(part)) for part, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def _wrapped(text: str, width: int) -> list[str]:
    """Break at blanks; a longer word behind a slash, else anywhere."""
    if displayed_width(text) <= width:
        return [text]
    lines: list[str] = []
    for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
        rest = line
        while len(rest) > width:
            cut = rest.rfind("/", 0, width) + 1 or width
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return lines


def terminal_width() -> int:
    """Return the terminal's width in columns, 120 where there is no terminal."""
    return shutil.get_terminal_size((120, 24)).columns
