from pagelayout import Box, TextFragment, TextLine, merge_text


def fragment(text, left, bottom):
    return TextFragment(text, Box(left, bottom - 10, left + 8 * len(text), bottom))


def test_fragments_of_a_row_are_read_from_left_to_right():
    assert merge_text([fragment("world", 60, 30), fragment("hello", 0, 31)]) == [TextLine("hello world", Box(0, 20, 100, 31))]


def test_rows_come_from_top_to_bottom():
    lines = merge_text([fragment("b", 0, 90), fragment("a", 0, 30), fragment("c", 50, 85)])
    assert [line.text for line in lines] == ["a", "b c"]


def test_the_height_of_a_line_decides_what_is_one_row():
    fragments = [fragment("a", 0, 30), fragment("b", 50, 45)]
    assert len(merge_text(fragments)) == 2
    assert len(merge_text(fragments, line_height=50)) == 1


def test_nothing_comes_of_nothing():
    assert merge_text([]) == []


def test_equal_places_are_ordered_by_their_text():
    assert merge_text([fragment("b", 0, 30), fragment("a", 0, 30)])[0].text == "a b"
