"""Values of the process are no difference between the sides; what the change does to the result still is one."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts import DefinitionPlace
from tasks.bench import measuring
from tasks.bench.outputs.outputs import judge
from tasks.bench.request import ChangedDefinition
from tasks.bench.workers.workers import WORKER_FOLDER
from tasks.project.code.definitions import definitions
from tests.support.pairs import pair

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.values import description, places


def described(value):
    return json.loads(json.dumps(description.describe(value)))


def verdict(base, head, *, again=None, witness=None):
    sides = {"base": described(base), "head": described(head)}
    repeated = {"base": described(again), "head": sides["head"]} if again is not None else sides
    output = judge("test", sides, repeated, None if witness is None else described(witness))
    return output.verdict, output.detail


PROCESSES = "differs between two processes on base"
ROUNDED = "floats are equal within 1e-09, not exactly: they differ by up to 1.0e-13"
PAGE = "<p>text</p>" * 20 + "<a id='{}'>{}</a> end"
UNSTABLE = {
    "number": (4711, 4712, 4713, ("not comparable", PROCESSES)),
    "uuid": (uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), ("not comparable", PROCESSES)),
    "entry": (
        {"pid": 4711, "n": 3},
        {"pid": 4712, "n": 3},
        {"pid": 4713, "n": 3},
        ("equal", f"compared without what {PROCESSES}: `['pid']`"),
    ),
    "words of a text": (
        PAGE.format("a7", 1),
        PAGE.format("b7", 2),
        PAGE.format("c7", 3),
        ("equal", f"compared without what {PROCESSES}"),
    ),
    "order": (
        ["a", "b", "c"],
        ["c", "b", "a"],
        ["b", "a", "c"],
        ("equal", f"compared without the order of elements, which {PROCESSES}"),
    ),
    "part of a word": (
        "at /t/tmp_ab_1/out.txt",
        "at /t/tmpcd2_/out.txt",
        "at /t/tmpx/out.txt",
        ("equal", f"compared without what {PROCESSES}"),
    ),
    "random text": ("a+b/c", "a/b c d", "x-b/d", ("not comparable", PROCESSES)),
    "random bytes": (b"\x01a\xff", b"a\xff\x01b\x02", b"\x01b\xff", ("not comparable", PROCESSES)),
    "keys": ({"x1": 1}, {"x2": 1}, {"x3": 1}, ("not comparable", PROCESSES)),
    "set": ({"a", "x1"}, {"a", "x2"}, {"0", "a"}, ("not comparable", PROCESSES)),
    "array": ([1, np.arange(3)], [1, np.arange(3) + 1], [1, np.arange(3) + 2], ("equal", None)),
    "size": ([1, [1]], [1, [1, 2]], [1, [1, 2, 3]], ("equal", None)),
    "order of rounded floats": (
        [1.0, 2.0],
        [2.0, 1.0 + 1e-13],
        [2.0, 1.0],
        ("equal", f"compared without the order of elements, which {PROCESSES}; {ROUNDED}"),
    ),
}


@pytest.mark.parametrize(("base", "head", "witness", "expected"), UNSTABLE.values(), ids=UNSTABLE)
def test_what_differs_on_base_is_no_difference(base, head, witness, expected):
    assert verdict(base, head)[0] == "different"
    outcome, detail = verdict(base, head, witness=witness)
    assert (outcome, detail if expected[1] else None) == expected


REAL = {
    "another entry": ({"pid": 1, "n": 3}, {"pid": 2, "n": 4}, {"pid": 3, "n": 3}, "3 at base, 4 at head at `['n']`"),
    "stable value": (3, 4, 3, "3 at base, 4 at head"),
    "another word": (
        PAGE.format("a7", 1),
        PAGE.format("b7", 2).replace("end", "END"),
        PAGE.format("c7", 3),
        "\"…p><p>text</p><a id='a7'>1</a> end\" at base, \"…p><p>text</p><a id='b7'>2</a> END\" at head",
    ),
    "another path": (
        "at /t/tmp_ab_1/out.txt",
        "at /t/tmpcd2_/in.txt",
        "at /t/tmpx/out.txt",
        "'at /t/tmp_ab_1/out.txt' at base, 'at /t/tmpcd2_/in.txt' at head",
    ),
    "more words": ("run 1 of 5", "run 2 of 5 more", "run 3 of 5", "'run 1 of 5' at base, 'run 2 of 5 more' at head"),
    "another element": (
        ["a", "b", "c"],
        ["c", "b", "d"],
        ["b", "a", "c"],
        "'a' at base, 'd' at head",
    ),
    "a missing element": ([1, "x1"], [1], [1, "x2"], "list of 2 elements at base, list of 1 at head"),
    "another type": ([1, 4711], [1.5, 4712], [1, 4713], "int 1 at base, float 1.5 at head at `[0]`"),
    "a new key": ({"pid": 1}, {"pid": 2, "n": 1}, {"pid": 3}, "nothing at base, 1 at head at `['n']`"),
}


@pytest.mark.parametrize(("base", "head", "witness", "detail"), REAL.values(), ids=REAL)
def test_what_only_head_does_is_a_difference(base, head, witness, detail):
    assert verdict(base, head, witness=witness) == ("different", detail)


def test_a_second_call_is_a_witness_as_the_second_process_is():
    between = "differs between two calls on the same side (base)"
    assert verdict({"t": 1.5, "n": 3}, {"t": 2.5, "n": 3}, again={"t": 3.5, "n": 3}) == (
        "equal",
        f"compared without what {between}: `['t']`",
    )
    assert verdict({"t": 1.5, "n": 3}, {"t": 2.5, "n": 4}, again={"t": 3.5, "n": 3})[0] == "different"
    assert verdict([], [], again=[1]) == ("equal", "")
    assert verdict([1], [1, 2], again=[1, 2, 3]) == ("not comparable", between)


def function(*values, name="pkg:f", calls=1, kind="no generator", is_direct=False, more=0):
    items = [described(value)["tree"] for value in values]
    tree = {"type": kind, "items": items, "size": len(items)}
    counts = {"calls": calls, "values": len(items) + more}
    return {"name": name, **counts, "tree": tree, "opaque": [], "is_direct": is_direct}


NONE = "the call returns None on both sides"
FUNCTIONS = {
    "equal": (None, function([1]), function([1]), "equal", "`pkg:f` in 1 call"),
    "other values": (None, function(1, 2), function(1, 3), "different", "`pkg:f` returns 2 at base, 3 at head"),
    "other values of a count": (2, function([1]), function([2]), "different", "`pkg:f` returns 1 at base, 2 at head"),
    "a generator": (
        None,
        function([1, 2]),
        function(1, 2, kind="a generator"),
        "different",
        "`pkg:f` is no generator at base, a generator at head",
    ),
    "other calls": (
        None,
        function([1], calls=3),
        function([1]),
        "not comparable",
        f"{NONE}; `pkg:f` is called 3 times at base, 1 time at head",
    ),
    "other calls and a count": (2, function([1], calls=3), function([1]), "equal", ""),
    "fewer values": (
        None,
        function([1], [2], kind="a generator"),
        function([1], kind="a generator"),
        "not comparable",
        f"{NONE}; `pkg:f` returns 2 values at base, 1 value at head",
    ),
    "too many values": (
        None,
        function([1], [2], calls=9, more=7),
        function([1], calls=9, more=8),
        "equal",
        "`pkg:f` in 9 calls (only the first 1 of 9 values)",
    ),
    "only None": (None, function(None), function(None), "not comparable", NONE),
    "the measured call": (2, function(2), function(2), "equal", ""),
    "private": (
        2,
        function([1], name="pkg:_f"),
        function((1,), name="pkg:_f"),
        "equal",
        "`pkg:_f` returns list at base, tuple at head, but is private",
    ),
    "private and measured": (
        2,
        function([1], name="pkg:_f", is_direct=True),
        function([2], name="pkg:_f"),
        "different",
        "`pkg:_f` returns 1 at base, 2 at head",
    ),
    "one side only": (None, function([1]), function([1], name="pkg:g"), "not comparable", f"{NONE}; `pkg:f` is called"),
}


@pytest.mark.parametrize(("value", "base", "head", "expected", "detail"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_show_what_a_call_does_not_return(value, base, head, expected, detail):
    sides = {"base": described(value) | {"functions": [base]}, "head": described(value) | {"functions": [head]}}
    output = judge("test", sides, sides)
    assert output.verdict == expected
    assert detail in output.detail if detail else not output.detail


def test_values_of_the_process_that_functions_return_are_no_difference():
    sides = {side: described(None) | {"functions": [function([pid, 3])]} for side, pid in (("base", 7), ("head", 8))}
    assert judge("test", sides, sides).verdict == "different"
    witness = described(None) | {"functions": [function([9, 3])]}
    assert judge("test", sides, sides, witness).verdict == "equal"
    other = {**sides, "head": described(None) | {"functions": [function([8, 4])]}}
    assert judge("test", other, other, witness).detail == "`pkg:f` returns 3 at base, 4 at head at `[1]`"


def test_elements_in_another_order_that_cannot_be_decided_are_not_called_equal(monkeypatch):
    monkeypatch.setattr(description, "SENT_BYTES", 1000)
    base = np.linspace(0, 1, 5000)
    head = base.copy()
    head[4000] += 1e-16
    assert verdict([base, 1], [1, head], witness=[1, base])[0] == "not comparable"


def with_functions(value, *functions):
    return described(value) | {"functions": list(functions)}


def test_every_function_counts_besides_the_one_that_is_measured():
    count = function(2, name="pkg:count")
    sides = {"base": with_functions(2, count, function([1])), "head": with_functions(2, count, function([2]))}
    assert judge("test", sides, sides).verdict == "different"
    sides["head"] = with_functions(2, count, function([1]))
    detail = "the call itself returns 2, so prprep compared the results of `pkg:f` in 1 call"
    assert judge("test", sides, sides).detail == detail


def test_it_is_said_how_far_results_of_functions_are_equal():
    sides = {"base": with_functions(None, function([1.0])), "head": with_functions(None, function([1.0 + 1e-13]))}
    assert judge("test", sides, sides).detail.endswith(f"`pkg:f` in 1 call ({ROUNDED})")
    sides, other = (
        {side: with_functions(2, function({"pid": pid, "n": 3})) for side, pid in pids.items()}
        for pids in ({"base": 1, "head": 2}, {"base": 3, "head": 4})
    )
    output = judge("test", sides, sides, other["base"])
    assert output.detail.endswith(f"`pkg:f` in 1 call (compared without what {PROCESSES}: `[0]['pid']`)")
    assert output.partly


BASE = """
import asyncio, datetime, functools, os, tempfile, time, uuid

