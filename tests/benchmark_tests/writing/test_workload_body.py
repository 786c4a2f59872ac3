"""The tests of one small project, as statements."""

from __future__ import annotations

import pytest

from tasks.artifacts import Layout
from tasks.benchmark_tests.writing.needed_code import TestModules
from tasks.benchmark_tests.writing.workload_body import TestBody, body_of
from tasks.project.code.sources import Sources
from tests.support.evidence import DETECTION
from tests.support.projects import Files

TESTS = '''
import json
import os
from pathlib import Path
from unittest import TestCase, mock

import pytest

import rows as r
from rows import *
from rows import compile
try:
    from tests import cases
except ImportError:
    import cases
from tests.fixtures import imported
from tests import base
from tests.base import Kind, make, unused
from rows.testsuite import Importing

DATA = Path(__file__).parent / "data.json"
TABLES = [("a", [1]), pytest.param("b", [2, 3], id="two")]
REGISTRY = {}
REGISTRY.update(a=1)

class Base:
    size = 3

class Wide(Base):
    """Has rows."""
    other: "Late"

class Late:
    pass

@pytest.fixture
def table():
    first = Wide()
    return first

@pytest.fixture
def undone():
    yield 1
    make(2)

@pytest.fixture(params=[10, 20])
def width(request):
    half = request.param
    return half * 2

def test_plain():
    # It has one row.
    wide = Wide()
    text = parse("""
    a
    """)
    assert r.total(text, wide) == 3
    assert text.width
    assert make(REGISTRY) is None

@pytest.mark.parametrize(("name", "values"), TABLES)
@pytest.mark.parametrize("kind", Kind.ALL)
def test_cases(name, values, kind):
    assert r.total(name, values, kind) == 1

def test_names_of_builtins():
    assert r.total(len(compile(format("a")))) == 1

def test_fixtures(table, width, tmp_path, shared, elsewhere):
    r.total(table, width, tmp_path, shared, elsewhere)

def test_undone(undone):
    r.total(undone)

@pytest.fixture(params=["a", "b"], ids=str)
def opened(request, shared, table):
    """Opened for the test."""
    with make(request.param) as opened:
        yield opened

@pytest.fixture
def named(request):
    return request.node.name

@pytest.fixture
def other_table(opened, table):
    if opened:
        return table
    return make(opened)

def test_opened(opened, table, named, other_table):
    r.total(opened, table, named, other_table)

@pytest.mark.parametrize("width", [5], indirect=True)
def test_indirect(width):
    r.total(width)

def test_imported(imported):
    r.total(imported)

def test_visible(client):
    r.total(client)

@pytest.fixture
def settings():
    return {"own": True}

def test_plugin(plugged):
    r.total(plugged)

def test_mocker(mocker):
    r.total(mocker)

def test_file():
    r.total(json.loads(DATA.read_text()))

def test_text_path():
    r.total(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data.json"))

def test_returns():
    if r.total():
        return
    r.total(1)

def test_global():
    global DATA
    DATA = r.total()

slow = pytest.mark.slow

@slow
def test_nonlocal():
    count = 0
    def counted():
        nonlocal count
        count += 1
    r.total(counted)
    return

@mock.patch("rows.total")
def test_patched(total):
    total()

def test_mocks():
    r.total(mock.Mock())

@pytest.mark.parametrize("name", ["a"])
def test_shadows(name, shadowed):
    Late = 1
    r.total(name, Late)

@pytest.fixture
def shadowed():
    return Late()

@pytest.fixture
async def served():
    table = await make(1)
    return table

@pytest.fixture(params=[1, 2])
async def connected(request, served):
    async with make(served, request.param) as connection:
        yield connection

@pytest.mark.asyncio
async def test_connected(connected):
    assert await r.total(connected) == 1

class TestOwnFixture:
    @pytest.fixture
    def mine(self):
        yield 1
        make(2)

    def test_own(self, mine):
        r.total(mine)

    @pytest.fixture
    def stateful(self):
        yield self
        make(2)

    def test_stateful(self, stateful):
        r.total(stateful)

@pytest.mark.asyncio
async def test_waits(served):
    async with served as rows:
        assert await r.total(rows) == 1

def test_does_not_wait(served):
    r.total(served)

def test_benchmarked():
    benchmark = 1
    r.total(benchmark)

@pytest.mark.parametrize("text", ["a", pytest.param("b", marks=pytest.mark.xfail(raises=ValueError))])
def test_some_fail(text):
    r.total(text)

@pytest.mark.parametrize("expectation", [pytest.raises(ValueError)])
def test_expectation(expectation):
    rows = parse("")
    with expectation:
        r.total(rows)

class TestRows:
    class Row:
        def __init__(self):
            self.size = 2
    count = 4

    def setup_method(self):
        self.rows = [self.Row()]

    def grown(self, number):
        return number + 1

    def test_method(self):
        assert r.total(self.rows, self.grown(self.count)) == 2

    def test_state(self):
        r.total(self)

    def test_unknown(self):
        self.check(1)

    def test_variable(self):
        rows = self.rows
        r.total(rows, self.rows)

    def test_constant(self):
        count = self.count
        r.total(count)

class TestMoreRows(TestRows):
    count = 5

class TestHiding:
    def setup_method(self):
        self.make = 1

    def test_hiding(self):
        r.total(self.make, make(2))

import tests.cases as same_cases

class TestFurther(same_cases.Rows):
    limit = Late()

import tests.cases

class TestDotted(tests.cases.Rows):
    limit = Late()

class TestInherited(cases.Rows):
    limit = Late()

class TestImporting(Importing):
    def test_importing(self, subtests):
        with subtests.test("a part"):
            assert r.total(self.limit) == 1

class RowsCase(r.Asserts, TestCase):
    def setUp(self):
        self.rows = [1]

    def test_case(self):
        self.assertEqual(r.total(self.rows), 1)
        self.assertTotal(r.total([2]), expected=2)
        with self.assertRaises(ValueError):
            r.total(None)

def test_stack():
    stack = [1]
    assert r.total(stack) == 1

class CleanedCase(TestCase):
    def set(self, name, value):
        r.options[name] = value
        self.addCleanup(r.options.pop, name)

    @classmethod
    def setUpClass(cls):
        cls.lock = cls.enterClassContext(r.lock())
        cls.addClassCleanup(r.forget)

    def setUp(self):
        self.set("wide", True)

    def tearDown(self):
        super().tearDown()
        mock.patch.stopall()
        self.unset("wide")
        self.assertTrue(self.lock)
        self.result = None
        for row in self.result:
            row.close()
        self.result.close()
        make(self.lock)
        unknown.close()
        self.lock.close(force=True)

    def unset(self, name):
        del r.options[name]

    def test_cleaned(self):
        self.result = r.total(self.lock)

    def test_taken(self):
        stack = [self.lock]
        self.assertEqual(r.total(stack), 1)

    def test_module(self):
        self.assertEqual(r.total(base.make(2)), 1)

    async def test_waiting(self):
        self.addAsyncCleanup(r.close)
        self.assertEqual(r.total([1]), 1)
'''
CASES = """
from .base import make
from .waiting import Waiting

SIZES = [1, 2]

class Rows(Waiting):
    sizes = SIZES
    limit = 1

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.rows = await self.opened.rows(self.sizes)

    def grown(self):
        return make(SIZES)

    async def test_inherited(self):
        assert await self.rows.total(self.limit, self.grown()) == 2
"""
WAITING = """
import rows as r
from unittest import IsolatedAsyncioTestCase

class Base(IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.opened = await r.opened()

class Mixin(Base):
    pass

class Other(Base):
    async def asyncSetUp(self):
        self.other = 1
        await super().asyncSetUp()

class Waiting(Mixin, Other):
    pass
"""
IMPORTING = """
class Importing:
    @classmethod
    def setup_class(cls):
        from rows import parse as read

        one = "1"
        cls.limit = read(one)
"""
CONFTEST = """
import pytest

@pytest.fixture
def shared():
    return 1

@pytest.fixture
def settings():
    return {}

@pytest.fixture
def client(settings, backend):
    return settings
"""
FILES = Files(
    {
        "rows/__init__.py": "".join(
            f"def {name}: ...\n" for name in ("parse(text)", "total(*rows)", "compile(text)", "format(text)")
        ),
        "rows/testsuite/__init__.py": IMPORTING,
        "tests/__init__.py": "",
        "tests/base.py": (
            "import rows\nfrom .more import Limit\n"
            "class Kind:\n    ALL = [1, 2]\ndef make(value):\n    return rows.total(value, Limit)\nunused = 1\n"
        ),
        "tests/waiting.py": WAITING,
        "tests/more.py": "Limit = 7\n",
        "tests/cases.py": CASES,
        "tests/conftest.py": CONFTEST,
        "tests/fixtures.py": "import pytest\n\n@pytest.fixture\ndef imported():\n    return [1]\n",
        "tests/unit/conftest.py": "import pytest\n\n@pytest.fixture\ndef elsewhere():\n    return [1]\n",
        "tests/unit/test_rows.py": TESTS,
    }
)
LAYOUT: Layout = DETECTION.layout.model_copy(update={"import_roots": ("",), "packages": ("rows",)})


