"""Plain-text tables for a terminal or a pipe."""

import io
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

_BETWEEN: Final = 2
"""Blanks between columns."""
_FEWEST_AS_LIST: Final = 4
"""Lines of a row from which on it may be a paragraph."""
_INDENT: Final = "   "
_PIECE: Final = re.compile(r"[^/_-]+[/_-]*|[/_-]+")
"""A part of a path or a name, after which a long one may be broken."""
_BETWEEN_WORDS: Final = re.compile(r"\s+(?!(?:%|(?:[KMG]iB|B|[nμm]?s)\b))")
"""A number is one word with its unit."""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Return a table without colours, at most `width` columns wide, whose cells are wrapped between words.

    Paths and names are broken at their separators if there is no room for them, or if that saves lines. If there is
    still no room, or a row would have more lines than a paragraph, return a list of paragraphs.
    """
    columns = list(zip(header, *rows, strict=True))
    possible = filter(
        None, (_widths(columns, width, *each) for each in product((_words, _pieces), (_narrowest, _fullest)))
    )
    widths = min(possible, key=lambda widths: sum(_heights(columns, widths)), default=None)
    if widths is None or max(_heights(columns, widths)[1:], default=0) >= max(len(header) - 1, _FEWEST_AS_LIST):
        return "\n\n".join("\n".join(_paragraph(header, row, width)) for row in rows)
    from rich.box import Box
    from rich.table import Table

    rule_below_header = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
    table = Table(box=rule_below_header, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name, columns_wide in zip(header, widths, strict=True):
        table.add_column("\n".join(_wrapped(name, columns_wide)), width=columns_wide)
    for row in rows:
        table.add_row(*("\n".join(_wrapped(*cell)) for cell in zip(row, widths, strict=True)))
    return rendered(table, width)


def rendered(content: "RenderableType", width: int) -> str:
    """Return a table or a paragraph as plain text, `width` columns wide and without blanks at the ends of lines."""
    from rich.console import Console

    output = io.StringIO()
    console = Console(file=output, width=width, color_system=None, markup=False, highlight=False, emoji=False)
    console.print(content)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def terminal_width() -> int:
    """Return the terminal's width in columns, 120 without a terminal."""
    return shutil.get_terminal_size((120, 24)).columns


def _words(cell: str) -> list[str]:
    return _BETWEEN_WORDS.split(cell.strip())


def _pieces(cell: str) -> list[str]:
    return [piece for word in _words(cell) for piece in _PIECE.findall(word)]


def _widths(
    columns: Sequence[Sequence[str]],
    width: int,
    parts_of: Callable[[str], Sequence[str]],
    next_of: Callable[[Sequence[tuple[int, int]]], tuple[int, int]],
) -> list[int] | None:
    """Return the columns' widths, None if their longest parts are too wide together.

    `next_of` chooses the column that gets more room by what columns have and want.
    """
    from rich.cells import cell_len

    widths = [max((cell_len(part) for cell in cells for part in parts_of(cell)), default=0) for cells in columns]
    wanted = [max(map(cell_len, cells)) for cells in columns]
    spare = width - sum(widths) - _BETWEEN * (len(columns) - 1)
    if spare < 0:
        return None
    while spare and widths != wanted:
        unfinished = [pair for pair in zip(widths, wanted, strict=True) if pair[0] < pair[1]]
        chosen = list(zip(widths, wanted, strict=True)).index(next_of(unfinished))
        widths[chosen] += 1
        spare -= 1
    return widths


def _narrowest(columns: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Choose the narrowest column, so that only the widest are wrapped."""
    return min(columns)


def _fullest(columns: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Choose the column that is wrapped most, so that no row is much higher than the others."""
    return max(columns, key=lambda column: column[1] / max(column[0], 1))


def _heights(columns: Sequence[Sequence[str]], widths: Sequence[int]) -> list[int]:
    """Return how many lines the header and each row have."""
    heights = (
        [len(list(_wrapped(cell, width))) for cell in cells] for cells, width in zip(columns, widths, strict=True)
    )
    return list(map(max, zip(*heights, strict=True)))


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text: broken between words, long words at their separators, and else anywhere."""
    from rich.cells import cell_len, chop_cells

    line = ""
    for word in _words(text):
        if cell_len(line) + 1 + cell_len(word) <= width or not line:
            line = f"{line} {word}".strip()
        else:
            yield line
            line = word
        while cell_len(line) > width:
            start = ""
            for piece in _PIECE.findall(line):
                if cell_len(start + piece) > width:
                    break
                start += piece
            start = start or chop_cells(line, width)[0]
            yield start.rstrip()
            line = line[len(start) :].lstrip()
    yield line


def _paragraph(header: Sequence[str], row: Sequence[str], width: int) -> Iterator[str]:
    """Yield the lines of one row: its first two cells, then each other cell behind its column's name."""
    room = max(width - len(_INDENT), 1)
    lead, *title = row[:2]
    first, *more = _wrapped(" ".join(title), room)
    yield f"{lead.ljust(len(_INDENT) - 1)} {first}".rstrip()
    for text in (*more, *(f"{name}: {cell}" for name, cell in list(zip(header, row, strict=True))[2:])):
        yield from (f"{_INDENT}{line}" for line in _wrapped(text, room))
