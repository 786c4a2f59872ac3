from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

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


BODIES = [
    ["1", "Release page images before inference", "test_benchmark_extract_tables.py (existing)", "needs review"],
    ["2", "Group text by row", "test_benchmark_merge_text.py (created)", "ready"],
]
COLUMNS = ["#", "Optimization", "Benchmark test", "Status"]


@pytest.mark.parametrize("width", range(20, 110, 3))
def test_no_line_is_too_long_and_no_word_is_broken_inside(width):
    lines = text_table(COLUMNS, BODIES, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    shown = " ".join(" ".join(line.split()) for line in lines)
    assert not re.search("Optimi zation|Optimiz|extr act|Relea se|revi ew", shown.replace("Optimization", ""))


def test_names_are_broken_at_their_separators():
    lines = text_table(COLUMNS, BODIES[1:], 50).splitlines()
    start = lines[0].index("Benchmark")
    assert [line[start:].split("  ")[0] for line in lines[2:]] == ["test_benchmark_merge_", "text.py (created)"]


def test_a_table_that_is_too_wide_becomes_a_list():
    assert text_table(COLUMNS, BODIES[1:], 30).splitlines() == [
        "2  Group text by row",
        "   Benchmark test:",
        "   test_benchmark_merge_",
        "   text.py (created)",
        "   Status: ready",
    ]


def test_a_word_without_separators_is_broken_if_it_is_longer_than_a_line():
    assert text_table(["#", "A"], [["1", "x" * 130]], 63).splitlines() == [
        f"1  {'x' * 60}",
        f"   {'x' * 60}",
        f"   {'x' * 10}",
    ]


def test_wide_letters_take_two_columns():
    assert text_table(["A", "B"], [["日本", "x"], ["e\u0301", "y"]], 80).splitlines()[2:] == [
        "日本  x",
        "e\u0301     y",
    ]


def test_markup_is_plain_text():
    assert text_table(["A"], [["[bold]x[/] :smile:"]], 80).splitlines()[-1] == "[bold]x[/] :smile:"


def test_without_rows_the_header_remains():
    assert text_table(["#", "Name"], [], 80).splitlines()[0] == "#  Name"
