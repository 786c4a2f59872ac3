"""Further inputs around the benchmark's own, in real processes on both sides."""

import random
import re
import time

import pytest

from tasks.artifacts import Output
from tasks.bench.outputs import exploration, inputs
from tasks.bench.outputs.inputs import compare_further_inputs
from tests.support.pairs import pair

pytestmark = pytest.mark.slow(0.5)


@pytest.fixture(autouse=True, scope="module")
def time_enough():
    """Make the tests independent of the machine's speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exploration, "SIDE_SECONDS", 60.0)
        patch.setattr(inputs, "LEAST_SECONDS", 300.0)
        yield


SAME = "def work(value):\n    return value\n"


def compared(folder, base, head, call, *, benchmark="", test="", seconds=300.0, **settings):
    """Return the output of one benchmark call whose outputs were equal so far."""
    test = test or f"def test_work(benchmark):\n    {call}\n"
    files = {"tests/test_benchmark.py": f"import project\nfrom project import *\n{benchmark}\n\n{test}"}
    request = pair(
        folder,
        base={"src/project/__init__.py": base, **files},
        head={"src/project/__init__.py": head, **files},
        timeout=seconds,
        **settings,
    )
    key = "tests/test_benchmark.py::test_work"
    outputs = (Output(test=key, verdict="equal"), Output(test="another", verdict="different", detail="known before"))
    output, other = compare_further_inputs(request, outputs, random.Random(1), lambda _: None)
    assert other == outputs[1]
    return output


def compared_together(folder, base, head, calls):
    """Return the output of each benchmark call, by its name; all are tests of one file."""
    tests = "\n".join(f"def test_{name.replace(' ', '_')}(benchmark):\n    {call}\n" for name, call in calls.items())
    files = {"tests/test_benchmark.py": f"import project\nfrom project import *\n\n{tests}"}
    sides = {side: {"src/project/__init__.py": code, **files} for side, code in (("base", base), ("head", head))}
    request = pair(folder, **sides, timeout=300.0)
    keys = [f"tests/test_benchmark.py::test_{name.replace(' ', '_')}" for name in calls]
    outputs = tuple(Output(test=key, verdict="equal") for key in keys)
    compared = compare_further_inputs(request, outputs, random.Random(1), lambda _: None)
    assert [output.test for output in compared] == keys
    return dict(zip(calls, compared, strict=True))


def test_the_first_call_leaves_time_for_the_others(tmp_path, monkeypatch):
    left = []

    def run(exploration, seed, *, seconds, deadline):
        left.append(deadline - time.monotonic())
        return exploration.output

    monkeypatch.setattr(exploration.Exploration, "run", run)
    compared_together(tmp_path, SAME, SAME, {name: f"benchmark(work, {name!r})" for name in ("one", "two", "three")})
    total = inputs.LEAST_SECONDS
    assert [seconds < total / calls for seconds, calls in zip(left, (3, 2, 1), strict=True)] == [True] * 3
    assert left[0] < left[1] < left[2]


TABLE = """
import dataclasses
import enum
import attrs

class Kind(enum.Enum):
    ONE = 1
    OTHER = 2

@dataclasses.dataclass
class Row:
    name: str
    kind: Kind

@attrs.define
class Table:
    rows: list
    _title: str = ""

def work(table, sizes):
    total = sum(sizes.values())
    return [row.name for row in table.rows if row.kind is Kind.ONE], table, total{further}
"""
TABLE_CALL = 'benchmark(work, Table([Row("a", Kind.ONE), Row("b", Kind.ONE)], "t"), {"x": 1, "y": 2})'
ENGINE = """
import threading

class Engine:
    def __init__(self):
        self.lock, self.calls = threading.Lock(), []

    def run(self, size):
        self.calls.append(size)
        return size * len(self.calls)

def work(engine, size):
    return engine.run(size)
"""
THING = """
class Thing:
    pass

def work(number):
    return number if number == 10 else {{"thing": repr(Thing()), "number": {number}}}
