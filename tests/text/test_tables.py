from __future__ import annotations

from tasks.text.tables import text_table


def test_a_table_that_fits_keeps_its_width():
    assert text_table(["#", "Name"], [["1", "a name"], ["12", "b"]], 80).splitlines() == [
        "#   Name",
        "----------",
        "1   a name",
        "12  b",
    ]


def test_the_widest_columns_wrap_between_words():
    reason = "some words that take a lot of room, more than there is on this line"
    table = text_table(["#", "Commit", "Reason"], [["1", "a1b2c3d4", reason]], 60)
    assert [line for line in table.splitlines() if "---" not in line] == [
        "#  Commit    Reason",
        "1  a1b2c3d4  some words that take a lot of room, more than",
        "             there is on this line",
    ]


def test_a_word_longer_than_its_column_is_broken():
    assert text_table(["A"], [["x" * 130]], 60).splitlines()[2:] == ["x" * 60, "x" * 60, "x" * 10]


def test_nothing_is_cut_off_in_a_very_narrow_terminal():
    rows = [["1", "a1b2c3d4e5f60", "mem", "pages.py", "none"]]
    table = text_table(["#", "Commit", "Domain", "File", "Status"], rows, 10)
    assert table.splitlines()[-1].split() == rows[0]


def test_wide_letters_take_two_columns():
    assert text_table(["A", "B"], [["日本", "x"], ["e\u0301", "y"]], 80).splitlines()[2:] == [
        "日本  x",
        "e\u0301     y",
    ]


def test_markup_is_plain_text():
    assert text_table(["A"], [["[bold]x[/] :smile:"]], 80).splitlines()[-1] == "[bold]x[/] :smile:"


def test_without_rows_the_header_remains():
    assert text_table(["#", "Name"], [], 80).splitlines()[0] == "#  Name"
