from __future__ import annotations

from textwrap import dedent

import pytest

from tasks.project.code.module_code import affected_functions

FUNCTIONS = """
from functools import lru_cache
def plain(x): return x
def user(x): return TABLE[x]
def caller(x): return user(x)
@lru_cache(TABLE)
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
        ("__all__ = []\nTABLE = [1]", "__all__ = ['user']\n__all__ += ['default']\nTABLE = [1]", set()),
        ("TABLE = [1]\nif __name__ == '__main__':\n    user(SIZE)", "TABLE = [1, 2]", USERS),
        ("TABLE = [1]\nSIZE = 2", "try:\n    from t import TABLE\nexcept ImportError:\n    TABLE = 1\nSIZE = 2", USERS),
    ],
    ids=[
        "value",
        "annotation",
        "size",
        "through a name",
        "together",
        "import",
        "unused",
        "exported",
        "script",
        "tried import",
    ],
)
def test_functions_that_use_what_changed_are_affected(base, head, affected):
    both = affected_functions(*((side + FUNCTIONS).encode() for side in (base, head)))
    assert named(base + FUNCTIONS, both.base) == named(head + FUNCTIONS, both.head) == affected


@pytest.mark.parametrize(
    ("code", "affected"),
    [
        ("class A:\n    class B:\n        def m(self, n=SIZE): pass", {"m"}),
        ("class A:\n    n: int = SIZE\n    def m(self): pass\ndef user(): return A()", {"m", "user"}),
        ("class A(metaclass=SIZE):\n    def m(self): pass", {"m"}),
        ("class A(SIZE):\n    def m(self): pass\nclass B(A):\n    def n(self): pass", {"m", "n"}),
        ("class A:\n    n: 'SIZE'\n    def m(self): pass", {"m"}),
        ("T = 0\ndef fill():\n    global T\n    T = SIZE\ndef user(): return T", {"fill", "user"}),
        ("T = {}\ndef fill(): T[0] = SIZE\ndef user(): return T", {"fill", "user"}),
        ("T = []\ndef fill(): T.append(SIZE)\ndef user(): return T", {"fill", "user"}),
        ("T = []\ndef fill(): other(T, SIZE)\ndef user(): return T", {"fill", "user"}),
        ("import m\ndef user(): return m.SIZE", {"user"}),
        ("def user(self): return getattr(self, 'a', SIZE)\ndef same(self): return self.__dict__", {"user"}),
        ("def make(): return SIZE\nalias = make\ndef user(): return alias()", {"make", "user"}),
    ],
    ids=[
        *(
            "default",
            "field",
            "keyword",
            "base",
            "annotation",
            "global",
            "item",
            "method",
            "call",
            "own module",
            "getattr",
            "other name",
        ),
    ],
)
def test_a_value_is_followed_to_what_can_have_it(code, affected):
    base, head = (f"SIZE = {size}\n{code}\ndef plain(): return 1\n" for size in (1, 2))
    both = affected_functions(base.encode(), head.encode())
    assert named(base, both.base) == named(head, both.head) == affected


@pytest.mark.parametrize(
    ("base", "head", "affected"),
    [
        ("T = (SIZE := 1)", "T = (SIZE := 2)", {"user"}),
        ("T = 1\nSIZE = [SIZE := 1 for _ in ()]", "T = 1\nSIZE = [SIZE := 2 for _ in ()]", {"user"}),
        ("SIZE, *T = 1, 2", "SIZE, *T = 1, 3", {"user"}),
        ("SIZE = 1\nSIZE = 2\nT = 1", "SIZE = 2\nSIZE = 1\nT = 2", {"user"}),
        ("SIZE = 1\nSIZE = SIZE + 1\nSIZE = SIZE + 1\nT = 1", "SIZE = 1\nSIZE = SIZE + 1\nT = 2", {"user"}),
    ],
    ids=["walrus", "walrus inside", "star", "order", "once less"],
)
def test_every_way_to_bind_a_name_counts(base, head, affected):
    code = "\ndef user(): return SIZE\ndef plain(): return 1\n"
    both = affected_functions((base + code).encode(), (head + code).encode())
    assert named(base + code, both.base) == named(head + code, both.head) == affected


def test_names_by_which_other_files_can_be_affected():
    """What only one side has they do not use, and the standard library's they import themselves."""
    code = "B = SIZE\n__all__ = ['SIZE']\ndef user(): return SIZE\nclass A:\n    n = B\n"
    base = f"import re\nimport tables\nSIZE = 1\n{code}"
    head = f"import re, sys\nimport table as tables\nimport new\nSIZE = 2\n{code}"
    assert affected_functions(base.encode(), head.encode()).names == {"SIZE", "A", "B", "tables"}


@pytest.mark.parametrize(
    "head",
    [
        "TABLE = [1]\nregister(TABLE)",
        "TABLE = [1]\nTABLE[0] = 2",
        "from tables import *",
        "TABLE = [1]\nfor each in TABLE:\n    pass",
        "TABLE = globals()",
    ],
    ids=["call", "item", "star", "loop", "dynamic"],
)
def test_any_function_may_be_affected(head):
    assert affected_functions(b"TABLE = [1]" + FUNCTIONS.encode(), (head + FUNCTIONS).encode()) is None


@pytest.mark.parametrize(
    "code",
    [
        "def make(): return SIZE\nT = make()",
        "T = {}\ndef fill(): T[1] = SIZE\nfill()",
        "def wrapped(f): return f if SIZE else None\n@wrapped\ndef user(): return 1",
        "@other.route(SIZE)\ndef user(): return 1",
        "def make(): return SIZE\ndef user(t=make()): return t",
        "import other\nother.SIZE = SIZE",
        "def __getattr__(name): return SIZE",
        "class A:\n    def __init_subclass__(cls): cls.n = SIZE",
        "T = [].append\nU = T(SIZE)",
        "match SIZE:\n    case T: pass",
        "with open(SIZE) as T: pass",
        "T = 1\nT += SIZE",
        "T = 1\nif SIZE: del T",
        "import sys\ndef user(): return sys.modules['m'].SIZE",
        "import m\ndef user(name): return getattr(m, name)",
        "import m\ndef user(name): return m.__dict__[name]",
        "def user(): return vars()",
        "T = iter('ab')\nU = next(T, SIZE)",
    ],
    ids=[
        *("made", "filled", "decorator", "registering", "default", "other module", "getattr", "subclass", "method"),
        *("match", "with", "augmented", "del", "modules", "getattr of a module", "dict of a module", "vars", "next"),
    ],
)
def test_a_value_that_cannot_be_followed_may_be_anywhere(code):
    assert affected_functions(f"SIZE = 1\n{code}".encode(), f"SIZE = 2\n{code}".encode()) is None


def test_a_file_that_is_not_python():
    with pytest.raises(SyntaxError):
        affected_functions(b"x = 1", b"x = ")