"""
QUOTES = """
QUOTES = "{quotes}'\\""

def has_quote(text):
    return any(quote in text for quote in QUOTES)
"""
EVEN = "import threading\n\ndef work(number):\n    return number if number % 2 else {lock}\n"
LATER = "import asyncio\n\nasync def work(size):\n    await asyncio.sleep(0)\n    return size{further}\n"
PAGES = "def work(pages):\n    return {page: len(pages) for page in pages}\n"
RAISES = "def work(number):\n    if number < 0:\n        raise {error}(number)\n    return number\n"
SORTED = "def work(numbers):\n    return sorted(numbers)\n"
SORTS = "def work(numbers):\n    numbers.sort()\n    return list(numbers)\n"
TOTAL = "def work(numbers):\n    return sum(numbers)\n"
GENERATED = "def work(size):\n    return (number for number in range(size))\n"
UNREPEATED = "import os\n\ndef work(size):\n    return size if size == 5 else os.urandom(8)\n"
LONGER = "def work(words, least=2):\n    return {word: len(word) for word in words if len(word) >= least}\n"
PATTERNS = 'def patterns(path):\n    return [path + "*"{unless}]\n'
FIRST = "def first(rows, default=0):\n    return rows[0]{otherwise}\n"

# What a call returns at base and at head.
CASES = {
    "star": (
        PATTERNS.replace("{unless}", ' if not path.endswith("*") else path'),
        PATTERNS.replace("{unless}", ""),
        'benchmark(patterns, "lib/python3.12/site-packages")',
    ),
    "equal": (LONGER, LONGER, 'benchmark(work, ["one", "three"], least=2)'),
    "quotes": (
        QUOTES.replace("{quotes}", "\u2018\u2019\u201c\u201d"),
        QUOTES.replace("{quotes}", "\u2018\u2019\u201d"),
        'benchmark(has_quote, "plain words of a page")',
    ),
    "shrunk": (TOTAL, TOTAL.replace("sum(numbers)", "sum(set(numbers))"), "benchmark(work, [31, 7, 502, 12])"),
    "rounding": (
        TOTAL,
        "import math\n\ndef work(numbers):\n    return math.fsum(numbers) if numbers else 0\n",
        "benchmark(work, [0.1, 0.2, 0.3])",
    ),
    "changed": (SORTED, SORTS, "benchmark(work, [3, 1, 2])"),
    "changed if unsorted": (SORTED, SORTS, "benchmark(work, [1, 2, 3])"),
    "both change": (SORTS, SORTS, "benchmark(work, [3, 1, 2])"),
    "lazy": (GENERATED, GENERATED, "benchmark(work, 5)"),
    "lazy at head": (
        "def work(size):\n    return [number for number in range(size)]\n",
        GENERATED,
        "benchmark(work, 5)",
    ),
    "raises": (RAISES.format(error="ValueError"), RAISES.format(error="ValueError"), "benchmark(work, 10)"),
    "raises others": (RAISES.format(error="ValueError"), RAISES.format(error="KeyError"), "benchmark(work, 10)"),
    "raises at head": (
        FIRST.format(otherwise=" if rows else default"),
        FIRST.format(otherwise=""),
        "benchmark(first, [4, 5])",
    ),
    "objects": (TABLE.replace("{further}", ""), TABLE.replace("{further}", ""), TABLE_CALL),
    "enum": (
        TABLE.replace("{further}", ""),
        TABLE.replace("{further}", " + any(row.kind is Kind.OTHER for row in table.rows)"),
        TABLE_CALL,
    ),
    "attrs": (TABLE.replace("{further}", ""), TABLE.replace("{further}", " + (table._title == '')"), TABLE_CALL),
    "engine": (ENGINE, ENGINE.replace("self.calls)\n", "self.calls) + (size == 1)\n"), "benchmark(work, Engine(), 5)"),
    "bound": (ENGINE, ENGINE, "benchmark(Engine().run, 5)"),
    "coroutine": (LATER.format(further=""), LATER.format(further=" + (size == 7)"), "benchmark(work, 6)"),
    "range": (PAGES, PAGES.replace("len(pages) for", "len(pages) or 1 for"), "benchmark(work, range(1, 41))"),
    "empty range": (
        PAGES,
        PAGES.replace("in pages}", "in sorted(pages)[::-1][::-1] or [0]}"),
        "benchmark(work, range(1, 41))",
    ),
    "unrepeated": (UNREPEATED, UNREPEATED, "benchmark(work, 5)"),
    "locks": (
        EVEN.format(lock="threading.Lock()"),
        EVEN.format(lock="[threading.Lock()][0]"),
        "benchmark(work, 7)",
    ),
    "addresses": (THING.format(number="number"), THING.format(number="number + 0"), "benchmark(work, 10)"),
    "values": (THING.format(number="number"), THING.format(number="abs(number)"), "benchmark(work, 10)"),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Compare all cases, each in a module of its own, in one process a side."""
    sides, tests = ({}, {}), []
    for name, (*codes, call) in CASES.items():
        module = name.replace(" ", "_")
        for files, code in zip(sides, codes, strict=True):
            files[f"src/project/{module}.py"] = code
        names = ", ".join(re.findall(r"^(?:async )?(?:def|class) (\w+)", codes[0], re.MULTILINE))
        tests.append(f"def test_{module}(benchmark):\n    from project.{module} import {names}\n    {call}\n")
    benchmark = {"src/project/__init__.py": "", "tests/test_benchmark.py": "\n".join(tests)}
    request = pair(tmp_path_factory.mktemp("cases"), sides[1] | benchmark, sides[0] | benchmark, timeout=300.0)
    given = [Output(test=f"tests/test_benchmark.py::test_{name.replace(' ', '_')}", verdict="equal") for name in CASES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exploration, "INPUTS", exploration.EDGES + 10)
        compared = compare_further_inputs(request, tuple(given), random.Random(1), lambda _: None)
    return dict(zip(CASES, compared, strict=True))