UID = uuid.uuid4().hex


class Bare:
    pass


class Table:
    def __init__(self, n=3):
        self.n, self.rows = n, [1, 2]


class Private:
    def __init__(self):
        self._v = 3

    @property
    def v(self):
        return self._v


class Hidden:
    def __init__(self):
        self._v = 3


class Slots:
    def __init__(self, n=3):
        self.n = n


class Nested:
    def __init__(self):
        self.table = Table()


def wrote(folder):
    path = folder / "out.txt"
    path.write_text("text")
    return path


def pid():
    return os.getpid()


def address():
    return repr(Bare())


def where():
    return os.path.dirname(__file__)


def temporary():
    return {"folder": tempfile.mkdtemp(), "n": 3}


def stamp():
    return {"at": datetime.datetime.now(), "n": 3}


def words():
    return list({f"w{n}" for n in range(50)})


def environment():
    return os.path.dirname(os.__file__), os.sys.prefix, UID[:0]


def table():
    return Table()


def private():
    return [Private()]


def hidden():
    return Hidden()


def slots():
    return Slots()


def nested():
    return Nested()


def parse(n):
    return [n, n * 2]


def count(n):
    return len(parse(n))


def numbers(n):
    yield n
    yield n + 1


async def fetch(n):
    return n * 2


