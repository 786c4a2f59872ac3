"""Call sites of base and head, matched by file and function."""

import pytest

from tasks.artifacts import DefinitionPlace
from tasks.bench.memory.sites import MOST, NEGLIGIBLE_BYTES, Function, HeldMemory, changed_sites, renamed
from tasks.bench.request import ChangedDefinition

MIB = 1 << 20
TEXT = "src/pagelayout/text.py"
TEST = "tests/test_x.py::test_work"


def place(path, name):
    return DefinitionPlace(path, name, (1, 2))


def compared(base, head, functions=()):
    return [(site.place, site.base, site.head) for site in changed_sites(TEST, base, head, renamed=renamed(functions))]


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        (
            [HeldMemory(TEXT, 41, "rows", 9 * MIB)],
            [HeldMemory(TEXT, 41, "rows", MIB)],
            (f"{TEXT}:41 rows", 9 * MIB, MIB),
        ),
        (
            [HeldMemory(TEXT, 41, "rows", 9 * MIB)],
            [HeldMemory(TEXT, 45, "rows", MIB)],
            (f"{TEXT}:41 → 45 rows", 9 * MIB, MIB),
        ),
        ([HeldMemory(TEXT, 41, "rows", 9 * MIB)], [], (f"{TEXT}:41 rows", 9 * MIB, 0)),
        ([], [HeldMemory("numpy/core/numeric.py", 329, "full", MIB)], ("numpy/core/numeric.py:329 full", 0, MIB)),
        (
            [HeldMemory("(the call itself)", 0, "", MIB)],
            [HeldMemory("(the call itself)", 0, "", 2 * MIB)],
            ("(the call itself)", MIB, 2 * MIB),
        ),
        (
            [HeldMemory(TEXT, 0, "<lambda>", MIB)],
            [HeldMemory(TEXT, 7, "<lambda>", 2 * MIB)],
            (f"{TEXT}:7 <lambda>", MIB, 2 * MIB),
        ),
    ],
    ids=["same line", "moved line", "gone", "came", "no function", "unknown line"],
)
def test_a_site_is_spelled_by_its_function_and_line(base, head, expected):
    assert compared(base, head) == [expected]


def test_lines_of_a_function_count_together_under_the_largest():
    base = [
        HeldMemory(TEXT, 41, "rows", MIB),
        HeldMemory(TEXT, 43, "rows", 8 * MIB),
        HeldMemory(TEXT, 50, "cells", MIB),
    ]
    head = [HeldMemory(TEXT, 42, "rows", 3 * MIB), HeldMemory(TEXT, 50, "cells", MIB)]
    assert compared(base, head) == [(f"{TEXT}:43 → 42 rows", 9 * MIB, 3 * MIB)]


def test_a_function_that_was_renamed_or_moved_is_one_site():
    functions = [
        ChangedDefinition(
            "pagelayout.lines:Page.lines",
            base=place(TEXT, "Page.rows"),
            head=place("src/pagelayout/lines.py", "Page.lines"),
        ),
        ChangedDefinition("pagelayout.text:new", base=None, head=place(TEXT, "new")),
        ChangedDefinition("pagelayout.text:same", base=place(TEXT, "same"), head=place(TEXT, "same")),
    ]
    assert renamed(functions) == {Function("src/pagelayout/lines.py", "lines"): Function(TEXT, "rows")}
    base, head = [HeldMemory(TEXT, 41, "rows", 9 * MIB)], [HeldMemory("src/pagelayout/lines.py", 7, "lines", MIB)]
    assert compared(base, head, functions) == [(f"{TEXT}:41 rows → src/pagelayout/lines.py:7 lines", 9 * MIB, MIB)]


def test_a_setter_that_was_renamed_is_one_site():
    functions = [
        ChangedDefinition(
            "m:Page.lines.setter", base=place("m.py", "Page.rows.setter"), head=place("m.py", "Page.lines.setter")
        )
    ]
    assert renamed(functions) == {Function("m.py", "lines"): Function("m.py", "rows")}


def test_a_new_function_with_the_old_name_is_another_one():
    functions = [ChangedDefinition("pagelayout.text:lines", base=place(TEXT, "rows"), head=place(TEXT, "lines"))]
    base = [HeldMemory(TEXT, 1, "rows", 9 * MIB)]
    head = [HeldMemory(TEXT, 1, "rows", 2 * MIB), HeldMemory(TEXT, 9, "lines", 4 * MIB)]
    assert compared(base, head, functions) == [
        (f"{TEXT}:1 rows → {TEXT}:9 lines", 9 * MIB, 4 * MIB),
        (f"{TEXT}:1 rows", 0, 2 * MIB),
    ]


def test_two_functions_that_swapped_names_are_followed():
    functions = [
        ChangedDefinition("m:b", base=place("m.py", "a"), head=place("m.py", "b")),
        ChangedDefinition("m:a", base=place("m.py", "b"), head=place("m.py", "a")),
    ]
    base, head = (
        [HeldMemory("m.py", 1, "a", 9 * MIB), HeldMemory("m.py", 5, "b", MIB)],
        [HeldMemory("m.py", 1, "b", 9 * MIB), HeldMemory("m.py", 5, "a", 3 * MIB)],
    )
    assert compared(base, head, functions) == [("m.py:5 b → m.py:5 a", MIB, 3 * MIB)]


def test_the_largest_changes_come_first_and_no_more_than_ten():
    base = [HeldMemory(TEXT, number, f"f{number:02}", number * MIB) for number in range(1, 21)]
    rows = compared(base, [])
    assert [place for place, _, _ in rows] == [f"{TEXT}:{number} f{number:02}" for number in range(20, 20 - MOST, -1)]
    assert rows == compared(list(reversed(base)), [])


@pytest.mark.parametrize(
    ("held", "change", "shown"),
    [(4096, NEGLIGIBLE_BYTES - 1, 0), (4096, NEGLIGIBLE_BYTES, 1), (100 * MIB, 50_000, 0), (100 * MIB, 150_000, 1)],
)
def test_small_changes_are_not_shown(held, change, shown):
    assert len(compared([HeldMemory(TEXT, 1, "f", held)], [HeldMemory(TEXT, 1, "f", held + change)])) == shown


def test_no_held_memory_is_no_site():
    assert compared([], []) == []
