"""Tables of whole documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagelayout.geometry import Box
from pagelayout.models import TableModel
from pagelayout.pages import Page, binarize, render_page


@dataclass(frozen=True, slots=True)
class Table:
    """A table on a page, with the share of its area that holds ink."""

    page: int
    box: Box
    density: float


def extract_tables(pages: Sequence[Page], model: TableModel) -> list[Table]:
    """Find the tables of all pages, in the order of the pages."""
    images = [render_page(page) for page in pages]
    masks = [binarize(image) for image in images]
    tables = []
    for page, ink in zip(pages, masks, strict=True):
        for box in model.predict(ink):
            tables.append(Table(page.number, box, density(ink, box)))
    return tables


def density(ink: NDArray[np.bool_], box: Box) -> float:
    """Return the share of a box that holds ink; 0 for an empty box."""
    return float(ink[box.top : box.bottom, box.left : box.right].mean()) if box.area else 0.0