def test_a_star_at_the_end_of_a_path_is_tried(outputs):
    """pypa/pip#14108: everything that the benchmark compared was equal."""
    assert outputs["star"].verdict == "different"
    assert outputs["star"].detail == "at input `patterns('*')`: '*' at base, '**' at head at `[0]`"
    assert outputs["star"].inputs > 50


def test_equal_code_is_equal_on_all_inputs(outputs):
    assert (outputs["equal"].verdict, outputs["equal"].detail) == ("equal", "")
    assert exploration.EDGES <= outputs["equal"].inputs <= 2 * exploration.EDGES


def test_typographic_quotes_are_among_the_inputs(outputs):
    assert outputs["quotes"].verdict == "different"
    assert outputs["quotes"].detail == "at input `has_quote('\u201c')`: True at base, False at head"


def test_a_difference_is_shrunk(outputs):
    assert outputs["shrunk"].verdict == "different"
    assert len(outputs["shrunk"].detail) < 60


def test_rounding_is_no_difference_and_is_noted(outputs):
    assert outputs["rounding"].verdict == "equal"
    assert outputs["rounding"].detail.startswith("floats are equal but for rounding: they differ by up to ")


def test_a_call_that_changes_its_argument_is_different(outputs):
    assert outputs["changed"].verdict == outputs["changed if unsorted"].verdict == "different"
    assert outputs["changed"].detail == "after the call its arguments differ: 3 at base, 1 at head at `[0][0]`"
    assert outputs["changed if unsorted"].detail.endswith("the call changes its arguments at head only")


def test_both_sides_may_change_their_arguments_equally(outputs):
    assert (outputs["both change"].verdict, outputs["both change"].detail) == ("equal", "")


def test_lazy_results_are_consumed_for_each_input(outputs):
    assert outputs["lazy"].verdict == "equal"
    assert outputs["lazy at head"].verdict == "different"
    assert "list at base, generator at head" in outputs["lazy at head"].detail


