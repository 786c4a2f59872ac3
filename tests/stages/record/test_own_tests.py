"""Tests of a small project as workloads: its objects have no spelling, since tests define their classes."""

from __future__ import annotations

import pytest

from tasks.artifacts import WorkloadTest
from tasks.benchmark_tests.writing.workload_body import OwnStatement, TestBody
from tasks.stages.record import divided_tests
from tasks.stages.record.own_tests import _best
from tests.support.recordings import PYPROJECT, Shop
from tests.support.targets import TargetRepo

CODE = '''
"""A shop."""


FAST = []


class Field:
    """A field."""


class Schema:
    def __init__(self):
        fields = vars(type(self)).items()
        self.fields = {name: field for name, field in fields if isinstance(field, Field)}
        self.bought = []
        self.closed = False

    def dump(self, rows):
        return [self.row(row) for row in rows]

    def row(self, row):
        return {name: str(row[name]).title() for name in self.fields}

    def locked(self, lock, rows):
        with lock:
            return [self.row(row) for row in rows]

    async def serve(self, lock, rows):
        async with lock:
            return [self.row(row) for row in rows]

    def sold(self, rows):
        if self.closed:
            raise ValueError("the shop is closed")
        return [self.row(row) for row in rows]

    def close(self):
        self.closed = True

    def buy(self, rows):
        for row in rows:
            self.bought.append(self.row(row))
        return len(self.bought)

    def sell(self, rows):
        sold = []
        while rows:
            sold.append(self.row(rows.pop()))
        return sold

    def priced(self, rows):
        for _ in range(1 if FAST else 4):
            prices = [self.row(row) for row in rows]
        return prices
'''
CASES = """
import asyncio
import unittest


class RowsCase(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.lock = asyncio.Lock()

    def setUp(self):
        self.rows = [{"title": "book", "year": 1}] * 5_000
        self.addCleanup(self.rows.clear)


class ServingCase(RowsCase):
    async def test_serve(self):
        schema = self.kind()
        self.assertEqual(len(await schema.serve(self.lock, self.rows)), 5_000)
"""
TESTS = """
from contextlib import closing

import pytest

from shop import FAST, Field, Schema
from tests.cases import RowsCase, ServingCase


class Book(Schema):
    title = Field()
    year = Field()


@pytest.fixture
def rows():
    return [{"title": f"book {number}", "year": number} for number in range(5_000)]


def test_dump(rows):
    schema = Book()
    dumped = schema.dump(rows)
    assert dumped[0] == {"title": "Book 0", "year": "0"}
    assert len(dumped) == len(rows)


def test_locked(lock):
    schema = Book()
    assert schema.locked(lock, [{"title": "book", "year": 1}])


@pytest.fixture(params=[1, 5_000])
def more_rows(request):
    return [{"title": "book", "year": 1}] * request.param


@pytest.fixture
def opened(more_rows):
    with closing(Book()) as book:
        yield book
    assert book.closed


def test_sold(opened, more_rows, edition):
    sold = opened.sold(more_rows)
    assert len(sold) == len(more_rows)
    for row in more_rows[:2]:
        expected = row["title"].title()
        assert sold[0]["title"] == expected
    assert edition == "first"


def test_sell(stock, tmp_path):
    (tmp_path / "stock").mkdir()
    schema = Book()
    stock.extend({"title": f"film {number}", "year": 2} for number in range(1, 5_001))
    assert len(schema.sell(stock)) == 10_000


class TestServing(ServingCase):
    kind = Book


class TestPricing:
    def setup_method(self):
        FAST.append(True)
        print("priced")

    def test_priced(self):
        assert Book().priced([{"title": "book", "year": 1}] * 2_000)


class TestBuying(RowsCase):
    def test_buy(self):
        schema = Book()
        self.assertEqual(schema.buy(self.rows), 5_000)
"""
CONFTEST = """
import threading

import pytest


@pytest.fixture
def lock():
    return threading.Lock()


@pytest.fixture
def stock():
    rows = [{"title": "book", "year": 1}] * 5_000
    yield rows
    rows.clear()


@pytest.fixture(params=["first", "second"])
def edition(request):
    if request.param == "second":
        pytest.skip("there is one edition")
    return request.param
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "src/shop/__init__.py": CODE,
    "tests/__init__.py": "",
    "tests/cases.py": CASES,
    "tests/test_shop.py": TESTS,
    "tests/conftest.py": CONFTEST,
}


@pytest.mark.slow(0.2)
def test_a_test_is_measured_if_no_call_can_be_written(tmp_path):
    shop = Shop(TargetRepo(tmp_path / "target", FILES), tmp_path / "shop")
    recording, written, text = shop.scaffolded("Schema.dump")
    assert (recording.target, recording.call, recording.sample) == ("shop:Schema.dump", None, None)
    assert written.made_from == "test"
    assert recording.workload.test == "tests/test_shop.py::test_dump"
    assert recording.share > 0.4
    assert (
        text.partition('"""Time')[2].partition("\n")[2]
        == """\
    rows = [{"title": f"book {number}", "year": number} for number in range(5_000)]
    schema = Book()

    benchmark(schema.dump, rows)
"""
    )
    recording, _, text = shop.scaffolded("Schema.buy")
    # Every further call of the same object would return more.
    assert "    def run():\n" in text
    assert text.index("schema = Book()") > text.index("def run():")
    assert (
        """\
    with ExitStack() as stack:
        rows = [{"title": "book", "year": 1}] * 5_000
        stack.callback(rows.clear)
"""
        in text
    )
    _, written, text = shop.scaffolded("Schema.sell")
    assert "setup runs before every round and is not timed" in " ".join(text.split())
    assert (
        text.partition('"""Time')[2].partition("\n")[2]
        == """\
    with ExitStack() as stack:

        def prepare():
            stack.close()
            tmp_path = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stock = stack.enter_context(open_stock())
            (tmp_path / "stock").mkdir()
            schema = Book()
            stock.extend({"title": f"film {number}", "year": 2} for number in range(1, 5_001))
            return (schema, stock), {}

        def run(schema, stock):
            return len(schema.sell(stock))

        benchmark.pedantic(run, setup=prepare, rounds=20)
"""
    )
    _, _, text = shop.scaffolded("Schema.priced")
    # Without it the test takes four times as long.
    assert "    FAST.append(True)\n" in text
    _, _, text = shop.scaffolded("Schema.locked")
    assert "def test_benchmark_locked(benchmark, lock):" in text
    # One row takes microseconds.
    assert 'schema.locked(lock, [{"title": "book", "year": 1}] * 100)' in text
    assert "One list is 100 times as long as in the test." in " ".join(text.split())
    _, _, text = shop.scaffolded("Schema.serve")
    assert (
        text.partition('"""Time')[2].partition("\n")[2]
        == """\
    stack = AsyncExitStack()

    async def prepare():
        rows = [{"title": "book", "year": 1}] * 5_000
        stack.callback(rows.clear)
        lock = asyncio.Lock()
        kind = Book
        schema = kind()
        return lock, rows, schema

    async def run():
        return len(await schema.serve(lock, rows))

    loop = asyncio.new_event_loop()
    try:
        lock, rows, schema = loop.run_until_complete(prepare())
        benchmark(lambda: loop.run_until_complete(run()))
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()
"""
    )
    _, _, text = shop.scaffolded("Schema.sold")
    # A fixture that is undone stays a fixture, with what it uses; both have the value of one case.
    assert (
        text[text.index("@pytest.fixture") :]
        == """\
@pytest.fixture
def more_rows():
    return [{"title": "book", "year": 1}] * 5000


class Book(Schema):
    title = Field()
    year = Field()


@pytest.fixture
def opened(more_rows):
    with closing(Book()) as book:
        yield book
    assert book.closed


@pytest.mark.parametrize("edition", ["first"], indirect=True)
def test_benchmark_sold(benchmark, opened, more_rows, edition):
    \"\"\"Time the calls of a test of Schema.sold.\"\"\"
    benchmark(opened.sold, more_rows)
"""
    )
    shop.pass_tests("Schema.dump", "Schema.priced", "Schema.buy", "Schema.locked", "Schema.serve", "Schema.sold")


