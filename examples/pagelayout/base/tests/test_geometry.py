import pytest

from pagelayout import Box


def test_size():
    box = Box(10, 20, 40, 25)
    assert (box.width, box.height, box.area) == (30, 5, 150)


def test_union_is_around_both():
    assert Box(0, 0, 2, 2).union(Box(5, 1, 6, 9)) == Box(0, 0, 6, 9)


@pytest.mark.parametrize(("other", "expected"), [(Box(1, 1, 3, 3), True), (Box(2, 0, 4, 2), False), (Box(0, 2, 2, 4), False)])
def test_boxes_that_only_touch_do_not_overlap(other, expected):
    assert Box(0, 0, 2, 2).overlaps(other) is expected


def test_a_box_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="ends before it begins"):
        Box(4, 0, 3, 1)
