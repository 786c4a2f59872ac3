"""How stages and tools say what they are doing: one short plain line at a time."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]


class Note(str):
    """A message that several items may have in common: a console prints it once and refers to it after that."""

    __slots__ = ()


def silent(message: str) -> None:
    """Print nothing."""