def body(*statements: OwnStatement) -> TestBody:
    return TestBody((), (), statements, ())


def divided(calls: list[int], *statements: OwnStatement) -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
    return [(each.setup, each.body, each.result) for each in divided_tests.divided("test", body(*statements), calls)]


def statement(code: str, *binds: str, is_check: bool = False, fails: bool = False) -> OwnStatement:
    return OwnStatement(code, is_check or fails, frozenset(binds), fails=fails)


def test_what_comes_before_the_first_call_is_setup_or_is_repeated_as_well():
    first, second = statement("a = A()", "a"), statement("b = a.load()", "b")
    assert divided([0, 1], first, second) == [
        (("a = A()",), (), "a.load()"),
        ((), ("a = A()",), "a.load()"),
    ]


def test_a_variable_that_is_assigned_again_is_made_in_every_round():
    first, again = statement("a = A()", "a"), statement("a = a.load()", "a")
    use = statement("b = a.dump()", "b")
    assert divided([0, 1, 1], first, again, use) == [((), ("a = A()", "a = a.load()"), "a.dump()")]


def test_what_is_assigned_last_is_returned():
    assert divided([1], statement("a = load(\n    1,\n)", "a")) == [((), (), "load(\n    1,\n)")]
    assert divided([1], statement("a = (\n    load(1)\n    + 2\n)", "a")) == [((), (), "load(1) + 2")]
    assert divided([1], statement("a[0] = load(1)")) == [((), ("a[0] = load(1)",), "")]


