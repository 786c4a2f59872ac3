from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from tasks.errors import SourceError
from tasks.project.code.definitions import MODULE, Parameter, contents, definitions

RUNNING = f"Python {sys.version_info.major}.{sys.version_info.minor}"


def read(text, path="pages.py"):
    source = text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
    return {(definition.name, definition.role): definition for definition in definitions(source, path)}


def only(text, name="f"):
    return read(text)[name, ""]


def test_every_kind_of_definition_has_its_qualified_name_and_lines():
    found = read(
        """
        import functools

        def outer():
            def inner():
                async def innermost(): ...
            class Local:
                def method(self): ...

        @functools.lru_cache(
            maxsize=None,
        )
        # a comment between
        def decorated(): ...

        class Table(Base[int], metaclass=Meta):
            @property
            def rows(self): ...
            class Row:
                @staticmethod
                def cells(): ...

        if WINDOWS:
            def conditional(): ...
        else:
            try:
                pass
            except ImportError:
                def fallback(): ...
            finally:
                with closing():
                    class Last: ...
        match x:
            case 1:
                async def matched(): ...
        """
    )
    assert [(name, definition.kind, definition.start, definition.end) for (name, _), definition in found.items()] == [
        ("outer", "function", 3, 7),
        ("outer.inner", "function", 4, 5),
        ("outer.inner.innermost", "function", 5, 5),
        ("outer.Local", "class", 6, 7),
        ("outer.Local.method", "function", 7, 7),
        ("decorated", "function", 9, 13),
        ("Table", "class", 15, 20),
        ("Table.rows", "function", 16, 17),
        ("Table.Row", "class", 18, 20),
        ("Table.Row.cells", "function", 19, 20),
        ("conditional", "function", 23, 23),
        ("fallback", "function", 28, 28),
        ("Last", "class", 31, 31),
        ("matched", "function", 34, 34),
        (MODULE, "module", 1, 34),
    ]
    assert {name for (name, _), definition in found.items() if definition.is_async} == {
        "outer.inner.innermost",
        "matched",
    }
    assert {name for (name, _), definition in found.items() if definition.is_property} == {"Table.rows"}
    assert {name: definition.outermost for (name, _), definition in found.items() if definition.outermost} == {
        "outer.inner": "outer",
        "outer.inner.innermost": "outer",
        "outer.Local": "outer",
        "outer.Local.method": "outer",
    }
    assert found["Table", ""].bases == ("Base[int]",)


def test_signature_is_read_in_full():
    found = only(
        "async def f(a, b: int = 1, /, c: 'str' = '', *rest: int, d, e: list[int] | None = None, **options) -> dict[str, int]: ..."
    )
    assert found.parameters == (
        Parameter("a", "positional-only"),
        Parameter("b", "positional-only", has_default=True, annotation="int"),
        Parameter("c", "positional", has_default=True, annotation="'str'"),
        Parameter("rest", "*", annotation="int"),
        Parameter("d", "keyword-only"),
        Parameter("e", "keyword-only", has_default=True, annotation="list[int] | None"),
        Parameter("options", "**"),
    )
    assert found.returns == "dict[str, int]"


def test_definitions_of_one_name_have_names_of_their_own():
    found = read(
        """
        class Table:
            @property
            def rows(self): return 1
            @rows.setter
            def rows(self, value): ...
            @rows.deleter
            def rows(self): ...
            @overload
            def cell(self, at: int): ...
            @typing.overload
            def cell(self, at: str): ...
            def cell(self, at): return at
            @hybrid
            def total(self): ...
            @total.expression
            def total(cls): ...
        if NEW:
            def read(): return 1
        else:
            def read(): return 2
        """
    )
    assert {each: definition.called for each, definition in found.items()} == {
        ("Table", ""): "Table",
        ("Table.rows", ""): "Table.rows",
        ("Table.rows.setter", "setter"): "Table.rows",
        ("Table.rows.deleter", "deleter"): "Table.rows",
        ("Table.cell", ""): "Table.cell",
        ("Table.cell", "overload"): "Table.cell",
        ("Table.total", ""): "Table.total",
        ("Table.total.expression", "added"): "",
        ("read#1", ""): "read",
        ("read", ""): "read",
        (MODULE, ""): "",
    }
    assert found["Table.rows.setter", "setter"].is_property


