from __future__ import annotations

from tasks.text.tables import displayed_width, text_table


def test_a_table_that_fits_keeps_its_width():
    assert text_table(["#", "Name"], [["1", "a name"], ["12", "b"]], 80) == "#   Name\n--  ------\n1   a name\n12  b"


def test_the_widest_columns_are_wrapped_at_blanks_and_behind_slashes():
    table = text_table(
        ["#", "Path", "Words"], [["1", "a/long/path/to/a/file.py", "some words that take a lot of room"]], 42
    )
    assert table.splitlines() == [
        "#  Path                Words",
        "-  ------------------  -------------------",
        "1  a/long/path/to/a/   some words that",
        "   file.py             take a lot of room",
    ]


def test_a_word_longer_than_its_column_is_broken():
    assert text_table(["A"], [["x" * 30]], 12).splitlines()[2:] == ["x" * 12, "x" * 12, "x" * 6]


def test_wide_and_combining_letters_are_counted_as_a_terminal_does():
    assert [displayed_width(text) for text in ("abc", "日本", "e\u0301")] == [3, 4, 1]


def test_no_rows_leave_the_header():
    assert text_table(["#", "Name"], [], 80) == "#  Name\n-  ----"
