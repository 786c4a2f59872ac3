"""Pages, and the images that models look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pagelayout.geometry import Box

WHITE = 255
INK_THRESHOLD = 128


@dataclass(frozen=True)
class Page:
    """A page of a scan: its size in pixels and the boxes that hold ink."""

    number: int
    width: int
    height: int
    ink: Sequence[Box] = field(default_factory=tuple)


def render_page(page: Page) -> NDArray[np.uint8]:
    """Draw a page as an RGB image of shape (height, width, 3)."""
    image = np.full((page.height, page.width, 3), WHITE, dtype=np.uint8)
    for box in page.ink:
        image[box.top : box.bottom, box.left : box.right] = 0
    return image


def binarize(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Reduce an RGB image to where there is ink, in the shape (height, width)."""
    return image[..., 1] < INK_THRESHOLD
