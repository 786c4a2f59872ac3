from __future__ import annotations

import pytest

from tasks.project.code.reach import changed_statements, executed, line_numbers

BEFORE = '''
def total(numbers):
    """Sum."""
    result = 0
    for number in numbers:
        result += number
    return result


class Table:
    def rows(self):
        found = []
        return found
'''


def after(old: str, new: str) -> bytes:
    assert old in BEFORE
    return BEFORE.replace(old, new).encode()


@pytest.mark.parametrize(
    ("content", "names", "expected"),
    [
        (after("result = 0", "result = 0.0"), ["total"], ((4, 4),)),
        (after("for number in numbers:", "for number in list(numbers):"), ["total"], ((5, 5),)),
        (after("return found", "return tuple(\n            found,\n        )"), ["Table.rows"], ((13, 15),)),
        # A docstring or a comment is no statement: to reach the function is to reach the change.
        (after("Sum.", "Add."), ["total"], ((4, 4), (5, 5), (6, 6), (7, 7))),
        # Only lines that went: likewise.
        (after("        found = []\n", "").replace(b"return found", b"return found"), ["Table.rows"], ((12, 12),)),
        # What changed in another function does not count.
        (after("result = 0", "result = 0.0"), ["Table.rows"], ((12, 12), (13, 13))),
        (after("result = 0", "result = 0.0"), ["gone"], ()),
    ],
)
def test_changed_statements_of_functions(content, names, expected):
    assert changed_statements(BEFORE.encode(), content, "app.py", names) == expected


def test_head_of_a_compound_statement_is_a_statement_of_its_own():
    before = b"def f(x):\n    pass\n"
    content = b"def f(x):\n    if (\n        x\n    ):\n        y = 1\n    else:\n        y = 2\n    try:\n        y += 1\n    except ValueError:\n        y = 3\n    return y\n"
    assert changed_statements(before, content, "app.py", ["f"]) == ((2, 4), (5, 5), (7, 7), (9, 9), (11, 11), (12, 12))


def test_statement_counts_as_executed_by_any_of_its_lines():
    statements = {"app.py": ((2, 4), (5, 5), (7, 7)), "more.py": ((1, 1),)}
    assert executed(statements, {"app.py": [3, 5], "else.py": [1]}) == (4, 2)
    assert line_numbers(statements) == {"app.py": (2, 3, 4, 5, 7), "more.py": (1,)}