def test_implementations_of_generic_functions_are_called_by_these():
    found = read(
        """
        @show.register
        def _(x: int): ...
        @show.register(list)
        @show.register(np.ndarray)
        def _(x, y: str): ...
        @show.register(type(None))
        def _(x): ...
        @show.register
        def named(x: "dict"): ...
        @atexit.register
        def _(): ...
        @registry.register("name")
        def _(x: str): ...
        class Printer:
            @show.register
            def _(self, x: int | float): ...
        """
    )
    assert {name: definition.called for (name, _), definition in found.items()} == {
        "show.register(int)": "show",
        "show.register(list, ndarray)": "show",
        "show.register(None)": "show",
        "named": "named",
        "_#1": "",
        "_": "_",
        "Printer": "Printer",
        "Printer.show.register(int | float)": "Printer.show",
        MODULE: "",
    }


def test_private_attributes_are_called_by_their_mangled_names():
    found = read(
        """
        class _Table:
            def __rows(self): ...
            def __len__(self): ...
            @property
            def __size(self): ...
            @__size.setter
            def __size(self, to): ...
            class __Row:
                def __cells(self): ...
        class __:
            def __odd(self): ...
        def __function():
            class Inner:
                def __method(self): ...
        """
    )
    assert {name: definition.called for (name, _), definition in found.items() if "__" in name} == {
        "_Table.__rows": "_Table._Table__rows",
        "_Table.__len__": "_Table.__len__",
        "_Table.__size": "_Table._Table__size",
        "_Table.__size.setter": "_Table._Table__size",
        "_Table.__Row": "_Table._Table__Row",
        "_Table.__Row.__cells": "_Table._Table__Row._Row__cells",
        "__": "__",
        "__.__odd": "__.__odd",
        "__function": "__function",
        "__function.Inner": "",
        "__function.Inner.__method": "",
    }


def test_lambdas_that_are_bound_to_a_name_are_functions():
    found = read(
        """
        key = lambda row, at=0: (
            row[at]
        )
        kept: Any = lru_cache(maxsize=None)(lambda x: x)
        counts = defaultdict(lambda: 0)
        class Table:
            size = property(lambda self: 1)
        def outer():
            inner = lambda x: x
            if inner:
                other = lambda x: x
        """
    )
    assert [(name, definition.lines) for (name, _), definition in found.items()] == [
        ("key", (1, 3)),
        ("kept", (4, 4)),
        ("Table", (6, 7)),
        ("Table.size", (7, 7)),
        ("outer", (8, 11)),
        (MODULE, (1, 11)),
    ]
    assert found["key", ""].parameters == (
        Parameter("row", "positional"),
        Parameter("at", "positional", has_default=True),
    )
    assert found["key", ""].code == "def _(row, at=0):\n    return row[at]"
    assert found["Table.size", ""].is_property
    assert found[MODULE, ""].code == "counts = defaultdict(lambda: 0)"


SAME = "def f(a, b=1):\n    x = [1, 2]\n    return x"


@pytest.mark.parametrize(
    "other",
    [
        'def f(a, b=1):\n    """Say what it does."""\n    x = [1, 2]\n    return x',
        "\n\n\ndef f( a,b = 1 ):\n\tx = [ 1,\n 2, ] # why\n\n\treturn (x)",
        SAME.replace("\n", "\r\n"),
        "# first\n" + SAME + "\n# last",
        SAME.replace("def f", "def renamed"),
    ],
)
def test_digest_ignores_layout_comments_docstrings_and_the_name(other):
    (one, _), (two, _) = definitions(SAME.encode(), "a.py"), definitions(other.encode(), "a.py")
    assert one.digest == two.digest
    assert one.code == two.code


@pytest.mark.parametrize(
    "other",
    [
        SAME.replace("[1, 2]", "(1, 2)"),
        SAME.replace("b=1", "b=2"),
        SAME.replace("a, b=1", "a: int, b=1"),
        "async " + SAME,
        "@cache\n" + SAME,
        SAME.replace("\n    x", "\n    'not first'; 'a docstring'\n    x"),
    ],
)
def test_digest_changes_with_the_code(other):
    assert only(SAME).digest != only(other).digest


