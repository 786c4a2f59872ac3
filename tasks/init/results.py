"""Files of results as experiment loops write them: a row for each experiment, any columns, tabs or commas."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from ..text.outline import Inline
from . import extract as words
from . import tables
from .tables import Columns, Context

if TYPE_CHECKING:
    from .candidate import Lead

_UNNAMED: Final = ("commit", "metric", "status", "description")
_FEWEST: Final = 2


def leads(text: str, file: str) -> tuple[Lead, ...]:
    """Read a file of results; nothing where it is something else."""
    rows = _rows(text)
    if not rows:
        return ()
    header = [cell.text for cell in rows[0]]
    if not Columns.of(header).tells_of_optimizations:
        if not _is_row(header):
            return ()
        header = list(_UNNAMED)
    else:
        rows = rows[1:]
    fitted = [_fitted(row, len(header)) for row in rows]
    return tuple(tables.leads(file, header, fitted, Context()))


def _rows(text: str) -> list[list[Inline]]:
    lines = [
        line for line in enumerate(text.splitlines(), 1) if line[1].strip() and not line[1].lstrip().startswith("#")
    ]
    if not lines:
        return []
    first = lines[0][1]
    if "\t" in first:
        # Nobody quotes in these: a quotation mark is one.
        split = [(number, line.split("\t")) for number, line in lines]
    else:
        delimiter = max(",;|", key=first.count)
        split = [(number, _cells(line, delimiter)) for number, line in lines]
    return [[Inline(cell.strip(), number) for cell in cells] for number, cells in split if len(cells) >= _FEWEST]


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # A cell beyond csv's limit, say.
        return line.split(delimiter)


def _is_row(cells: list[str]) -> bool:
    """Return whether a first line is a row already: a commit, and what became of it."""
    return bool(re.fullmatch(r"[0-9a-f]{7,40}", cells[0])) and any(words.outcome_of_field(cell) for cell in cells[1:])


def _fitted(row: list[Inline], count: int) -> list[Inline]:
    """Put what is too much for the columns into the last of them: descriptions have commas in them."""
    if len(row) <= count:
        return row
    rest = ", ".join(cell.text for cell in row[count - 1 :])
    return [*row[: count - 1], Inline(rest, row[0].line)]
