from __future__ import annotations

import pytest

from tasks.project.code.definitions import definitions
from tasks.project.code.reach import DefinitionText, changed_statements, executed, line_numbers

BEFORE = '''
def total(numbers):
    """Sum."""
    result = 0
    for number in numbers:
        result += number
    return result


class Table:
    @property
    def rows(self):
        found = []
        return found

    @rows.setter
    def rows(self, rows):
        self.kept = rows


@show.register
def _(value: int):
    return str(value)


@show.register
def _(value: list):
    return ", ".join(map(str, value))


key = lambda row: (
    row.name
)
'''


def text_of(source: str, name: str, path: str = "app.py") -> DefinitionText | None:
    lines = next((each.lines for each in definitions(source.encode(), path) if each.name == name), None)
    return lines and DefinitionText(source.encode(), path, lines)


def changed(before: str, after: str, name: str, name_before: str = ""):
    own = text_of(after, name)
    assert own
    return changed_statements(own, text_of(before, name_before or name, "old.py"))


def after(old: str, new: str) -> str:
    assert old in BEFORE
    return BEFORE.replace(old, new)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (after("result = 0", "result = 0.0"), "total", ((4, 4),)),
        (after("for number in numbers:", "for number in list(numbers):"), "total", ((5, 5),)),
        (after("return found", "return tuple(\n            found,\n        )"), "Table.rows", ((14, 16),)),
        # Neither comments nor layout are a change.
        (after("result = 0", "result = (0)  # nothing yet"), "total", ()),
        (after("Sum.", "Add."), "total", ()),
        # Only lines that went, or a decorator: to reach the function is to reach the change.
        (after("        found = []\n", ""), "Table.rows", ((13, 13),)),
        (after("def total", "@cache\ndef total"), "total", ((5, 5), (6, 6), (7, 7), (8, 8))),
        # What changed in another function does not count, whatever their names are.
        (after("result = 0", "result = 0.0"), "Table.rows", ()),
        (after("self.kept = rows", "self.kept = list(rows)"), "Table.rows", ()),
        (after("self.kept = rows", "self.kept = list(rows)"), "Table.rows.setter", ((18, 18),)),
        (after("return str(value)", "return repr(value)"), "show.register(int)", ((23, 23),)),
        (after("return str(value)", "return repr(value)"), "show.register(list)", ()),
        (after("row.name", "row.id"), "key", ((32, 32),)),
        # A statement that is executed at another time, though its code is the same.
        (after("    return result", "        return result"), "total", ((7, 7),)),
    ],
)
def test_changed_statements_of_functions(content, name, expected):
    assert changed(BEFORE, content, name) == expected


def test_unchanged_lines_of_a_function_that_moved_are_not_changed():
    total = BEFORE.partition("\n\n\nclass")[0].strip("\n")
    method = "class Sums:\n    @staticmethod\n" + "\n".join(f"    {line}" for line in total.splitlines())
    assert changed(BEFORE, f"import re\n\n\n{total}\n", "total") == ()
    assert changed(BEFORE, "x = 1\n" + total.replace("+= number", "+= int(number)"), "total") == ((6, 6),)
    assert changed(BEFORE, total.replace("def total", "def sum_of"), "sum_of", "total") == ()
    moved = method.replace("    @staticmethod\n", "").replace("+= number", "+= int(number)")
    assert changed(BEFORE, moved, "Sums.total", "total") == ((6, 6),)
    # Another decorator concerns all of it.
    assert len(changed(BEFORE, method, "Sums.total", "total")) == 4


def test_all_statements_of_what_is_new_count():
    source = (
        "def outer():\n    def inner():\n        return 1\n    return inner()\nclass C:\n    def m(self):\n"
        "        return 2\n"
    )
    assert changed("", source, "outer") == ((3, 3), (4, 4))
    assert changed("", source, "C") == ((7, 7),)


def test_equal_statements_differ_by_their_block():
    before = "def f(x):\n    if x:\n        a()\n        b()\n    else:\n        c()\n"
    assert changed(before, before.replace("        b()\n    else:\n", "    else:\n        b()\n"), "f") == ((5, 5),)
    tried = (
        "def f(x):\n    try:\n        a()\n    except KeyError:\n        b()\n    match x:\n        case 1:\n"
        "            c()\n"
    )
    assert changed(tried, tried.replace("KeyError", "ValueError"), "f") == ((5, 5),)
    assert changed(tried, tried.replace("case 1", "case 1 | 2"), "f") == ((8, 8),)


def test_head_of_a_compound_statement_is_a_statement_of_its_own():
    before = "def f(x):\n    pass\n"
    content = (
        "def f(x):\n    if (\n        x\n    ):\n        y = 1\n    else:\n        y = 2\n    try:\n        y += 1\n"
        "    except ValueError:\n        y = 3\n    return y\n"
    )
    assert changed(before, content, "f") == ((2, 4), (5, 5), (7, 7), (9, 9), (11, 11), (12, 12))


def test_statement_counts_as_executed_by_any_of_its_lines():
    statements = {"app.py": ((2, 4), (5, 5), (7, 7)), "more.py": ((1, 1),)}
    assert executed(statements, {"app.py": [3, 5], "else.py": [1]}) == (4, 2)
    assert line_numbers(statements) == {"app.py": (2, 3, 4, 5, 7), "more.py": (1,)}
