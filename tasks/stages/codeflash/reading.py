"""Read the Markdown of `codeflash compare`: its figures, and what stands in it as a dash.

By a real Markdown parser and by the names of columns, so that columns may come, go and change their order between versions.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ...artifacts import SIDES, CodeflashFigure, Side

Metric = Literal["time", "peak memory", "allocations"]

SECONDS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
}
BYTES: Final = {
    "b": 1.0,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
    "tib": 2.0**40,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
}

_VALUE = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[^\W\d_]*)")
_TEST_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What the tables hold, tests by their headings.

    `missing` are (test, side, what) where a side has no value, `twice` headings that stand there more than once.
    """

    tests: tuple[str, ...] = ()
    figures: tuple[CodeflashFigure, ...] = ()
    missing: tuple[tuple[str, Side, Metric], ...] = ()
    twice: tuple[str, ...] = ()

    def of(self, test: str, metric: Metric) -> CodeflashFigure | None:
        """Return the figure of a whole test."""
        return next(
            (each for each in self.figures if (each.test, each.function, each.metric) == (test, "", metric)), None
        )

    @property
    def functions(self) -> tuple[CodeflashFigure, ...]:
        return tuple(figure for figure in self.figures if figure.function)


@dataclass(frozen=True, slots=True)
class MarkdownTable:
    """A table with the heading that it stands under; cells as they are written."""

    test: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, *names: str) -> int | None:
        """Find a column by the beginning of its name; the first name that there is."""
        found = (place for name in names for place, title in enumerate(self.header) if title.lower().startswith(name))
        return next(found, None)

    def sides(self) -> dict[Side, tuple[str, ...]]:
        """Return the rows of base and head, as far as they are there."""
        return {
            side: row for row in self.rows for side in SIDES if row and re.search(rf"\({side}\)\W*$", row[0].lower())
        }


def read(markdown: str) -> Reading:
    """Read a report; one without tables gives an empty reading."""
    headings, found = tables(markdown)
    figures, missing = [], []
    for table in found:
        for figure in _figures(table):
            if isinstance(figure, CodeflashFigure):
                figures.append(figure)
            else:
                missing.append(figure)
    twice = tuple(dict.fromkeys(name for name in headings if headings.count(name) > 1))
    return Reading(tuple(dict.fromkeys(headings)), tuple(figures), tuple(missing), twice)


def value(cell: str, units: dict[str, float], unit: str = "") -> float | None:
    """Read `14,558.38μs`, `8.7 MiB` or `1,204`; None for a dash or a unit that is not among `units` (else that of the column)."""
    found = _VALUE.search(cell)
    if not found:
        return None
    factor = units.get((found["unit"] or unit).lower()) if units else 1.0
    return float(found["number"].replace(",", "")) * factor if factor else None


def _figures(table: MarkdownTable) -> Iterator[CodeflashFigure | tuple[str, Side, Metric]]:
    if table.column("function") == 0:
        yield from _of_functions(table)
        return
    sides = table.sides()
    if not sides:
        return
    for metric, place, units in _columns(table):
        values = {
            side: value(row[place], units, _unit(table.header[place]))
            for side, row in sides.items()
            if place < len(row)
        }
        there = {side: found for side, found in values.items() if found is not None}
        if len(there) == len(SIDES):
            yield CodeflashFigure(test=table.test, function="", metric=metric, **there)
        else:
            yield from ((table.test, side, metric) for side in SIDES if side not in there)


def _columns(table: MarkdownTable) -> Iterator[tuple[Metric, int, dict[str, float]]]:
    """Name the columns to read: of times the median, where there is one."""
    if (place := table.column("median", "mean", "avg", "average", "min")) is not None:
        yield "time", place, SECONDS
    if (place := table.column("peak", "memory")) is not None:
        yield "peak memory", place, BYTES
    if (place := table.column("alloc")) is not None:
        yield "allocations", place, {}


def _of_functions(table: MarkdownTable) -> Iterator[CodeflashFigure]:
    places = {side: table.column(side) for side in SIDES}
    if any(place is None for place in places.values()):
        return
    for row in table.rows:
        values = {
            side: value(row[place], SECONDS, _unit(table.header[place]))
            for side, place in places.items()
            if place is not None
        }
        there = {side: found for side, found in values.items() if found is not None}
        if len(there) == len(SIDES):
            yield CodeflashFigure(test=table.test, function=row[0].strip("`* "), metric="time", **there)


def _unit(title: str) -> str:
    """Return the unit in a column's name, like `base (μs)`."""
    found = re.search(r"\((\S+)\)\s*$", title)
    return found[1] if found else ""


def tables(markdown: str) -> tuple[list[str], list[MarkdownTable]]:
    """Return the headings that name tests, and all tables with the last of those above them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    headings: list[str] = []
    found: list[MarkdownTable] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == f"h{_TEST_LEVEL}":
            headings.append(tokens[place + 1].content)
        if token.type == "table_open":
            header, *rows = _rows(tokens[place:]) or [()]
            found.append(MarkdownTable(headings[-1] if headings else "", header, tuple(rows)))
    return headings, found


def _rows(tokens: Sequence[Token]) -> list[tuple[str, ...]]:
    """Return the cells of the table that begins here, its header first."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content)
        elif token.type == "table_close":
            break
    return [tuple(row) for row in rows]