def clear(rows):
    rows.clear()


def arrange(rows):
    rows.sort()


def helper(n):
    return {"n": n}


def outer(n):
    return helper(n)


def _tokens(n):
    return [n, n]


def size(n):
    return sum(1 for _ in _tokens(n))


def again(n):
    return n
"""
"""Each function once; `BENCHMARK` calls them."""
EQUAL = (
    ("self.n, self.rows = n, [1, 2]\n", "self.n = n\n\n    @property\n    def rows(self):\n        return [1, 2]\n"),
    ("self._v = 3\n\n    @property", "self._w = 3\n\n    @functools.cached_property"),
    ("return self._v\n", "return self._w\n"),
    (
        "class Hidden:\n    def __init__(self):\n        self._v",
        "class Hidden:\n    def __init__(self):\n        self._w",
    ),
    (
        "class Slots:\n",
        "class Slots:\n    __slots__ = ('_n',)\n\n    @property\n    def n(self):\n        return self._n\n\n",
    ),
    ("        self.n = n\n\n\nclass Nested", "        self._n = n\n\n\nclass Nested"),
    ("self.table = Table()\n", "self._t = Table()\n\n    @property\n    def table(self):\n        return self._t\n"),
    ("return repr(Bare())", "bares = [Bare() for _ in range(1000)]\n    return repr(bares[-1])"),
    ("range(50)", "range(49, -1, -1)"),
    ("return helper(n)", "return dict(helper(n))"),
    ("return [n, n]", "yield n\n    yield n"),
)
"""What head does in another way, with the same results."""
OTHER = (
    ("out.txt", "other.txt"),
    ('"n": 3', '"n": 4'),
    ("n=3", "n=4"),
    ("self._w = 3", "self._w = 4"),
    ("n * 2", "n * 3"),
    ("yield n + 1", "yield n + 2"),
    ("rows.sort()", "rows.sort(reverse=True)"),
    ("rows.clear()", "return rows"),
    ('{"n": n}', '{"n": -n}'),
    ("w{n}", "v{n}"),
)
BENCHMARK = """
import asyncio
import project
import pytest


