"""Draw a sample of calls, each with the same probability: it shows what is typical, which the largest call does not.

Source: algorithm R of J. S. Vitter, Random sampling with a reservoir, ACM Trans. on Mathematical Software 11 (1985).
"""

from __future__ import annotations

import random
from typing import Any

SIZE = 64
"""Calls in the whole sample."""
LARGEST = 2_000
"""Characters, elements or bytes of a call's inputs; more make no readable line."""
DEPENDENCIES = "statements", "needs", "files", "data", "stand_ins"
"""What written arguments may need besides imports."""
LONGEST = 160
"""Characters of a call's code."""


class CallSample:
    """Written calls by their place in the sample; None for one without short code."""

    def __init__(self) -> None:
        # Its own generator: the project's must not change.
        self._random, self.count = random.Random(0), 0  # noqa: S311 - no secret
        self._drawn: dict[int, dict[str, Any] | None] = {}

    def draw(self) -> int | None:
        """Return the place of one more call in the sample; None if it is not drawn."""
        self.count += 1
        if self.count <= SIZE:
            return self.count - 1
        place = self._random.randrange(self.count)
        return place if place < SIZE else None

    def put(self, place: int, call: dict[str, Any] | None) -> None:
        self._drawn[place] = call

    def message(self) -> list[dict[str, Any] | None]:
        return [self._drawn[place] for place in sorted(self._drawn)]


def short(written: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the code and imports of written arguments; None if it is not short code that needs nothing else."""
    if written is None or written["sampled"] or any(written[name] for name in DEPENDENCIES):
        return None
    codes = written["arguments"].values()
    if sum(map(len, codes)) > LONGEST or any("\n" in code for code in codes):
        return None
    return {"arguments": written["arguments"], "imports": written["imports"]}
