"""Plain-text tables for a terminal or a pipe."""

import io
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

_NARROWEST: Final = 60
"""Columns; a table squeezed further is harder to read than one whose lines the terminal wraps."""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Return a table without colours; the widest columns are wrapped until it fits into `width`."""
    from rich.box import Box
    from rich.table import Table

    rule_below_header = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
    table = Table(box=rule_below_header, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name, *cells in zip(header, *rows, strict=True):
        # A column of single words, such as commits, only wraps if a word is very long.
        wraps = any(" " in cell or len(cell) > 16 for cell in cells)
        table.add_column(name, overflow="fold", no_wrap=not wraps)
    for row in rows:
        table.add_row(*row)
    return rendered(table, max(width, _NARROWEST))


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
