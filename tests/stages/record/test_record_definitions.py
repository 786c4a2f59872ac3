"""Definitions that share their name with others, or have none: what is recorded of them, and the written benchmarks."""

from __future__ import annotations

from functools import cache

import pytest

from tasks.bench.observing.exploring import explore
from tasks.bench.observing.recording import record as record_tests
from tasks.bench.observing.site import RecordingSite
from tasks.bench.request import SideRequest
from tasks.processes.progress import silent
from tasks.project.code.sources import Sources
from tasks.project.files import FolderTree
from tasks.stages.record.candidates import Candidate
from tests.support.pythons import environment, pytest_for
from tests.support.recordings import PYPROJECT, Shop
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow(0.4)

CODE = """
from functools import lru_cache, singledispatch, singledispatchmethod


@singledispatch
def show(value):
    return repr(value)


@show.register
def _(value: int):
    return f"{value:,}"


@show.register(list)
@show.register(tuple)
def _(value):
    return ", ".join(map(show, value))


class Table:
    def __init__(self, rows):
        self.kept = rows

    @property
    def rows(self):
        return self.kept

    @rows.setter
    def rows(self, rows):
        self.kept = sorted(rows)

    @rows.deleter
    def rows(self):
        self.kept = []

    def __total(self, start):
        return sum(self.kept, start)

    def total(self):
        return self.__total(1) + 0 * sum(range(2_000))

    @singledispatchmethod
    def add(self, value):
        raise TypeError

    @add.register
    def _(self, value: str):
        return len(value) + len(self.kept)

    @add.register
    @classmethod
    def _(cls, value: float):
        return value

    size = property(lambda self: len(self.kept))


class Dispatcher:  # like those of multipledispatch
    def __init__(self):
        self.functions = {}

    def __call__(self, value):
        return self.functions[type(value)](value)


def dispatch(kind, dispatchers={}):
    def register(function):
        dispatcher = dispatchers.setdefault(function.__name__, Dispatcher())
        dispatcher.functions[kind] = function
        return dispatcher

    return register


@dispatch(int)
def double(value):
    return 2 * value


@dispatch(str)
def double(value):  # noqa: F811
    return value + value


key = lambda row, at=0: row[at]  # noqa: E731

if hasattr(list, "clear"):

    def smallest(values):
        return min(values)

else:

    def smallest(values):
        return sorted(values)[0]


async def numbers(count):
    for number in range(count):
        yield number


def made(kind):
    class Cart:
        def total(self, rows):
            return sum(map(kind, rows))

    return Cart


Plain, Wide = made(int), made(float)


def logged(function):
    def wrapper(*values):
        return function(*values)

    return wrapper


@logged
def first(values):
    return values[0]


@logged
def last(values):
    return values[-1]
"""
TESTS = """
import asyncio

from shop import Plain, Table, Wide, double, first, key, last, numbers, show, smallest


def test_show():
    assert show([1, 2]) == "1, 2"
    assert show(123456) == "123,456"
    assert show(1.5) == "1.5"


def test_table():
    table = Table([2, 1])
    assert table.rows == [2, 1]
    table.rows = [5, 4, 3]
    assert table.rows == [3, 4, 5]
    assert (table.total(), table.add("four"), table.size, table.add(1.5)) == (13, 7, 3, 1.5)
    del table.rows
    assert table.rows == []


def test_others():
    assert key((3, 4)) == 3
    assert smallest([5, 4]) == 4
    assert (double(21), double("x")) == (42, "xx")
    assert asyncio.run(collected()) == [0, 1, 2]
    assert (Plain().total([1, 2]), Wide().total([1.5])) == (3, 1.5)
    assert (first("ab"), last("ab"), last("cd")) == ("a", "b", "d")


async def collected():
    return [number async for number in numbers(3)]
"""
HANDLERS = """
HANDLERS = []


@HANDLERS.append
def _(values):
    return -sum(sorted(value for _ in range(2_000) for value in values)) // 2_000


@HANDLERS.append
def _(values):
    return sum(values)


def run(values):
    return [handle(values) for handle in HANDLERS]
"""
FILES = {"pyproject.toml": PYPROJECT, "src/shop/__init__.py": CODE, "tests/test_shop.py": TESTS}


