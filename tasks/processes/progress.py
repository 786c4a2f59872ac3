"""How stages and tools say what they are doing: one short plain line at a time."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]


def silent(message: str) -> None:
    """Say nothing: the default wherever nobody listens."""
