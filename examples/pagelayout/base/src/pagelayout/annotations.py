"""What reviewers wrote on pages, from a store behind the network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Annotation:
    page: int
    author: str
    text: str


class AnnotationStore(Protocol):
    """The boundary to the network."""

    async def fetch(self, page: int) -> list[Annotation]:
        """Return the annotations of one page."""


async def load_annotations(store: AnnotationStore, pages: Sequence[int]) -> dict[int, list[Annotation]]:
    """Fetch the annotations of pages; pages without any have an empty list."""
    annotations = {}
    for page in pages:
        annotations[page] = await asyncio.wait_for(store.fetch(page), TIMEOUT_SECONDS)
    return annotations