def test_inputs_that_raise_are_counted_separately(outputs):
    assert outputs["raises"].verdict == outputs["raises others"].verdict == "equal"
    assert outputs["raises"].detail.endswith(" raised the same error on both")
    assert re.fullmatch(
        r"\d+ more inputs raised at base but not the same at head: "
        r"at `work\(-\d+\)` base raises ValueError, head raises KeyError",
        outputs["raises others"].detail,
    )


def test_an_error_at_head_alone_is_a_difference(outputs):
    assert outputs["raises at head"].verdict == "different"
    assert outputs["raises at head"].detail == "at input `first([])`: returns at base, raises IndexError at head"


def test_dataclasses_attrs_enums_and_dicts_are_varied(outputs):
    assert outputs["objects"].detail.count("raised") <= 1
    assert outputs["enum"].verdict == "different"
    assert "Kind.OTHER" in outputs["enum"].detail
    assert "title=''" in outputs["attrs"].detail


def test_arguments_that_cannot_be_varied_are_passed_as_they_are(outputs):
    assert outputs["engine"].verdict == "different"
    assert outputs["engine"].detail.startswith("at input `work(<Engine>, 1)`: ")
    assert (outputs["bound"].verdict, outputs["bound"].detail) == ("equal", "")


def test_coroutine_functions_are_run_on_a_loop_of_their_own(outputs):
    assert outputs["coroutine"].verdict == "different"
    assert outputs["coroutine"].detail == "at input `work(7)`: 7 at base, 8 at head"


def test_ranges_are_varied(outputs):
    assert (outputs["range"].verdict, outputs["range"].detail) == ("equal", "")
    assert outputs["empty range"].verdict == "different"
    assert outputs["empty range"].detail.startswith("at input `work(range(1, 1, 1))`: ")


def test_results_that_do_not_repeat_are_no_difference(outputs):
    assert outputs["unrepeated"].verdict == "equal"
    assert "a side did not repeat its own result" in outputs["unrepeated"].detail


def test_results_that_cannot_be_compared_are_not_counted_as_equal(outputs):
    assert outputs["locks"].verdict == "equal"
    assert re.fullmatch(r"on \d+ more inputs the results are not comparable", outputs["locks"].detail)


def test_addresses_on_further_inputs_are_no_difference(outputs):
    """The benchmark's own input gives none, so only the further ones show them."""
    assert outputs["addresses"].verdict == "equal"
    assert "a side did not repeat its own result" in outputs["addresses"].detail
    assert outputs["values"].verdict == "different"
    assert outputs["values"].detail.endswith(": -1 at base, 1 at head at `['number']`")


def test_a_second_run_tries_the_same_inputs(tmp_path):
    code = "def work(text):\n    return text.upper()\n"
    head = "def work(text):\n    return ''.join(map(str.upper, text)) if len(text) < 9 else text.upper() + ('' if 'K' in text.upper() else '!')\n"
    first = compared(tmp_path / "first", code, head, 'benchmark(work, "kilogramme")')
    assert first.verdict == "different"
    assert first == compared(tmp_path / "second", code, head, 'benchmark(work, "kilogramme")')


def test_an_explosive_input_is_killed_and_noted(tmp_path):
    code = "def work(exponent):\n    return sum(1 for _ in range(2 ** exponent)) if exponent > 20 else sum([1] * 10 ** max(exponent, 0))\n"
    output = compared(tmp_path, code, code, "benchmark(work, 4)")
    assert output.verdict == "equal"
    assert output.inputs > 5
    assert " the call exceeded " in output.detail


def test_arrays_are_varied(tmp_path):
    base = "import numpy as np\n\ndef work(values):\n    return values * 2.0\n"
    head = "import numpy as np\n\ndef work(values):\n    return values * 2.0 if len(values) else values.astype(int)\n"
    output = compared(tmp_path, base, head, "benchmark(work, project.np.arange(12.0).reshape(4, 3))")
    assert output.verdict == "different"
    assert "ndarray float64 [0, 3] at base, ndarray int64 [0, 3] at head" in output.detail


