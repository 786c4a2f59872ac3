from pathlib import Path

import pytest

from pagelayout import Box, Page, Table, TableModel, extract_tables
from pagelayout.tables import density
from pagelayout.pages import binarize, render_page


class Upper:
    """Takes the upper half of every page for a table."""

    def predict(self, ink):
        height, width = ink.shape
        return [Box(0, 0, width, height // 2)]


def test_tables_come_in_the_order_of_the_pages():
    pages = [Page(7, 10, 10), Page(3, 10, 10, ink=(Box(0, 0, 10, 5),))]
    assert extract_tables(pages, Upper()) == [Table(7, Box(0, 0, 10, 5), 0.0), Table(3, Box(0, 0, 10, 5), 1.0)]


def test_no_pages_no_tables():
    assert extract_tables([], Upper()) == []


def test_density_is_the_share_with_ink():
    ink = binarize(render_page(Page(1, 10, 10, ink=(Box(0, 0, 5, 10),))))
    assert density(ink, Box(0, 0, 10, 10)) == 0.5
    assert density(ink, Box(3, 3, 3, 3)) == 0.0


def test_a_model_without_weights_says_what_to_do():
    with pytest.raises(FileNotFoundError, match="download the weights"):
        TableModel(Path("missing.bin"))
