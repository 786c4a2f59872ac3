"""What the changed functions return is seen on every Python that benchmarks run on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER
from tests.support.pythons import interpreter

MODULE = """
def parse(n):
    return [n, n * 2]


def fails(n):
    raise ValueError(n)


def numbers(n):
    yield n
    yield n + 1


def breaks(n):
    yield n
    int("x")


def delegates(n):
    yield from numbers(n)
    yield from [n]


async def pages(n):
    await other(n)
    yield [n]
    await other(n)
    yield n


async def fetch(n):
    await other(n)
    return n * 2


async def other(n):
    import asyncio
    await asyncio.sleep(0)


def arrange(rows):
    rows.sort()


def recurse(n):
    return 1 if n < 1 else recurse(n - 1) + parse(n)[0]


class Page:
    def size(self):
        return 7
"""
PROGRAM = """
import asyncio, json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import module
from prprep_worker.benchmark.calls import Calls, drive
from prprep_worker.benchmark.returned import returned

def run():
    module.parse(1), list(module.numbers(3)), list(module.delegates(3)), module.arrange([2, 1]), module.recurse(2), module.Page().size()
    for failing in (module.fails, lambda n: list(module.breaks(n))):
        try:
            failing(1)
        except ValueError:
            pass
    async def main():
        await asyncio.gather(module.fetch(4), module.fetch(5))
        return [page async for page in module.pages(1)]
    asyncio.run(main())

names = "parse fails breaks numbers delegates pages fetch arrange recurse Page.size".split()
lines = [module.__dict__[name.partition(".")[0]] for name in names]
lines = [getattr(each, "size", each).__code__.co_firstlineno for each in lines]
functions = [["module.py", line, name] for line, name in zip(lines, names)]
found = drive(returned(Calls(run), functions, sys.argv[2], "test.py"))
print(json.dumps({each["name"]: [each["calls"], each["tree"]["items"], each["values"]] for each in found}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("version", ["", "3.9", "3.10", "3.12", "3.13", "3.14"])
def test_what_functions_return_is_seen(tmp_path, version):
    python = interpreter(tmp_path, version) if version else sys.executable
    (tmp_path / "module.py").write_text(MODULE)
    command = [python, "-c", PROGRAM, WORKER_FOLDER, tmp_path]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert not done.stderr
    found = json.loads(done.stdout)
    values = {name: (calls, [shown(item) for item in items]) for name, (calls, items, _) in found.items()}
    assert {name: count for name, (*_, count) in found.items()} == {
        name: len(items) for name, (_, items) in values.items()
    }
    assert values == {
        "parse": (1, [["1", "2"]]),
        "numbers": (1, ["3", "4"]),
        "delegates": (1, ["3", "4", "3"]),
        "arrange": (1, [[["1", "2"]]]),
        "recurse": (1, ["4"]),
        "Page.size": (1, ["7"]),
        "pages": (1, [["1"], "1"]),
        "fails": (1, []),
        "breaks": (1, ["1"]),
        "fetch": (2, ["8", "10"]),
    }


def shown(node):
    return [shown(item) for item in node["items"]] if "items" in node else node["value"]