NESTED = {
    "lambda": "benchmark(lambda: shout('pages'))",
    "function": "def run():\n        text = 'pages'\n        return shout(text)\n    benchmark(run)",
    "decorator": "@benchmark\n    def result():\n        return shout('pages')",
    "partial": "import functools\n    benchmark(functools.partial(shout, 'pages'))",
    "loop": "import asyncio\n    loop = asyncio.new_event_loop()\n    async def run():\n        return await later('pages')\n"
    "    benchmark(lambda: loop.run_until_complete(run()))\n    loop.close()",
    "setup": "benchmark.pedantic(shout, setup=lambda: (('pages',), {}), rounds=3)",
}


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    code = """
    import asyncio

    def shout(text):
        return [text.upper(){further}]

    async def later(text):
        await asyncio.sleep(0)
        return shout(text)
    """
    sides = code.format(further=""), code.format(further=" or '?'")
    return compared_together(tmp_path_factory.mktemp("nested"), *sides, NESTED)


@pytest.mark.parametrize("call", NESTED)
def test_the_call_inside_a_function_without_arguments_is_varied(nested, call):
    output = nested[call]
    assert output.verdict == "different"
    name = "later" if call == "loop" else "shout"
    assert output.detail == f"at input `{name}('')`: '' at base, '?' at head at `[0]`"


WRITING = """
import pathlib, subprocess

HERE = pathlib.Path(__file__).parent
FILE = pathlib.Path(__file__)

def write(name):
    (HERE / name.strip("/").replace("\\0", "")).write_text("x")
    return name

def remove(name):
    (HERE / name).unlink(missing_ok=True)
    return name

def start(word):
    return subprocess.run(["true", word], check=True).returncode

def read(path):
    return len(open(path).read())

def takes(*values):
    return 1
"""

