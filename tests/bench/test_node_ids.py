"""Ids of tests are the same on both sides, and say nothing about this machine."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.bench import measuring, node_ids
from tasks.bench.memory import memory
from tasks.bench.node_ids import NodeIds, matched
from tasks.bench.outputs import exploration
from tests.support.pairs import both, pair

TREE = Path("/var/cache/trees/5f0c1d")
IDS = NodeIds(TREE, Path(sys.executable))
HOST = "ci-runner-7"
NOW, CLOCK = time.time(), datetime.now(tz=UTC)


UNSTABLE = {
    "path": (f"{TREE}/tests/data/a.txt", "tests/data/a.txt"),
    "repr of a path": (f"PosixPath('{TREE}/tests/data/a.txt')-1", "PosixPath('tests/data/a.txt')-1"),
    "address of a file": (f"file://{TREE}/a.txt", "file://a.txt"),
    "joined by another character": ("var-cache-trees-5f0c1d-tests-a.txt", "…-tests-a.txt"),
    "joined as in addresses": ("%2Fvar%2fcache%2Ftrees%2F5f0c1d%2Fa.txt", "%2F…%2Fa.txt"),
    "host": (f"http://{HOST}:80/x", "http://<host>:80/x"),
    "underscores": ("_var_cache_trees_5f0c1d", "_…"),
    "tmp_path": (f"{tempfile.gettempdir()}/pytest-of-ada/pytest-12/test_a0/x", "<tmp_path>/test_a0/x"),
    "temporary folder": (f"{tempfile.gettempdir()}/tmpab_c1d2e/x", "<temporary folder>/…/x"),
    "home": (f"{Path.home()}/x", "<home>/x"),
    "environment": (f"{sys.prefix}/lib/x.py", "<environment>/lib/x.py"),
    "address": (f"{object()!r}", "<object object at …>"),
    "uuid": (str(uuid.uuid4()), "…"),
    "digits of a uuid": (uuid.uuid1().hex, "…"),
    "seconds": (f"{NOW}", "…"),
    "whole seconds": (f"{int(NOW)}-3", "…-3"),
    "nanoseconds": (f"{int(NOW * 1e9)}", "…"),
    "time": (CLOCK.isoformat(), "…"),
    "short time": (f"{CLOCK:%Y%m%d-%H%M%S}", "…"),
    "date": (f"{CLOCK:%Y-%m-%d}", "…"),
    "process": ("pid=4711", "pid…"),
}
STABLE = {
    "another tree": f"{TREE}0/a.txt",
    "another time": "2021-03-04T10:00:00",
    "numbers": "1000000000-0xdeadbeef-20-0.5",
    "digest": "d41d8cd98f00b204e9800998ecf8427e",
    "other folders": "tmp/x-/usr/lib",
    "a word": "rapid2",
}


@pytest.mark.parametrize(
    ("node", "expected"), [*UNSTABLE.values(), *((node, node) for node in STABLE.values())], ids=[*UNSTABLE, *STABLE]
)
def test_what_differs_from_process_to_process_is_left_out(monkeypatch, node, expected):
    monkeypatch.setattr(node_ids.socket, "gethostname", lambda: HOST)
    test = f"tests/test_a.py::test_a[{node}]"
    assert IDS.stable([test]) == {test: f"tests/test_a.py::test_a[{expected}]"}


@pytest.mark.parametrize(
    "name", ["test_pid4", f"test_{CLOCK:%Y%m%d}", f"test_{int(NOW)}"], ids=["number", "date", "seconds"]
)
def test_names_of_functions_and_files_stay(name):
    node = f"tests/{name}.py::TestLipid3::{name}"
    assert IDS.stable([node, f"{node}[a]"]) == {node: node, f"{node}[a]": f"{node}[a]"}


def test_equal_ids_get_numbers():
    nodes = [f"a.py::b[{uuid.uuid4()}]" for _ in range(3)]
    assert list(IDS.stable([*nodes, nodes[0]]).values()) == ["a.py::b[…]", "a.py::b[…] (2)", "a.py::b[…] (3)"]


def test_ids_match_by_all_but_their_numbers():
    assert matched(["a[0.1]", "a[x]"], ["a[0.2]", "a[x]"]) == {"a[0.1]": "a[0.2]"}
    assert matched(["a[1-x]"], ["a[2-y]"]) == matched(["a[1]"], ["b[2]"]) == matched(["a"], ["b"]) == {}
    assert matched(["a[1]", "a[2]", "a[3]"], ["a[2]", "a[4]"]) == {}


TESTS = """
import time
import uuid
from pathlib import Path

import pytest
from project import work

FILES = sorted(Path(__file__).parent.glob("data/*.txt"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_path(benchmark, path):
    benchmark(work, int(path.read_text()))


@pytest.mark.parametrize("thing", [object(), object()], ids=repr)
def test_address(benchmark, thing):
    benchmark(work, 10)


@pytest.mark.parametrize("now", [time.time_ns(), uuid.uuid4()], ids=str)
def test_now(benchmark, now):
    benchmark(work, 10)
    benchmark(work, 20)
"""
DATA = {"tests/data/a.txt": "100\n", "tests/data/b.txt": "200\n"}


@pytest.mark.slow
def test_benchmarks_with_such_ids_are_measured(tmp_path, monkeypatch):
    for module, name, number in (
        (memory, "REPEATS", 1),
        (exploration, "INPUTS", 2),
        (exploration, "EDGES", 1),
        (exploration, "TRIES", 2),
    ):
        monkeypatch.setattr(module, name, number)
    request = pair(tmp_path, **both({"tests/test_benchmark.py": TESTS, **DATA}), metrics=("memory",), controlled=True)
    measured = measuring.measure(request)
    names = [
        *("path[tests/data/a.txt]", "path[tests/data/b.txt]"),
        *("address[<object object at …>]", "address[<object object at …>] (2)", "now[…]", "now[…] (2)"),
    ]
    tests = [f"tests/test_benchmark.py::test_{name}" for name in names]
    calls = [*tests[:5], f"{tests[4]}#2", tests[5], f"{tests[5]}#2"]
    assert measured.tests == tuple(tests)
    assert [output.test for output in measured.outputs] == calls
    assert list(dict.fromkeys(each.test for each in measured.measurements)) == calls
