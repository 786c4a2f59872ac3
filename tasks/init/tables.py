"""Tables of optimizations with any columns: in notes, and in the results files of experiment loops."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from ..text.outline import Inline
from . import extract
from .candidate import Candidate
from .fields import Context, Description, Meaning, meaning_of, title_rank

_EMPTY_CELLS: Final = {"", "-", "–", "—", "n/a", "none", "null", "nan", "no commit", "tbd", "?"}
_DEFAULT_HEADER: Final = ("commit", "metric", "status", "description")


def meanings_of(header: Sequence[str]) -> list[Meaning | None]:
    """Return the meaning of each column; if several could hold the title, one does, and the others become details."""
    meanings = [meaning_of(name) for name in header]
    titles = sorted((title_rank(header[index]), index) for index, name in enumerate(meanings) if name == "title")
    for rank, index in titles[1:]:
        # After the rank of "pattern" a cell is a word or a number, not a sentence.
        meanings[index] = "summary" if rank < title_rank("pattern") else "number"
    if not titles and "summary" in meanings:
        meanings[meanings.index("summary")] = "title"
    return meanings


def lists_optimizations(meanings: Sequence[Meaning | None]) -> bool:
    """Return whether each row is one optimization: it has a commit or an outcome, and a title or the like."""
    is_listed, is_described = {"commit", "branch", "status"}, {"title", "function", "file", "summary"}
    return not (is_listed.isdisjoint(meanings) or is_described.isdisjoint(meanings))


def candidates(header: Sequence[str], rows: Sequence[Sequence[Inline]], context: Context) -> Iterator[Candidate]:
    """Yield the optimizations of a table, without rows such as a baseline or a total."""
    columns = list(zip(meanings_of(header), header, strict=True))
    for row in rows:
        candidate = _candidate(columns, row, context)
        has_content = candidate.title or candidate.has_refs or candidate.functions or candidate.summary
        if candidate.outcome != "none" and has_content:
            yield candidate


def candidates_of_results(text: str, file: str) -> tuple[Candidate, ...]:
    """Read a results file, with tabs or commas; return nothing if it is about something else."""
    rows = _rows(text)
    if not rows:
        return ()
    header = [cell.text for cell in rows[0]]
    if lists_optimizations(meanings_of(header)):
        rows = rows[1:]
    elif re.fullmatch(r"[0-9a-f]{7,40}", header[0]) and any(map(extract.outcome_of_field, header[1:])):
        header = list(_DEFAULT_HEADER)
    else:
        return ()
    return tuple(candidates(header, [_fitted(row, len(header)) for row in rows], Context(file)))


def _candidate(columns: Sequence[tuple[Meaning | None, str]], row: Sequence[Inline], context: Context) -> Candidate:
    line = row[0].line if row else 0
    description = Description(Inline("", line), context)
    for (meaning, name), cell in zip(columns, row, strict=False):
        if meaning in {None, "number"} and extract.NO_OPTIMIZATION.fullmatch(cell.text):
            description.parts.append(("summary", cell))
        if cell.text.strip("` *").lower() in _EMPTY_CELLS or meaning in {None, "number"}:
            continue
        if meaning == "title":
            description.title = cell
        elif meaning == "claim" and any(map(str.isdigit, cell.text)):
            description.parts.append((meaning, replace(cell, text=f"{name.lower()}: {cell.text}")))
        elif meaning:
            description.parts.append((meaning, cell))
    return description.candidate()


def _rows(text: str) -> list[list[Inline]]:
    lines = {number: line for number, line in enumerate(text.splitlines(), 1) if not re.match(r"\s*(#|$)", line)}
    first = next(iter(lines.values()), "")
    delimiter = "\t" if "\t" in first else max(",;|", key=first.count)
    split = [(number, _cells(line, delimiter)) for number, line in lines.items()]
    return [[Inline(cell.strip(), number) for cell in cells] for number, cells in split if len(cells) > 1]


def _cells(line: str, delimiter: str) -> list[str]:
    # Files with tabs are not quoted: a quotation mark is part of the text. csv refuses cells beyond its limit.
    with suppress(csv.Error):
        if delimiter != "\t":
            return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return line.split(delimiter)


def _fitted(row: list[Inline], count: int) -> list[Inline]:
    """Join surplus cells to the last column: descriptions contain commas."""
    if len(row) <= count:
        return row
    rest = ", ".join(cell.text for cell in row[count - 1 :])
    return [*row[: count - 1], Inline(rest, row[0].line)]