@pytest.fixture(scope="module")
def modules():
    return TestModules(Sources(FILES, LAYOUT.import_roots), LAYOUT)


@pytest.fixture
def body(modules):
    def body(test: str, **case: int) -> TestBody | str:
        return body_of(f"tests/unit/test_rows.py::{test}", case, modules, folder="tests/benchmarks")

    return body


def codes(body: TestBody) -> list[str]:
    return [each.code for each in body.statements]


def test_a_test_is_copied_with_what_it_needs_of_its_module_and_of_its_helpers(body):
    plain = body("test_plain")
    assert plain.imports == ("import rows", "from rows import parse", "import rows as r")
    assert plain.definitions == (
        "REGISTRY = {}",
        "REGISTRY.update(a=1)",
        "class Base:\n    size = 3",
        "class Late:\n    pass",
        'class Wide(Base):\n    """Has rows."""\n    other: "Late"',
        "Limit = 7",
        "def make(value):\n    return rows.total(value, Limit)",
    )
    assert codes(plain) == [
        "wide = Wide()",
        'text = parse("""\n    a\n    """)',
        "r.total(text, wide)",
        "text.width",
        "make(REGISTRY)",
    ]
    assert [each.is_check for each in plain.statements] == [False, False, True, True, True]


def test_names_that_hide_builtins_are_imported(body):
    """One is imported by its name, one with all others."""
    assert body("test_names_of_builtins").imports == (
        "from rows import compile",
        "from rows import format",
        "import rows as r",
    )


