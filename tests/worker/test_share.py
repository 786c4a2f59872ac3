"""The part of a call's time that a function takes, if watching it takes longer than it runs."""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER
from tests.support.pairs import write
from tests.support.pythons import interpreter

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.recording.share import WatchCost, WatchedTime

WORK = """
from itertools import repeat

def work(count):
    for _ in repeat(None, count):
        pass
"""
CODE = f"""{WORK}
def generate(times, count):
    for number in range(times):
        work(count)
        yield number

async def fetch(count):
    work(count)

async def pages(times, count):
    for number in range(times):
        work(count)
        yield number

def nest(depth, count):
    work(count)
    if depth:
        nest(depth - 1, count)
"""
CALLS = {
    "work": "[work({count}) for _ in range({times})]",
    "generate": "list(generate({times}, {count}))",
    "fetch": "[await fetch({count}) for _ in range({times})]",
    "pages": "[page async for page in pages({times}, {count})]",
    "nest": "[nest(9, {count}) for _ in range({times} // 10)]",
}
PROGRAM = """
import json, sys
sys.path[:0] = [{worker!r}, {tree!r}]
from prprep_worker.recording.trial import try_code
print(json.dumps([try_code(order, {{}})["share"] for order in {orders!r}]))
"""


def shares(python, tree, *, times, count, others):
    """Return the share of each kind of function in a call; what is not in it takes `others` times as long."""
    orders = [
        {
            "setup": f"from of_{name} import {name}\nfrom others import work as others",
            "call": f"{call.format(times=times, count=count)}, others({times * count * others})",
            "inside": [{"called": f"of_{name}:{name}", "file": "", "line": 0}],
            "inputs": [],
            "filters": [],
            "file": str(tree / "test_trial.py"),
        }
        for name, call in CALLS.items()
    ]
    program = PROGRAM.format(worker=str(WORKER_FOLDER), tree=str(tree), orders=orders)
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(CALLS, json.loads(done.stdout), strict=True))


def steady(measure, expected):
    """Return shares, the median of five if the first are not as expected: a machine may pause in one of them."""
    found = [measure()]
    if found[0] != expected:
        found += [measure() for _ in range(4)]
    return {name: statistics.median(each[name] for each in found) for name in CALLS}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.9", "3.12", "3.13"])
def test_the_share_of_a_short_function_is_that_without_watching_it(tmp_path, version):
    python = interpreter(tmp_path, version)
    write(tmp_path, {"others.py": WORK, **{f"of_{name}.py": CODE for name in CALLS}})
    measure = functools.partial(shares, python, tmp_path)
    half = dict.fromkeys(CALLS, pytest.approx(0.5, abs=0.1))
    assert steady(functools.partial(measure, times=10, count=5_000, others=1), half) == half
    # To watch such a call takes longer than the call.
    quarter = dict.fromkeys(CALLS, pytest.approx(0.24, abs=0.14))
    assert steady(functools.partial(measure, times=1_000, count=100, others=4), quarter) == quarter


def test_what_watching_adds_is_subtracted():
    """Four calls of 2 µs, one of them within another one; of the 4 µs that watching adds, 1 µs is inside."""
    seen = WatchedTime(seconds=8e-6 + 3 * 1e-6 + 4e-6, calls=4, resumed=3, nested=1)
    cost = WatchCost(whole=4e-6, inside=1e-6, paused=0.0)
    assert cost.share(seen, watched=36e-6, unwatched=20e-6) == pytest.approx(0.4)
    assert cost.share(seen, watched=36e-6, unwatched=None) == pytest.approx(0.4)
    slower = WatchedTime(seconds=8e-6 + 3 * 2e-6 + 8e-6, calls=4, resumed=3, nested=1)
    assert cost.share(slower, watched=52e-6, unwatched=20e-6) == pytest.approx(0.4)
    assert cost._replace(paused=1e-6).share(seen, watched=36e-6, unwatched=24e-6) == pytest.approx(0.4)