@pytest.fixture(scope="module", params=["3.9", "3.13"])
def place(request, tmp_path_factory):
    """The shop's tree and an environment: a wrapper records before Python 3.12, `sys.monitoring` from there on."""
    folder = tmp_path_factory.mktemp("record")
    python = environment(request.param, pytest_for(request.param), "pytest-benchmark")
    tree = TargetRepo(folder / "tree", FILES).path
    return RecordingSite(SideRequest(tree, python, (tree / "src",)), "", 2)


@cache
def seen_of(place: RecordingSite, name: str) -> dict:
    located = Sources(FolderTree(place.side.tree), ("src",)).find(f"shop:{name}")
    assert located
    function = Candidate(f"shop:{name}", located).function
    (seen,), notes = record_tests(place, function, [("tests/test_shop.py",)], seconds=60, report=silent)
    assert notes == []
    return seen


@pytest.mark.parametrize(
    ("name", "calls", "arguments"),
    [
        ("show.register(int)", 3, {"value": "1"}),
        ("show.register(list, tuple)", 1, {"value": "[1, 2]"}),
        ("Table.rows", 3, None),
        ("Table.rows.setter", 1, {"self": "Table(rows=[2, 1])", "rows": "[5, 4, 3]"}),
        ("Table.rows.deleter", 1, {"self": "table"}),
        ("Table.__total", 1, {"self": "table", "start": "1"}),
        ("Table.add.register(str)", 1, {"self": "table", "value": '"four"'}),
        ("Table.add.register(float)", 1, {"cls": "Table", "value": "1.5"}),
        ("double#1", 1, {"value": "21"}),
        ("double", 1, {"value": '"x"'}),
        ("Table.size", 1, {"self": "table"}),
        ("key", 1, {"row": "(3, 4)", "at": "0"}),
        ("smallest#1", 1, {"values": "[5, 4]"}),
        ("numbers", 1, {"count": "3"}),
    ],
)
def test_calls_of_one_definition_are_recorded(place, name, calls, arguments):
    seen = seen_of(place, name)
    assert (seen["found"], seen["calls"]) == (True, calls)
    kept = [call["spelled"][0]["arguments"] for call in seen["kept"]]
    assert arguments in (None, kept[-1])


def test_the_explorer_counts_the_calls_of_one_definition(place):
    """Accessors of one property, and implementations of one function, are watched in one run."""
    sources = Sources(FolderTree(place.side.tree), ("src",))
    calls = {
        "show.register(int)": 3,
        "show.register(list, tuple)": 1,
        "Table.rows": 3,
        "Table.rows.setter": 1,
        "Table.rows.deleter": 1,
        "Table.__total": 1,
        "Table.add.register(str)": 1,
        "double#1": 1,
        "double": 1,
        "Table.size": 1,
        "key": 1,
        "smallest#1": 1,
        "made.Cart.total": 2,
        "logged.wrapper": 3,
    }
    functions = {name: Candidate(f"shop:{name}", sources.find(f"shop:{name}")).function for name in calls}
    found, _, notes = explore(place, functions, ["tests/test_shop.py"], seconds=60)
    assert notes == ()
    assert {name: sum(each.calls for each in found if each.target == name) for name in calls} == calls


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    repo = TargetRepo(tmp_path_factory.mktemp("stages") / "target", FILES)
    return Shop(repo, tmp_path_factory.mktemp("shop"))


WRITTEN = [
    ("show.register(int)", "show_int", "show(value) for value in calls"),
    ("Table.rows.setter", "rows_setter", 'setattr(table, "rows", rows)'),
    ("Table.rows.deleter", "rows_deleter", 'delattr(table, "rows")'),
    ("Table.__total", "total", "benchmark(table._Table__total, 1)"),
    ("Table.add.register(str)", "add_str", "table.add("),
    ("key", "key", "key"),
    ("numbers", "numbers", "[item async for item in numbers("),
]


@pytest.mark.parametrize(("name", "test", "code"), WRITTEN)
def test_a_written_benchmark_calls_that_definition(shop, name, test, code):
    _, written, text = shop.scaffolded(name)
    assert (written.made_from, written.needs) == ("recorded", "")
    assert f"def test_benchmark_{test}(benchmark" in text
    assert code in text


