"""Progress messages of stages and tools: one short line each."""

from collections.abc import Callable

Report = Callable[[str], None]


class Note(str):
    """A message that several items may share; a console prints it once and refers to it after that."""

    __slots__ = ()


def silent(message: str) -> None:
    """Print nothing."""
