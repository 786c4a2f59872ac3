import numpy as np

from pagelayout import Box, Page, binarize, render_page


def test_an_empty_page_is_white():
    image = render_page(Page(1, width=4, height=3))
    assert image.shape == (3, 4, 3)
    assert (image == 255).all()


def test_ink_is_where_its_box_is():
    ink = binarize(render_page(Page(1, width=4, height=3, ink=(Box(1, 0, 3, 2),))))
    assert ink.tolist() == [[False, True, True, False], [False, True, True, False], [False] * 4]


def test_grey_counts_by_the_threshold():
    assert binarize(np.array([[[127] * 3, [128] * 3]], dtype=np.uint8)).tolist() == [[True, False]]
