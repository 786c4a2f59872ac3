from __future__ import annotations

import pytest

from tasks.benchmark_tests.writing.signatures import call_of
from tasks.errors import SourceError

SOURCE = b"""
import functools
from contextlib import contextmanager
from dataclasses import dataclass

def plain(a: int, b: "list[str]", *, c: dict[str, list[int]], d=3): ...
def hard(page: Page, dpi: int, run: int): ...
def positional(a: int, /, *rest, **more): ...
def twice(a: Page): ...
if True:
    def twice(a: int): ...
async def fetch(x: Optional[bytes]): ...
async def pages(x: int):
    yield x
def rows(items: Sequence[tuple[int, str]]):
    def inner():
        yield 0
    yield 1
def no_rows():
    return (lambda: (yield))
class Table:
    def __init__(self, rows: list[list[float]], name: str = ""): ...
    def merge(self, rows: int): ...
    @property
    def width(self): ...
    @staticmethod
    def of(x: set[int]): ...
    @classmethod
    def made(cls, x: tuple[int, ...]): ...
@dataclass
class Line:
    x: int
    kind: ClassVar[int]
    y: float = 0.0
    def length(self): ...
@dataclass
class Page:
    image: Image
    def text(self, q: Any): ...
class Child(Line):
    def more(self): ...
@functools.lru_cache(maxsize=None)
def cached(x: int): ...
@contextmanager
def opened(): ...
def outer():
    def inner(): ...
def optional(x: int = 0): ...
class Index:
    def __init__(self, size: int = 0): ...
    def sorted(self): ...
class Rows:
    def __new__(cls, *args): ...
"""


def test_an_object_is_not_made_by_calling_new_without_its_class():
    call = call_of(SOURCE, "Rows.__new__", path="x.py")
    assert (call.expression, call.gap) == ("", "a call that makes a Rows")


def test_a_call_without_arguments_is_complete():
    call = call_of(SOURCE, "no_rows", path="x.py")
    assert (call.setup, call.expression, call.gap) == ((), "no_rows()", "")


@pytest.mark.parametrize("name", ["optional", "Index", "Index.sorted"])
def test_a_call_with_defaults_alone_is_a_gap(name):
    call = call_of(SOURCE, name, path="x.py")
    assert (call.gap, call.unknown) == (
        f"a call of {name} on realistic input: one with the defaults alone shows little",
        (),
    )


@pytest.mark.parametrize(
    ("name", "gap", "unknown", "expression"),
    [
        (
            "plain",
            "a: int, b: 'list[str]', c: dict[str, list[int]]",
            ("a", "b", "c"),
            "plain(a, b, c=c)",
        ),
        ("positional", "a: int", ("a",), "positional(a)"),
        ("twice", "a: int", ("a",), "twice(a)"),
        ("fetch", "x: Optional[bytes]", ("x",), "await fetch(x)"),
        ("pages", "x: int", ("x",), "[item async for item in pages(x)]"),
        ("rows", "items: Sequence[tuple[int, str]]", ("items",), "list(rows(items))"),
        ("Table", "rows: list[list[float]]", ("rows",), "Table(rows)"),
        ("Table.merge", "table: Table(rows: list[list[float]]), rows: int", ("table", "rows_"), "table.merge(rows_)"),
        ("Table.width", "table: Table(rows: list[list[float]])", ("table",), "table.width"),
        ("Table.of", "x: set[int]", ("x",), "Table.of(x)"),
        ("Line.length", "line: Line(x: int)", ("line",), "line.length()"),
        ("hard", "page: Page, dpi: int, run: int", ("page", "dpi", "run_"), "hard(page, dpi, run_)"),
        ("Page.text", "page: Page(image: Image), q: Any", ("page", "q"), "page.text(q)"),
        ("Child.more", "child: Child", ("child",), "child.more()"),
        ("cached", "a call of cached: its result is cached (@lru_cache)", (), ""),
        ("opened", "a call of opened: it is a context manager (@contextmanager)", (), ""),
        ("outer.inner", "a call that runs outer.inner, which is defined inside a function", (), ""),
        ("Child", "a call of Child, whose constructor is inherited", (), ""),
        ("nothing", "a call of nothing, which is not defined in x.py", (), ""),
    ],
)
def test_other_arguments_are_a_gap(name, gap, unknown, expression):
    call = call_of(SOURCE, name, path="x.py")
    assert (call.gap, call.unknown, call.expression) == (gap, unknown, expression)


def test_unparsable_source_is_an_error():
    with pytest.raises(SourceError, match="this file cannot be read by") as caught:
        call_of(b"x = 1\ndef f(:\n", "f", path="pkg/x.py")
    assert caught.value.where == "pkg/x.py:2"