def test_written_benchmarks_run_and_are_formatted_like_the_project(shop):
    shop.pass_tests(*(name for name, *_ in WRITTEN))


def test_what_no_name_refers_to_is_measured_by_its_caller(tmp_path):
    files = {
        # Before that, a wrapper cannot replace what a list alone holds.
        "pyproject.toml": PYPROJECT.replace("[tool.ruff]", 'requires-python = ">=3.12"\n[tool.ruff]'),
        "src/shop/__init__.py": HANDLERS,
        "tests/test_shop.py": "from shop import run\n\ndef test_it():\n    assert run([2, 1, 3]) == [-6, 6]\n",
    }
    shop = Shop(TargetRepo(tmp_path / "target", files), tmp_path / "shop")
    recording, written, text = shop.scaffolded("_#1")
    assert (recording.changed, recording.target, written.made_from) == ("shop:_#1", "shop:run", "recorded")
    assert "benchmark(run, values)" in text
    assert "no name refers to shop:_#1, so no code can call it" in recording.notes


FACTORY = """
def cart_of(kind):
    class Cart:
        def __init__(self, rows):
            self.rows = rows

        def total(self):
            return sum(self.__prices())

        def __prices(self):
            return sorted(kind(row) for row in self.rows for _ in range(10))

        @classmethod
        def parse(cls, text):
            return cls(map(kind, text.split(","))).total()

    Cart.__qualname__ = kind.__name__.title()
    return Cart
"""


IMPORTED = "\n\nFloat = cart_of(float)\nInt = cart_of(int)\n"
TEXT = "\ndef test_text():\n    assert Int.parse('2,1,' * 5_000 + '0') == 150_000\n"


def factory(tmp_path, *, requires, imported, tested):
    """Return a shop in which the import makes some classes, and the test others."""
    files = {
        "pyproject.toml": PYPROJECT.replace("[tool.ruff]", f'requires-python = ">={requires}"\n[tool.ruff]'),
        "src/shop/__init__.py": FACTORY + imported,
        "tests/test_shop.py": (
            f"from shop import *\n{tested}\n"
            "def test_it():\n    cart = Int(range(2_000))\n    assert cart.total() == 19_990_000\n"
        ),
    }
    return Shop(TargetRepo(tmp_path / "target", files), tmp_path / "shop")


def test_a_method_of_a_class_that_a_function_makes_is_called_of_an_object(tmp_path):
    # Before Python 3.12, only what an import makes is seen.
    shop = factory(tmp_path, requires="3.9", imported=IMPORTED, tested=TEXT)
    recording, written, text = shop.scaffolded("cart_of.Cart.__prices")
    assert (recording.changed, recording.target) == ("shop:cart_of.Cart.__prices", "shop:cart_of.Cart.total")
    assert written.made_from == "recorded"
    assert "from shop import Int\n" in text
    assert "    cart = Int(rows=range(0, 2000))\n\n    benchmark(cart.total)\n" in text
    recording, written, text = shop.scaffolded("cart_of.Cart.parse")
    assert (recording.target, written.made_from) == ("shop:cart_of.Cart.parse", "recorded")
    assert "benchmark(Int.parse, text)\n" in text
    shop.pass_tests("cart_of.Cart.__prices", "cart_of.Cart.parse")


def test_a_method_of_a_class_that_no_module_has_is_measured_by_a_test(tmp_path):
    shop = factory(tmp_path, requires="3.12", imported="", tested="\nInt = cart_of(int)\n")
    recording, written, text = shop.scaffolded("cart_of.Cart.total")
    assert (recording.changed, written.made_from) == ("shop:cart_of.Cart.total", "test"), recording
    # A fast machine repeats the call in a round.
    assert "benchmark(cart.total)" in text or "            result = cart.total()\n" in text
    shop.pass_tests("cart_of.Cart.total")


def test_what_no_name_refers_to_and_no_test_reaches_is_not_recorded(tmp_path):
    shop = Shop(TargetRepo(tmp_path / "target", {**FILES, "src/shop/__init__.py": HANDLERS}), tmp_path / "shop")
    recording, written, _ = shop.scaffolded("_#1")
    assert recording.ran == ()
    assert recording.failed.startswith("the run of the tests ended with exit code ")
    assert written.made_from == "gap"
