"""Draw a sample of calls, each call as likely as any other: what is typical shows there, and not in the largest call.

Vitter, J. S. (1985): Random sampling with a reservoir, ACM Transactions on Mathematical Software 11 (1), algorithm R.
Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import random
from typing import Any

SIZE = 64
"""Calls that are kept in the end."""
LARGEST = 2_000
"""Characters, elements or bytes of a call's inputs from which its code is no line to be read."""
NOT_ITS_OWN = "statements", "needs", "files", "data", "fixtures", "stand_ins"
"""What a spelling may have beside the arguments."""
LONGEST = 160
"""Characters of a call's code."""


class Sample:
    """Calls as they were spelled, by the place that they were drawn for; one without a short spelling is drawn all the same."""

    def __init__(self) -> None:
        # A generator of its own: that of the target's process stays as it is.
        self._random, self.count = random.Random(0), 0  # noqa: S311 - no secret
        self._drawn: dict[int, dict[str, Any] | None] = {}

    def place(self) -> int | None:
        """Return the place of one more call in the sample; None where it was not drawn."""
        self.count += 1
        if self.count <= SIZE:
            return self.count - 1
        place = self._random.randrange(self.count)
        return place if place < SIZE else None

    def put(self, place: int, call: dict[str, Any] | None) -> None:
        self._drawn[place] = call

    def message(self) -> list[dict[str, Any] | None]:
        return [self._drawn[place] for place in sorted(self._drawn)]


def short(spelled: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what is kept of a spelling: None where it is no short code that stands for itself."""
    if spelled is None or spelled["sampled"] or any(spelled[name] for name in NOT_ITS_OWN):
        return None
    if sum(map(len, spelled["arguments"].values())) > LONGEST or any(
        "\n" in code for code in spelled["arguments"].values()
    ):
        return None
    return {"arguments": spelled["arguments"], "imports": spelled["imports"]}
