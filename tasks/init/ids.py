"""Ids for the manifest, made of branches, functions and titles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..manifest.forms import RESERVED_IDS

_LONGEST_ID: Final = 40
_MOST_WORDS: Final = 4
_SMALL: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "by",
        "for",
        "from",
        "in",
        "instead",
        "is",
        "it",
        "its",
        "of",
        "on",
        "per",
        "that",
        "the",
        "to",
        "with",
    ]
)


class Ids:
    """Gives ids of which no two are the same on any file system."""

    def __init__(self, taken: Sequence[str] = ()) -> None:
        self._taken = {each.lower() for each in taken}

    def take(self, name: str) -> str:
        bare = _shortened(re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("_.-")) or "optimization"
        bare = re.sub(r"\.(json|log)$", r"-\1", bare, flags=re.IGNORECASE)
        number, found = 1, bare
        while found.lower() in self._taken or found.lower() in RESERVED_IDS:
            number += 1
            found = f"{bare}-{number}"
        self._taken.add(found.lower())
        return found


def _shortened(name: str) -> str:
    """Cut at a dash where there is one."""
    if len(name) > _LONGEST_ID:
        name = name[:_LONGEST_ID].rpartition("-")[0] or name[:_LONGEST_ID]
    return name.rstrip("_.-")


def slug(title: str) -> str:
    """Make a short name of a title's first telling words."""
    bare = re.sub(r"^\w+(?:\([^)]*\))?!?:\s*|\(#\d+\)", "", title)
    words = (word.strip("_") for word in re.findall(r"[A-Za-z0-9_]+", bare))
    told = [word for word in words if word and word.lower() not in _SMALL]
    return "-".join(told[:_MOST_WORDS]).lower()