def test_the_values_of_one_case_are_assigned(body):
    assert codes(body("test_cases[1-two]", name=1, values=1, kind=0)) == [
        'name = "b"',
        "values = [2, 3]",
        "kind = Kind.ALL[0]",
        "r.total(name, values, kind)",
    ]


def test_fixtures_are_written_out_unless_the_benchmark_sees_their_conftest(body):
    fixtures = body("test_fixtures[20]", width=1)
    assert fixtures.fixtures == ("tmp_path", "shared")
    assert codes(fixtures) == [
        "first = Wide()",
        "table = first",
        "half = 20",
        "width = half * 2",
        "elsewhere = [1]",
        "r.total(table, width, tmp_path, shared, elsewhere)",
    ]


def test_fixtures_that_are_undone_are_copied_with_those_that_they_use(body):
    opened = body("test_opened[b]", opened=1)
    assert opened.fixtures == ("opened", "table", "named", "other_table")
    assert [each for each in opened.definitions if each.startswith("@")] == [
        "@pytest.fixture\ndef table():\n    first = Wide()\n    return first",
        (
            '@pytest.fixture\ndef opened(shared, table):\n    """Opened for the test."""\n'
            "    with make('b') as opened:\n        yield opened"
        ),
        "@pytest.fixture\ndef named(request):\n    return request.node.name",
        (
            "@pytest.fixture\ndef other_table(opened, table):\n    if opened:\n        return table\n"
            "    return make(opened)"
        ),
    ]
    assert codes(opened) == ["r.total(opened, table, named, other_table)"]
    undone = body("test_undone")
    assert undone.fixtures == ("undone",)
    assert undone.definitions[-1] == "@pytest.fixture\ndef undone():\n    yield 1\n    make(2)"
    # One of a class that does not use its object is a function.
    of_class = body("TestOwnFixture::test_own")
    assert of_class.definitions[-1] == "@pytest.fixture\ndef mine():\n    yield 1\n    make(2)"


