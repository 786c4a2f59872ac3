import difflib

import pytest

from tasks.errors import SourceError
from tasks.github.touched_functions import touched_functions

BEFORE = """\
import os


def first(a):
    one = a
    return one


class Table:
    limit = 3

    def rows(self):
        def inner():
            return 1

        return inner()

    def columns(self):
        return 2


async def last(b):
    return b
"""
NAMES = ("first", "Table", "Table.rows", "Table.rows.inner", "Table.columns", "last", "new")


def touches(old: str, new: str) -> tuple[str, ...]:
    assert old in BEFORE
    after = BEFORE.replace(old, new)
    lines = list(difflib.unified_diff(BEFORE.splitlines(), after.splitlines(), lineterm=""))[2:]
    return touched_functions("\n".join(lines), after.encode(), "a.py", NAMES)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("    one = a\n", "    one = a + 1\n", ("first",)),
        ("    one = a\n    return one", "    return a", ("first",)),
        ("    return one\n", "", ("first",)),
        ("limit = 3", "limit = 4", ("Table",)),
        ("return 1", "return 3", ("Table.rows", "Table.rows.inner")),
        ("        return inner()", "        return inner() + 1", ("Table.rows",)),
        ("    def columns(self):\n        return 2\n", "", ("Table.columns",)),
        ("async def last(b):\n    return b\n", "", ("last",)),
        ("async def last", "def new():\n    return 0\n\n\nasync def last", ("new",)),
        ("import os", "import sys", ()),
        ("def first(a)", "@cache\ndef first(a)", ("first",)),
        ("\n\ndef first(a):\n    one = a\n    return one\n", "", ("first",)),
    ],
)
def test_functions_with_changed_lines(old, new, names):
    assert touches(old, new) == names


def test_a_removed_definition_is_touched_and_its_neighbours_are_not():
    after = BEFORE.replace("    def columns(self):\n        return 2\n\n\n", "\n").replace(
        "        return inner()\n\n", "        return inner()\n"
    )
    patch = "\n".join(list(difflib.unified_diff(BEFORE.splitlines(), after.splitlines(), lineterm="", n=0))[2:])
    assert touched_functions(patch, after.encode(), "a.py", NAMES) == ("Table.columns",)


def test_other_functions_are_left_out():
    patch = "@@ -4,3 +4,3 @@\n def first(a):\n-    one = a\n+    one = b\n     return one"
    assert touched_functions(patch, BEFORE.encode(), "a.py", ("last",)) == ()


def test_invalid_python_raises():
    with pytest.raises(SourceError):
        touched_functions("@@ -1 +1 @@\n-a\n+b", b"def (", "a.py", NAMES)
