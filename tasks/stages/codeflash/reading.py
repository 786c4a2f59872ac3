"""Read the Markdown of `codeflash compare`: its figures, and which are missing.

Columns are found by name: versions of codeflash may add, drop and reorder them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ...artifacts import SIDES, CodeflashFigure, Side
from ...text.amounts import UNITS
from ...text.outline import parse

Metric = Literal["time", "peak memory", "allocations"]

SECONDS: Final = UNITS["time"] | {"\N{MICRO SIGN}s": 1e-6, "m": 60.0}

_COLUMNS: Final[tuple[tuple[Metric, tuple[str, ...], dict[str, float]], ...]] = (
    ("time", ("median", "mean", "avg", "average", "min"), SECONDS),
    ("peak memory", ("peak", "memory"), UNITS["size"]),
    ("allocations", ("alloc",), {}),
)
"""What is read, from the first of these columns that there is, in these units."""
_VALUE = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[^\W\d_]*)")
_HEADING_OF_TEST = "h3"


@dataclass(frozen=True, slots=True)
class CodeflashReport:
    """A report: `tests` are its headings of tests, `twice` those that occur more than once.

    `missing` are (test, side, metric) without a value.
    """

    tests: tuple[str, ...] = ()
    figures: tuple[CodeflashFigure, ...] = ()
    missing: tuple[tuple[str, Side, Metric], ...] = ()
    twice: tuple[str, ...] = ()

    def of(self, test: str, metric: Metric) -> CodeflashFigure | None:
        """Return the figure of a whole test."""
        matches = (each for each in self.figures if (each.test, each.function, each.metric) == (test, "", metric))
        return next(matches, None)

    @property
    def functions(self) -> tuple[CodeflashFigure, ...]:
        return tuple(figure for figure in self.figures if figure.function)


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A table with the heading above it."""

    test: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, *names: str) -> int | None:
        """Return the number of the first column whose title starts with one of the names, tried in order."""
        titles = [title.lower() for title in self.header]
        return next((titles.index(title) for name in names for title in titles if title.startswith(name)), None)

    def sides(self) -> dict[Side, tuple[str, ...]]:
        return {
            side: row for row in self.rows for side in SIDES if row and re.search(rf"\({side}\)\W*$", row[0].lower())
        }


def read(markdown: str) -> CodeflashReport:
    """Read a report; without tables it is empty."""
    headings, all_tables = tables(markdown)
    cells = [cell for table in all_tables for cell in _figures(table)]
    tests = tuple(dict.fromkeys(headings))
    return CodeflashReport(
        tests=tests,
        figures=tuple(cell for cell in cells if isinstance(cell, CodeflashFigure)),
        missing=tuple(cell for cell in cells if not isinstance(cell, CodeflashFigure)),
        twice=tuple(name for name in tests if headings.count(name) > 1),
    )


def value(cell: str, units: dict[str, float], unit: str = "") -> float | None:
    """Read `14,558.38μs`, `8.7 MiB` or `1,204`, by default in `unit`; None for a dash or an unknown unit."""
    match = _VALUE.search(cell)
    if not match:
        return None
    factor = units.get((match["unit"] or unit).lower()) if units else 1.0
    return float(match["number"].replace(",", "")) * factor if factor else None


def _figures(table: FigureTable) -> Iterator[CodeflashFigure | tuple[str, Side, Metric]]:
    """Yield the figures of a table of functions, or those of a whole test and which of them are missing."""
    if table.column("function") == 0:
        columns = {side: column for side in SIDES if (column := table.column(side)) is not None}
        for row in table.rows:
            values = _values({side: (row, column) for side, column in columns.items()}, table, SECONDS)
            if len(values) == len(SIDES):
                yield CodeflashFigure(test=table.test, function=row[0].strip("`* "), metric="time", **values)
        return
    sides = table.sides()
    for metric, names, units in _COLUMNS if sides else ():
        if (column := table.column(*names)) is None:
            continue
        values = _values({side: (row, column) for side, row in sides.items()}, table, units)
        if len(values) == len(SIDES):
            yield CodeflashFigure(test=table.test, function="", metric=metric, **values)
        else:
            yield from ((table.test, side, metric) for side in SIDES if side not in values)


def _values(
    cells: Mapping[Side, tuple[tuple[str, ...], int]], table: FigureTable, units: dict[str, float]
) -> dict[Side, float]:
    """Read each side's cell, given as row and column; unreadable ones are left out."""
    values = {}
    for side, (row, column) in cells.items():
        # The title of a column may name its unit, like `base (μs)`.
        unit = re.search(r"\((\S+)\)\s*$", table.header[column])
        if column < len(row) and (number := value(row[column], units, unit[1] if unit else "")) is not None:
            values[side] = number
    return values


def tables(markdown: str) -> tuple[list[str], list[FigureTable]]:
    """Return the headings that name tests, and all tables, each with its heading."""
    headings: list[str] = []
    all_tables: list[FigureTable] = []
    for node in parse(markdown).walk():
        if node.type == "heading" and node.tag == _HEADING_OF_TEST:
            headings.append(node.children[0].content)
        elif node.type == "table":
            rows = [row.children for row in node.walk() if row.type == "tr"]
            header, *cells = (tuple(cell.children[0].content for cell in row) for row in rows)
            all_tables.append(FigureTable(headings[-1] if headings else "", header, tuple(cells)))
    return headings, all_tables