def test_fixtures_get_the_value_of_a_mark_and_may_be_imported(body):
    assert codes(body("test_indirect[5]", width=0))[:2] == ["half = 5", "width = half * 2"]
    assert codes(body("test_imported")) == ["imported = [1]", "r.total(imported)"]


def test_a_fixture_that_the_benchmark_sees_uses_those_of_the_test(body):
    visible = body("test_visible")
    assert visible.fixtures == ("client",)
    assert visible.definitions == ('@pytest.fixture\ndef settings():\n    return {"own": True}',)


def test_fixtures_of_plugins_are_requested_in_the_case_of_the_test(body, modules):
    assert body("test_plugin").fixtures == ("plugged",)
    path, values = "tests/unit/test_rows.py", {"backend": "quick", "width": 1}
    chosen = body_of(f"{path}::test_visible[quick]", {"backend": 0}, modules, folder="tests/benchmarks", values=values)
    assert chosen.marks == ("pytest.mark.parametrize(\"backend\", ['quick'], indirect=True)",)
    # A plugin may add a fixture to an asynchronous test; the benchmark is none.
    waits = body_of(f"{path}::test_waits[quick]", {"backend": 0}, modules, folder="tests/benchmarks", values=values)
    assert waits.marks == ()


def test_an_asynchronous_fixture_that_is_undone_becomes_a_context_manager(body):
    connected = body("test_connected[2]", connected=1)
    assert codes(connected) == [
        "table = await make(1)",
        "served = table",
        "connected = await stack.enter_async_context(open_connected(served))",
        "await r.total(connected)",
    ]
    assert "from contextlib import asynccontextmanager" in connected.imports
    assert connected.definitions[-1] == (
        "@asynccontextmanager\nasync def open_connected(served):\n"
        "    async with make(served, 2) as connection:\n        yield connection"
    )


def test_a_file_is_found_from_the_benchmarks_folder(body):
    assert body("test_file").definitions == ("DATA = Path(__file__).parents[2] / 'tests/unit' / 'data.json'",)


def test_a_file_is_found_by_os_path_from_the_benchmarks_folder(body):
    folder = "os.path.abspath(os.path.join(os.path.dirname(__file__), '../unit'))"
    assert codes(body("test_text_path")) == [f"r.total(os.path.join({folder}, 'data.json'))"]


def test_functions_of_a_test_may_change_its_variables(body):
    assert codes(body("test_nonlocal")) == [
        "count = 0",
        "def counted():\n    nonlocal count\n    count += 1",
        "r.total(counted)",
    ]


def test_the_object_of_a_test_class_becomes_variables(body):
    assert codes(body("TestRows::test_method")) == [
        "class Row:\n    def __init__(self):\n        self.size = 2",
        "rows = [Row()]",
        "count = 4",
        "def grown(number):\n    return number + 1",
        "r.total(rows, grown(count))",
    ]


def test_an_attribute_has_another_name_than_a_variable_of_the_test(body):
    assert codes(body("TestRows::test_variable"))[1:] == [
        "own_rows = [Row()]",
        "rows = own_rows",
        "r.total(rows, own_rows)",
    ]


def test_a_test_is_inherited(body):
    assert codes(body("TestMoreRows::test_method"))[2:] == [
        "count = 5",
        "def grown(number):\n    return number + 1",
        "r.total(rows, grown(count))",
    ]