def test_a_value_that_the_test_does_not_use_can_be_left_out():
    ignored, checked = statement("a.load()"), statement("a.load()", is_check=True)
    workload, other = (next(divided_tests.divided("test", body(each), [1])) for each in (ignored, checked))
    assert (workload.ignores_result, other.ignores_result) == (True, False)
    workload = divided_tests.without_result(workload)
    assert (workload.body, workload.result) == (("a.load()",), "")


def test_values_that_only_the_checks_used_are_left_out():
    expected, data = statement("expected = {1: 2}", "expected"), statement("data = [1]", "data")
    given = OwnStatement("name = read()[0]", binds=frozenset({"name"}), is_given=True)
    assert divided([0, 0, 1], given, data, statement("load(data)"))[0] == (("data = [1]",), (), "load(data)")
    more, load, changed = statement("more = make()", "more"), statement("load(data)"), statement("data[0] = 2")
    assert divided([0, 0, 0, 0, 1], expected, data, more, changed, load)[0] == (
        ("data = [1]", "make()", "data[0] = 2"),
        (),
        "load(data)",
    )


def test_checks_without_a_call_and_what_comes_after_the_last_one_are_left_out():
    load, check = statement("a.load()", is_check=True), statement("a.name", is_check=True)
    after = statement("b = 1", "b")
    assert divided([0, 1, 0], check, load, after) == [((), (), "a.load()")]


def test_what_expects_an_error_is_never_measured():
    warned = statement("with warns(A):\n    a = load(1)", "a", fails=True)
    first, last = statement("b = load(2)", "b"), statement("dump(a, b)")
    assert divided([0, 1], warned, statement("dump(a)")) == [(("with warns(A):\n    a = load(1)",), (), "dump(a)")]
    assert divided([0, 1], warned, first) == [((), (), "load(2)")]
    assert divided([1, 0, 1], first, warned, last) == []


def test_tests_that_execute_most_of_what_head_changes_are_the_best():
    longer = WorkloadTest(test="a", seconds=0.4, share=0.5, executed=2)
    more = longer.model_copy(update={"seconds": 0.0001, "executed": 3})
    as_long = longer.model_copy(update={"seconds": 0.5, "body": ("load()", "dump()")})
    short = longer.model_copy(update={"seconds": 0.0002, "body": ()})
    assert _best([short, as_long, longer]) == longer
    assert _best([longer, more]) == more
    assert _best([longer.model_copy(update={"seconds": 2.0, "body": ()}), as_long]) == as_long
    assert _best([longer.model_copy(update={"executed": 5}), short.model_copy(update={"executed": 6})]).seconds == 0.4
