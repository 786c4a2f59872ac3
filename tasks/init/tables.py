"""Tables with any columns, from notes and from files of results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ..text.outline import Inline
from .fields import Meaning, Telling, meaning_of, title_rank

if TYPE_CHECKING:
    from ..manifest.model import Domain
    from . import extract as words
    from .candidate import Lead

_NOTHING = {"", "-", "–", "—", "n/a", "none", "null", "nan", "no commit", "tbd", "?"}


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column means; of several that could hold the title one does, and the others tell more."""

    meanings: tuple[Meaning | None, ...]

    @classmethod
    def of(cls, header: Sequence[str]) -> Columns:
        found = [meaning_of(name) for name in header]
        titles = sorted((title_rank(header[place]), place) for place, meaning in enumerate(found) if meaning == "title")
        for rank, place in titles[1:]:
            found[place] = "summary" if rank < title_rank("pattern") else "number"  # a word or a number, no sentence
        if not titles and "summary" in found:
            found[found.index("summary")] = "title"
        return cls(tuple(found))

    @property
    def tells_of_optimizations(self) -> bool:
        """Whether rows are single optimizations: they have a commit or an outcome each, and more than that."""
        has = set(self.meanings)
        return bool(has & {"commit", "branch", "status"}) and bool(has & {"title", "function", "file", "summary"})


@dataclass(frozen=True, slots=True)
class Context:
    """What the place of a table or list says of all that is in it; `shut` where only tables are looked at."""

    place: words.Outcome | None = None
    domains: tuple[Domain, ...] = ()
    shut: Literal["", "ahead", "beside"] = ""


def leads(file: str, header: Sequence[str], rows: Sequence[Sequence[Inline]], context: Context) -> Iterator[Lead]:
    """Yield the optimizations of a table, without the rows that are none (a baseline, a total)."""
    columns = Columns.of(header)
    for row in (_labelled(columns, header, row) for row in rows):
        lead = _lead(file, columns, row, context)
        if lead.standing != "none" and (lead.title or lead.refers or lead.functions or lead.summary):
            yield lead


def _labelled(columns: Columns, header: Sequence[str], row: Sequence[Inline]) -> list[Inline]:
    """Put what a number is of before it."""
    cells = zip(columns.meanings, header, row, strict=False)
    return [
        replace(cell, text=f"{name.lower()}: {cell.text}")
        if meaning == "claim" and any(map(str.isdigit, cell.text))
        else cell
        for meaning, name, cell in cells
    ]


def _lead(file: str, columns: Columns, row: Sequence[Inline], context: Context) -> Lead:
    line = row[0].line if row else 0
    telling = Telling(f"{file}:{line}", Inline("", line), place=context.place, domains=context.domains)
    for meaning, cell in zip(columns.meanings, row, strict=False):
        if cell.text.strip("` *").lower() in _NOTHING or meaning is None:
            continue
        if meaning == "title":
            telling.title = cell
            if cell.text.strip().lower().startswith(("baseline", "total", "cumulative", "**total")):
                telling.parts.append(("status", Inline("baseline", line)))
        elif meaning != "number":
            telling.parts.append((meaning, cell))
    return telling.lead()