@pytest.mark.parametrize("name", {names})
def test_one(benchmark, name):
    benchmark(getattr(project, name))


def test_wrote(benchmark, tmp_path):
    benchmark(project.wrote, tmp_path)


@pytest.mark.parametrize("name", ["parse", "outer", "again"])
def test_none(benchmark, name):
    def run():
        for number in range(1, 4):
            getattr(project, name)(number)
    benchmark(run)


def test_generator(benchmark):
    def run():
        for number in project.numbers(1):
            pass
    benchmark(run)


def test_coroutine(benchmark):
    async def run():
        await asyncio.sleep(0)
        await project.fetch(1)
    benchmark(run)


def test_arguments(benchmark):
    benchmark(lambda: project.arrange([3, 1, 2]))


def test_returned(benchmark):
    benchmark(lambda: project.clear([1]) and None)


def test_count(benchmark):
    benchmark(project.count, 3)


def test_private(benchmark):
    benchmark(project.size, 3)
"""
NAMES = ["pid", "address", "where", "temporary", "stamp", "words", "environment"]
NAMES += ["table", "private", "hidden", "slots", "nested"]
CHANGED = ["parse", "numbers", "fetch", "arrange", "clear", "helper", "outer", "again", "_tokens"]


def changed(text, changes):
    for old, new in changes:
        text = text.replace(old, new)
    return text


def places_of(code):
    """Yield the functions of a file by their names."""
    for each in definitions(code.lstrip().encode(), "project"):
        yield each.name, DefinitionPlace("src/project/__init__.py", each.name, (each.start, each.end))


@pytest.fixture(scope="module", params=[False, True], ids=["without a control", "with a control"])
def outputs(request, tmp_path_factory):
    """Run the benchmark on two heads, of which one returns the same as base."""
    found = []
    benchmark = BENCHMARK.format(names=NAMES)
    for changes in (EQUAL, EQUAL + OTHER):
        sides = {
            side: {"src/project/__init__.py": code, "tests/test_benchmark.py": benchmark}
            for side, code in (("base", BASE), ("head", changed(BASE, changes)))
        }
        at_base, at_head = (dict(places_of(code["src/project/__init__.py"])) for code in (sides["base"], sides["head"]))
        functions = tuple(ChangedDefinition(f"project:{name}", at_base[name], at_head[name]) for name in CHANGED)
        asked = pair(
            tmp_path_factory.mktemp("pair"), **sides, metrics=(), functions=functions, controlled=request.param
        )
        found.append({each.test.partition("::test_")[2]: each for each in measuring.dry_run(asked)})
    return found


def test_folders_of_the_process_have_names(monkeypatch):
    monkeypatch.setattr(places, "_names", {})
    monkeypatch.setattr(places, "_pattern", None)
    places.name_folders_of(["/cache/trees/base", "/cache/trees/the-head"])
    for make in (str, Path, lambda path: np.array([path]), lambda path: {path: 1}, lambda path: [path.encode()]):
        assert verdict(make("/cache/trees/base/a"), make("/cache/trees/the-head/a")) == ("equal", "")
        assert verdict(make("/cache/trees/base/a"), make("/cache/trees/the-head/b"))[0] == "different"
        # The name of another folder begins alike.
        assert verdict(make("/cache/trees/base/a"), make("/cache/trees/base2/a"))[0] == "different"
    _, detail = verdict([f"{sys.prefix}/x", str(Path.home()), 1], [f"{sys.prefix}/y", "/", 1])
    assert detail == "'<environment>/x' at base, '<environment>/y' at head at `[0]`"


PARTLY = "compared without what differs between two calls on the same side (base)"
NOT_DIFFERENT = {
    "one[pid]": ("not comparable", PROCESSES),
    "one[address]": ("equal", PARTLY),
    "one[where]": ("equal", ""),
    "one[temporary]": ("equal", f"{PARTLY}: `['folder']`"),
    "one[stamp]": ("equal", f"{PARTLY}: `['at']`"),
    "one[words]": ("equal", f"compared without the order of elements, which {PROCESSES}"),
    "one[environment]": ("equal", ""),
    "one[table]": ("equal", ""),
    "one[private]": ("equal", ""),
    "one[hidden]": ("not comparable", "private attributes of Hidden have other names, at `._v`"),
    "one[slots]": ("equal", ""),
    "one[nested]": ("equal", ""),
    "wrote": ("equal", ""),
    **{
        name: (
            "equal",
            f"the call itself returns {value}, so prprep compared the results of `project:{function}` in {calls}",
        )
        for name, value, function, calls in (
            ("none[parse]", None, "parse", "3 calls"),
            ("none[outer]", None, "outer", "3 calls"),
            ("none[again]", None, "again", "3 calls"),
            ("generator", None, "numbers", "1 call"),
            ("coroutine", None, "fetch", "1 call"),
            ("arguments", None, "arrange", "1 call"),
            ("returned", None, "clear", "1 call"),
            ("count", 2, "parse", "1 call"),
        )
    },
    "private": ("equal", "`project:_tokens` is no generator at base, a generator at head, but is private"),
}
DIFFERENT = {
    "one[temporary]": "3 at base, 4 at head at `['n']`",
    "one[stamp]": "3 at base, 4 at head at `['n']`",
    "one[words]": None,
    "one[table]": "3 at base, 4 at head at `.n`",
    "one[private]": "3 at base, 4 at head at `[0].v`",
    "one[slots]": "3 at base, 4 at head at `.n`",
    "one[nested]": "3 at base, 4 at head at `.table.n`",
    "wrote": (
        "PosixPath('<tmp_path>/test_wrote0/out.txt') at base, PosixPath('<tmp_path>/test_wrote0/other.txt') at head"
    ),
    "none[parse]": "`project:parse` returns 2 at base, 3 at head at `[1]` (value 1 of 3)",
    "none[outer]": "`project:outer` returns 1 at base, -1 at head at `['n']` (value 1 of 3)",
    "generator": "`project:numbers` returns 2 at base, 3 at head (value 2 of 2)",
    "coroutine": "`project:fetch` returns 2 at base, 3 at head",
    "arguments": "`project:arrange` leaves its arguments different: 1 at base, 3 at head at `[0][0]`",
    "returned": "`project:clear` returns None at base, list at head",
    "count": "`project:parse` returns 6 at base, 9 at head at `[1]`",
}


@pytest.mark.slow
def test_values_of_the_process_and_properties_are_no_difference(outputs):
    same, _ = outputs
    assert {name: (output.verdict, output.detail) for name, output in same.items()} == NOT_DIFFERENT


@pytest.mark.slow
def test_real_differences_beside_them_are_found(outputs):
    _, other = outputs
    different = {name: output.detail for name, output in other.items() if output.verdict == "different"}
    assert {name: DIFFERENT[name] and detail for name, detail in different.items()} == DIFFERENT


@pytest.mark.slow
def test_what_a_part_was_left_out_of_is_not_tried_on_further_inputs(outputs):
    same, _ = outputs
    whole = {"where", "environment", "table", "private", "slots", "nested"}
    equal = {name for name, output in same.items() if output.verdict == "equal" and not output.partly}
    assert equal == {f"one[{name}]" for name in whole} | {"wrote", "count", "private"}