REFUSED = {
    "writes": ("benchmark(write, 'created')", "the call has side effects (open) at base"),
    "removes": ("benchmark(remove, 'created')", "the call has side effects (os.remove) at base"),
    "starts": ("benchmark(start, 'created')", "the call has side effects (subprocess.Popen) at base"),
    "path": ("benchmark(read, project.__file__)", "the call is given a path that exists"),
    "path object": ("benchmark(read, project.FILE)", "the call is given a path that exists"),
    "file": (
        "benchmark(takes, 1, open(project.__file__))",
        "the call is given a TextIOWrapper, which refers to something outside the process",
    ),
    "function": ("benchmark(takes, 1, key=len)", "the call is given a builtin_function_or_method (len)"),
    "module": ("benchmark(takes, 1, [project])", "the call is given a module (project)"),
    "socket": (
        "import socket; benchmark(takes, 1, socket.socket())",
        "the call is given a socket, which refers to something outside the process",
    ),
    "iterator": (
        "benchmark(takes, 1, iter([1]))",
        "the call is given a list_iterator, which can be consumed only once",
    ),
    "nothing": (
        "benchmark(takes)",
        "the call has no arguments, and its result is not that of an inner call whose arguments can be varied",
    ),
    "objects": (
        "import fractions; benchmark(takes, project.Thing())",
        "no argument is of a type that can be varied (Thing)",
    ),
    "slow": ("import time; benchmark(lambda text: time.sleep(0.21), 'a')", "one call takes 0.2 s"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    code = WRITING + "\nclass Thing:\n    def __init__(self):\n        self.size = 1\n"
    code = code.replace("def takes(*values)", "def takes(*values, key=None)")
    calls = {name: call for name, (call, _) in REFUSED.items()}
    return compared_together(tmp_path_factory.mktemp("refused"), code, code, calls)


@pytest.mark.parametrize("call", REFUSED)
def test_a_call_with_possible_side_effects_is_not_tried(refused, call):
    output, (_, reason) = refused[call], REFUSED[call]
    assert output == Output(test=output.test, verdict="equal", detail=f"no further inputs were tried: {reason}")


def test_a_call_that_writes_for_some_inputs_is_stopped_there(tmp_path):
    code = """
    import pathlib

    def work(text):
        if "*" in text:
            (pathlib.Path(__file__).parent / "written").write_text(text)
        return text
    """
    output = compared(tmp_path, code, code, "benchmark(work, 'abc')")
    assert output.verdict == "equal"
    assert output.inputs > 50
    assert not list(tmp_path.rglob("written"))


def test_a_crash_at_head_is_a_difference(tmp_path):
    base = "def work(size):\n    return size\n"
    head = "import os\n\ndef work(size):\n    if size == 0:\n        os.abort()\n    return size\n"
    output = compared(tmp_path, base, head, "benchmark(work, 5)")
    assert (output.verdict, output.detail) == (
        "different",
        "at input `work(0)`: returns at base, breaks the process at head",
    )


def test_seeded_random_numbers_continue_as_in_the_benchmark(tmp_path):
    code = "import random\n\nrandom.seed(3)\n\ndef work(size):\n    return [random.random() for _ in range(size)]\n"
    output = compared(tmp_path, code, code, "benchmark(work, 5)")
    assert (output.verdict, output.detail) == ("equal", "")


def test_several_calls_are_compared_separately(tmp_path):
    code = "def work(size):\n    return size\n\ndef other(size):\n    return size{further}\n"
    test = "def test_work(benchmark):\n    benchmark(work, 5)\n    benchmark(other, 5)\n    benchmark(work, 7)\n"
    files = {"tests/test_benchmark.py": "from project import *\n\n" + test}
    trees = [{"src/project/__init__.py": code.format(further=further), **files} for further in ("", " + (size == 1)")]
    key = "tests/test_benchmark.py::test_work"
    outputs = tuple(Output(test=name, verdict="equal") for name in (key, f"{key}#2", f"{key}#3"))
    output = compare_further_inputs(
        pair(tmp_path, base=trees[0], head=trees[1]), outputs, random.Random(1), lambda _: None
    )
    assert [output.verdict for output in output] == ["equal", "different", "equal"]
    assert output[1].detail == "at input `other(1)`: 1 at base, 2 at head"


def test_a_benchmark_that_no_longer_passes_is_noted_with_the_reason(tmp_path):
    test = "def test_work(benchmark):\n    raise SystemError('gone')\n"
    output = compared(tmp_path, SAME, SAME, "", test=test)
    assert output.verdict == "equal"
    assert output.detail == "no further inputs were tried: the benchmark failed on base"


def test_the_time_limit_of_the_request_holds(tmp_path):
    test = "import time\ndef test_work(benchmark):\n    time.sleep(60)\n    benchmark(work, 1)\n"
    output = compared(tmp_path, SAME, SAME, "", test=test, seconds=1.0)
    assert output.detail == "no further inputs were tried within 1 s"


def test_without_equal_outputs_no_process_starts(tmp_path):
    request = pair(tmp_path, benchmark="no/such/file.py")
    outputs = (Output(test="a", verdict="different"), Output(test="b", verdict="not comparable"))
    assert compare_further_inputs(request, outputs, random.Random(1), lambda _: None) == outputs


def test_no_process_starts_for_calls_that_are_refused(tmp_path):
    request = pair(tmp_path, benchmark="no/such/file.py")
    given = (Output(test="a", verdict="equal", detail="known before"),)
    (output,) = compare_further_inputs(request, given, random.Random(1), print, refused={"a": "it has no arguments"})
    assert output.detail == "known before; no further inputs were tried: it has no arguments"


def test_random_arguments_are_no_difference(tmp_path):
    code = "import uuid\n\ndef work(text):\n    return len(text)\n"
    output = compared(tmp_path, code, code, "import uuid; benchmark(work, uuid.uuid4().hex)")
    assert (output.verdict, output.detail) == (
        "equal",
        "no further inputs were tried: its arguments differ from process to process",
    )
