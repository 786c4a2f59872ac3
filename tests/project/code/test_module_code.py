from __future__ import annotations

from textwrap import dedent

import pytest

from tasks.project.code.module_code import affected_functions

FUNCTIONS = """
def plain(x): return x
def user(x): return TABLE[x]
def caller(x): return user(x)
@wrapped(TABLE)
def decorated(x): return x
def default(x, table=TABLE): return x
class Rows:
    kept = TABLE
    def first(self): return self.kept[0]
class Others:
    def second(self): return [TABLE for _ in ()]
    def third(self): return SIZE
"""
USERS = {"user", "decorated", "default", "first", "second"}


def named(source, lines):
    text = dedent(source).splitlines()
    # A decorated function begins with its decorator.
    shown = (
        " ".join(text[line - 1 : line + 1]) if text[line - 1].startswith("@") else text[line - 1] for line in lines
    )
    return {line.partition("def ")[2].partition("(")[0] for line in shown}


@pytest.mark.parametrize(
    ("base", "head", "affected"),
    [
        ("TABLE = [1]\nSIZE = 2", "TABLE = [1, 2]\nSIZE = 2", USERS),
        ("TABLE = [1]\nSIZE = 2", "TABLE: list = [1]\nSIZE = 2", USERS),
        ("TABLE = [1]\nSIZE = 2", "TABLE = [1]\nSIZE = len(TABLE)", {"third"}),
        ("ONE = 1\nTABLE = [ONE]\nSIZE = 2", "ONE = 2\nTABLE = [ONE]\nSIZE = 2", USERS),
        ("TABLE, SIZE = [1], 2", "TABLE, SIZE = [1], 3", {*USERS, "third"}),
        ("import tables as TABLE\nSIZE = 2", "import table as TABLE\nSIZE = 2", USERS),
        ("TABLE = [1]\nSIZE = 2", "TABLE = [1]\nSIZE = 2\nNEW = 3", set()),
        ("TABLE = [1]\nSIZE = 2", "try:\n    from t import TABLE\nexcept ImportError:\n    TABLE = 1\nSIZE = 2", USERS),
    ],
    ids=["value", "annotation", "size", "through a name", "together", "import", "new and unused", "tried import"],
)
def test_functions_that_use_what_changed_are_affected(base, head, affected):
    sides = affected_functions(*((side + FUNCTIONS).encode() for side in (base, head)))
    assert [named(side + FUNCTIONS, lines) for side, lines in zip((base, head), sides, strict=True)] == [affected] * 2


@pytest.mark.parametrize(
    "head",
    [
        "TABLE = [1]\nregister(TABLE)",
        "TABLE = [1]\nTABLE[0] = 2",
        "from tables import *",
        "TABLE = [1]\nfor each in TABLE:\n    pass",
        "TABLE = globals()",
        "TABLE = [1]",
    ],
    ids=["call", "item", "star", "loop", "dynamic", "same"],
)
def test_any_function_may_be_affected(head):
    assert affected_functions(b"TABLE = [1]" + FUNCTIONS.encode(), (head + FUNCTIONS).encode()) is None


def test_a_file_that_is_not_python():
    with pytest.raises(SyntaxError):
        affected_functions(b"x = 1", b"x = ")
