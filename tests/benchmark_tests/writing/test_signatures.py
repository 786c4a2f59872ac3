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
"""


@pytest.mark.parametrize(
    ("name", "setup", "expression"),
    [
        (
            "plain",
            (
                "a = 1_000",
                'b = [f"item {number}" for number in range(SIZE)]',
                'c = {f"item {number}": [inner for inner in range(10)] for number in range(SIZE)}',
            ),
            "plain(a, b, c=c)",
        ),
        ("positional", ("a = 1_000",), "positional(a)"),
        ("twice", ("a = 1_000",), "twice(a)"),
        ("fetch", ("x = bytes(range(256)) * (SIZE // 256)",), "await fetch(x)"),
        ("pages", ("x = 1_000",), "[item async for item in pages(x)]"),
        ("rows", ('items = [(number, f"item {number}") for number in range(SIZE)]',), "list(rows(items))"),
        ("no_rows", (), "no_rows()"),
        ("Table", ("rows = [[inner / 7 for inner in range(10)] for number in range(SIZE)]",), "Table(rows)"),
        (
            "Table.merge",
            (
                "rows = [[inner / 7 for inner in range(10)] for number in range(SIZE)]",
                "table = Table(rows)",
                "rows_ = 1_000",
            ),
            "table.merge(rows_)",
        ),
        (
            "Table.width",
            ("rows = [[inner / 7 for inner in range(10)] for number in range(SIZE)]", "table = Table(rows)"),
            "table.width",
        ),
        ("Table.of", ("x = {number for number in range(SIZE)}",), "Table.of(x)"),
        ("Table.made", ("x = tuple(number for number in range(SIZE))",), "Table.made(x)"),
        ("Line.length", ("x = 1_000", "line = Line(x=x)"), "line.length()"),
    ],
)
def test_plain_arguments_are_made_up(name, setup, expression):
    call = call_of(SOURCE, name, path="x.py")
    assert (call.setup, call.expression, call.gap) == (setup, expression, "")


@pytest.mark.parametrize(
    ("name", "gap", "unknown", "expression"),
    [
        ("hard", "page: Page", ("page",), "hard(page, dpi, run_)"),
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
