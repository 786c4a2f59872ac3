"""Calls of generators and coroutines are seen alike with `sys.monitoring` and with wrappers."""

from __future__ import annotations

import json
import subprocess

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER
from tests.support.pairs import write
from tests.support.pythons import interpreter

pytestmark = pytest.mark.slow

CODE = """
import asyncio

def numbers(count):
    for number in range(count):
        try:
            yield number
        except KeyError:
            yield from numbers(1)

def same(count):
    yield count

def twin(count):
    yield count

async def fetch(wait):
    try:
        await asyncio.sleep(wait)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        raise
    return await fetch(0) if wait else 1

async def pages(count):
    for number in range(count):
        try:
            yield number
        except KeyError:
            yield -1
        finally:
            await asyncio.sleep(0)

def slow(rows):
    return [sum(range(10_000)) for _ in rows]

async def grow(rows):
    for _ in range(2):
        slow(rows)
        await asyncio.sleep(0.05 / len(rows))
    return tuple(rows) if len(rows) > 1 else rows

async def both():
    await asyncio.gather(grow([1] * 40), grow([1]))

def fails(tree):
    if not tree:
        raise ValueError
    fails(tree[1:])

def checked(tree):
    try:
        fails(tree)
    except ValueError:
        return tree
"""
PROGRAM = """
import asyncio, json, sys
sys.path[:0] = [{worker!r}, {tree!r}]
from prprep_worker.exploring.reach import ReachWatch
from prprep_worker.recording.function import FunctionWatch
from prprep_worker.recording.functions import WantedFunction
from prprep_worker.recording.recorder import Recorder
names = ["numbers", "same", "twin", "fetch", "pages", "fails", "checked"]
watch = ReachWatch({{name: WantedFunction("called", name) for name in names}}, {tree!r})
import called

def seen(run):
    watch.restart("")
    run()
    assert not watch._thread.open and not any(watch._thread.depths.values())
    return {{name: [each.calls, each.failed] for name, each in watch.reached.items()}}

def closed():
    numbers = called.numbers(3)
    next(numbers)
    numbers.close()
    called.numbers(3).close()

def thrown():
    numbers = called.numbers(3)
    next(numbers)
    assert numbers.throw(KeyError) == 0
    assert list(numbers) == [1, 2]

def interleaved():
    assert list(zip(called.numbers(2), called.numbers(2), called.same(1), called.twin(1))) == [(0, 0, 1, 1)]

async def cancelled():
    task = asyncio.ensure_future(called.fetch(10))
    await asyncio.sleep(0)
    task.cancel()
    assert await asyncio.gather(task, called.fetch(0), called.fetch(0.001), return_exceptions=True) != 1

async def thrown_pages():
    pages = called.pages(3)
    assert [await pages.__anext__(), await pages.athrow(KeyError()), await pages.asend(None)] == [0, -1, 1]
    await pages.aclose()
    assert [page async for page in called.pages(2)] == [0, 1]

def longest(run):
    inside = ReachWatch({{name: WantedFunction("timed", name) for name in ("both", "grow", "slow")}}, {tree!r}, "slow")
    inside.restart("")
    run()
    calls = inside.reached["grow"].longest
    assert all(0 < each.inside < each.seconds for each in calls)
    return sorted(each.number for each in calls), calls[0].number

def recorded(name, run):
    function = {{"called": "recorded:" + name, "file": "", "line": 0}}
    recorder = Recorder({{"function": function, "tree": {tree!r}, "depth": 1, "out": {out!r}, "seconds": 20}})
    FunctionWatch(recorder)
    run()
    assert not recorder.is_in_call()
    with open({out!r}) as written:
        return {{each["described"].popitem()[1]: each["returns"] for each in json.load(written)["kept"]}}

async def all_pages():
    return [page async for page in recorded_code.pages(2)]

import recorded as recorded_code, timed
kept = called.numbers(3)
next(kept)
print(json.dumps([
    seen(closed), seen(thrown), seen(interleaved), seen(lambda: next(kept)), seen(kept.close),
    seen(lambda: asyncio.run(cancelled())), seen(lambda: asyncio.run(thrown_pages())),
    seen(lambda: called.checked([1, 2])),
    recorded("numbers", lambda: list(zip(recorded_code.numbers(2), recorded_code.numbers(3)))),
    recorded("pages", lambda: asyncio.run(all_pages())), recorded("grow", lambda: asyncio.run(recorded_code.both())),
    longest(lambda: asyncio.run(timed.both())),
]))
"""


@pytest.mark.parametrize("version", ["3.9", "3.12", "3.13"])
def test_a_generator_is_one_call_however_it_is_resumed_and_ended(tmp_path, version):
    python = interpreter(tmp_path, version)
    write(tmp_path, {"called.py": CODE, "recorded.py": CODE, "timed.py": CODE})
    program = PROGRAM.format(worker=str(WORKER_FOLDER), tree=str(tmp_path), out=str(tmp_path / "seen.json"))
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {"numbers": [1, 0]},
        {"numbers": [2, 0]},
        {"numbers": [2, 0], "same": [1, 0], "twin": [1, 0]},
        {},
        {},
        {"fetch": [4, 1]},
        {"pages": [2, 0]},
        {"fails": [3, 3], "checked": [1, 0]},
        {"int": "generator"},
        {"int": "async_generator"},
        {"list of 1 (int)": "list", "list of 40 (int)": "tuple"},
        [[1, 2], 1],  # each has the time of all its resumptions
    ]