@pytest.mark.parametrize("name", ["TestInherited", "TestFurther", "TestDotted"])
def test_a_test_is_inherited_from_another_file_with_what_its_bases_prepare(body, name):
    inherited = body(f"{name}::test_inherited")
    assert codes(inherited) == [
        "other = 1",
        "opened = await r.opened()",
        "sizes = SIZES",
        "rows = await opened.rows(sizes)",
        "def grown():\n    return make(SIZES)",
        "limit = Late()",
        "await rows.total(limit, grown())",
    ]


def test_what_a_set_up_imports_is_known_to_its_later_statements(body):
    importing = body("TestImporting::test_importing")
    assert importing.fixtures == ()
    assert codes(importing) == [
        "from rows import parse as read",
        'one = "1"',
        "limit = read(one)",
        "r.total(limit)",
    ]


def test_an_asynchronous_test_is_copied_with_its_asynchronous_fixtures(body):
    assert codes(body("test_waits")) == [
        "table = await make(1)",
        "served = table",
        "async with served as rows:\n    await r.total(rows)",
    ]


def test_a_case_of_unittest_becomes_code_for_pytest(body):
    case = body("RowsCase::test_case")
    raising = "with pytest.raises(ValueError):\n    r.total(None)"
    assert codes(case) == ["rows = [1]", "r.total(rows)", "r.total([2])", raising]
    assert [each.is_check for each in case.statements] == [False, True, True, True]
    assert "import pytest" in case.imports


def test_cleanups_of_unittest_belong_to_a_stack(body):
    assert [(each.code, each.opens) for each in body("test_stack").statements] == [
        ("stack = [1]", False),
        ("r.total(stack)", False),
    ]
    cleaned = body("CleanedCase::test_cleaned")
    assert [(each.code, each.opens) for each in cleaned.statements] == [
        ("lock = stack.enter_context(r.lock())", True),
        ("stack.callback(r.forget)", True),
        ("def set(name, value):\n    r.options[name] = value\n    stack.callback(r.options.pop, name)", True),
        ("set('wide', True)", True),
        ("stack.callback(lock.close, force=True)", True),
        ("def unset(name):\n    del r.options[name]", False),
        ("stack.callback(unset, 'wide')", True),
        ("result = r.total(lock)", False),
    ]


def test_statements_that_expect_errors_are_known(body):
    assert codes(body("test_some_fail[a]", text=0)) == ['text = "a"', "r.total(text)"]
    assert body("test_some_fail[b]", text=1) == "it is expected to fail in this case"
    statements = body("test_expectation[expectation0]", expectation=0).statements
    assert [each.fails for each in statements] == [True, False, True]


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("TestOwnFixture::test_stateful", "it uses the fixture stateful of a class, which has to be undone"),
        ("test_mocker", "it replaces code by mocks"),
        ("test_returns", "it returns or yields"),
        ("test_global", "it changes variables of its module"),
        ("test_patched", "it is decorated by mock.patch"),
        ("test_mocks", "it replaces code by mocks"),
        ("test_shadows", "it has a variable of the same name as something of its module: Late"),
        ("test_does_not_wait", "it uses the asynchronous fixture served, but is not asynchronous"),
        ("test_benchmarked", "it uses the name benchmark"),
        ("CleanedCase::test_taken", "it uses the name stack"),
        ("CleanedCase::test_module", "it imports base, a module of tests"),
        ("CleanedCase::test_waiting", "it uses self.addAsyncCleanup, which its class does not define"),
        ("TestRows::test_constant", "it has both a variable count and self.count"),
        ("TestRows::test_state", "it uses the object of its class"),
        ("TestHiding::test_hiding", "it has a variable of the same name as something of its module: make"),
        ("TestRows::test_unknown", "it uses self.check, which its class does not define"),
        ("test_gone", "it is not written in its file"),
    ],
)
def test_what_cannot_be_copied_is_named(body, test, reason):
    assert body(test, name=0) == reason


def test_reading_a_test_does_not_change_the_next(body):
    assert codes(body("RowsCase::test_case")) == codes(body("RowsCase::test_case"))
