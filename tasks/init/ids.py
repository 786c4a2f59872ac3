"""Ids for the manifest, from branches, functions and titles."""

import re
from collections.abc import Iterable
from typing import Final

from ..manifest.forms import RESERVED_IDS

_LONGEST_ID: Final = 40
_MOST_WORDS: Final = 4
_SMALL_WORDS: Final = re.compile(
    r"(?:a|an|and|by|for|from|in|instead|is|it|its|of|on|per|that|the|to|with)", re.IGNORECASE
)
CONVENTIONAL_PREFIX: Final = re.compile(r"^\w+(?:\([^)]*\))?!?:\s*|\(#\d+\)")
"""`perf(parser): ` before a title, and `(#12)` in it."""


class Ids:
    """Assigns ids that differ on any file system, also on one that ignores case."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {item_id.lower() for item_id in taken}

    def assign(self, name: str) -> str:
        base = _shortened(re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("_.-")) or "optimization"
        base = re.sub(r"\.(json|log)$", r"-\1", base, flags=re.IGNORECASE)
        number, item_id = 1, base
        while item_id.lower() in self._taken | RESERVED_IDS:
            number += 1
            item_id = f"{base}-{number}"
        self._taken.add(item_id.lower())
        return item_id


def short_name(title: str) -> str:
    """Join the first significant words of a title."""
    words = (word.strip("_") for word in re.findall(r"[A-Za-z0-9_]+", CONVENTIONAL_PREFIX.sub("", title)))
    return "-".join([word for word in words if word and not _SMALL_WORDS.fullmatch(word)][:_MOST_WORDS]).lower()


def _shortened(name: str) -> str:
    """Cut a long name, at a dash if possible."""
    if len(name) > _LONGEST_ID:
        name = name[:_LONGEST_ID].rpartition("-")[0] or name[:_LONGEST_ID]
    return name.rstrip("_.-")