def test_inner_definitions_are_not_in_the_code():
    before = "class C:\n    def m(self):\n        def inner(): return 1\n        return inner\n    size = 3\n"
    method = read(before.replace("return 1", "return 2"))
    assert [name for name, one in read(before).items() if one.code != method[name].code] == [("C.m.inner", "")]
    body = read(before.replace("size = 3", "size = 4"))
    assert [name for name, one in read(before).items() if one.code != body[name].code] == [("C", "")]
    without = read(before.replace("        def inner(): return 1\n", ""))
    assert read(before)["C.m", ""].code != without["C.m", ""].code, (
        "making the inner function is a step of the outer one"
    )


def test_own_code_of_a_module_has_no_definitions():
    found = only(
        "'''Doc.'''\nimport re\ntry:\n    import fast\nexcept ImportError:\n    def fast(): ...\nx = 1\n", MODULE
    )
    assert found.code == "import re\ntry:\n    import fast\nexcept ImportError:\n    pass\nx = 1"
    assert only("", MODULE).code == ""


def test_coding_cookie_and_byte_order_mark_are_honored():
    latin = read("# -*- coding: latin-1 -*-\ndef grün(): return 'é'\n".encode("latin-1"))
    assert "'é'" in latin["grün", ""].code
    assert ("f", "") in read(b"\xef\xbb\xbfdef f(): ...\n")


@pytest.mark.parametrize(
    ("source", "where", "why"),
    [
        (b"x = 1\ndef f(:\n", "pages.py:2", "invalid syntax"),
        (b"print 'hello'\n", "pages.py:1", "Missing parentheses in call to 'print'. Did you mean print(...)?"),
        (b"x = 1\0\n", "pages.py", "source code string cannot contain null bytes"),
        (b"# coding: klingon\n", "pages.py", "unknown encoding: klingon"),
        (
            b"x = '\xe9'\n",
            "pages.py:1",
            "(unicode error) 'utf-8' codec can't decode byte 0xe9 in position 0: unexpected end of data",
        ),
    ],
)
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the words are those of Python 3.11")
def test_unparsable_file_is_an_error_with_its_line(source, where, why):
    with pytest.raises(SourceError) as raised:
        definitions(source, "pages.py")
    assert str(raised.value) == (
        f"{where}: this file cannot be read by {RUNNING}: {why}\n"
        "  run prprep with the Python version that the project is written for, or fix the file"
    )


@pytest.mark.parametrize(
    "source", ["x = " + "(" * 5000 + ")" * 5000, "x = " + "-" * 60_000 + "1", "x = " + "+".join(["a"] * 20_000)]
)
def test_code_nested_too_deeply_is_an_error(source):
    with pytest.raises(SourceError) as raised:
        definitions(source.encode(), "deep.py")
    assert raised.value.what.startswith(f"this file cannot be read by {RUNNING}: ")


def test_invalid_escapes_do_not_warn(recwarn):
    definitions(b"x = '\\d'\n", "escapes.py")
    assert not recwarn.list


def test_bindings_of_imports_and_assignments():
    source = """
    import a.b
    import a.b as c
    from . import d
    from ..e.f import g as h
    from .stars import *
    i, j = 1, 2
    k: int = 3
    l: int
    class C:
        m = property(i)
    if x:
        n = 1
    def f():
        o = 1
    """
    found = contents(dedent(source).lstrip("\n").encode(), "a.py").bindings
    assert [(binding.name, binding.line, binding.module, binding.original) for binding in found] == [
        ("a", 1, "a", ""),
        ("c", 2, "a.b", ""),
        ("d", 3, ".", "d"),
        ("h", 4, "..e.f", "g"),
        ("*", 5, ".stars", "*"),
        ("i", 6, "", ""),
        ("j", 6, "", ""),
        ("k", 7, "", ""),
        ("C.m", 10, "", ""),
        ("n", 12, "", ""),
    ]
