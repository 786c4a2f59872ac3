"""How it was measured: mistakes of `codeflash compare` that were made to happen, by their numbers; prprep makes none of them.

22 has no counterpart: there is no mode that times a script. Submodules, of 23, are not looked at yet.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.artifacts import MetricName
from tests.support.mistakes import (
    BENCHMARK,
    CODE,
    HEAVY,
    MEASURES,
    PYPROJECT,
    TEST,
    Run,
    change,
    command,
    compare,
    is_improved,
    item,
    manifest,
    measures_its_own_trees,
    target,
    variables_of,
)
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow

# -- one file with every way of measuring -----------------------------------------------------------

FILE = "tests/bench-marks/test_every-way.py"
EVERY = """
def total(size):
    return sum({lists})


async def awaited(size):
    return sum({lists})


def numbers(size):
    yield from {lists}


def picky(number):
    if number == 0:
        raise ValueError(number)
    return sum({lists})


def tolerant():
    found = 0
    for number in range(10):
        try:
            found += picky(number)
        except ValueError:
            pass
    return found


def step(value):
    {steps}
    return value


def often():
    for number in range(20_000):
        step(number)
    return number
"""
SLOWLY = EVERY.replace(
    "sum({lists})\n\n\ndef tol", "sum([list(range(1000)) for _ in range(20)][0])\n\n\ndef tol"
).format(lists="[list(range(size)) for _ in range(20)][0]", steps="\n    ".join(["value += 1"] * 12))
QUICKLY = EVERY.replace("sum({lists})\n\n\ndef tol", "sum(range(1000))\n\n\ndef tol").format(
    lists="range(size)", steps="value += 12"
)
WAYS = """
import json
import os
import sys

import pytest

from textkit import awaited, numbers, often, picky, tolerant, total

SEEN = os.open({seen!r}, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
WATCHING = {{"memray", "coverage", *("prprep_worker." + name for name in ("profiling.functions", "profiling.instructions", "memory.tracking", "inputs.trying", "benchmark.watch"))}}


def unchanged(size):
    return sum(list(range(size)))


def watched():
    monitoring = getattr(sys, "monitoring", None)
    tools = [monitoring.get_tool(number) for number in range(6)] if monitoring else []
    found = [sys.gettrace(), sys.getprofile(), *tools, *sorted(WATCHING & set(sys.modules))]
    told = [sys._getframe(1).f_code.co_name, [str(each) for each in found if each is not None]]
    os.write(SEEN, (json.dumps(told) + "\\n").encode())


class TestInAClass:
    def test_total(self, benchmark):
        assert benchmark(total, 1000) == 499_500


def test_total(benchmark):
    assert benchmark(total, 1000) == 499_500


def test_pedantic(benchmark):
    benchmark.extra_info["size"] = 1000
    assert benchmark.pedantic(total, args=(1000,), rounds=3, iterations=2, warmup_rounds=1) == 499_500


@pytest.mark.benchmark(group="sums", min_rounds=7, warmup=False)
def test_marked(benchmark):
    assert benchmark(total, 1000) == 499_500


def test_twice(benchmark):
    assert benchmark(total, 1000) == 499_500
    assert benchmark(unchanged, 1000) == 499_500


def test_awaited(benchmark):
    assert benchmark(awaited, 1000) == 499_500


def test_generator(benchmark):
    assert benchmark(lambda: sum(numbers(1000))) == 499_500


def test_raising(benchmark):
    assert benchmark(tolerant) == 9 * 499_500


def test_often(benchmark):
    assert benchmark(often) == 19_999


def test_watched(benchmark):
    benchmark(watched)
"""
TESTS = (
    "TestInAClass::test_total",
    *map(
        "test_{}".format,
        ("total", "pedantic", "marked", "twice", "awaited", "generator", "raising", "often", "watched"),
    ),
)


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """Measure time and memory of every way, from a home of its own; give the run, the home and what the calls saw."""
    folder = tmp_path_factory.mktemp("every")
    seen = folder / "seen.jsonl"
    base = {CODE: SLOWLY, BENCHMARK: None, FILE: WAYS.format(seen=str(seen))}
    repo = target(folder, base, {CODE: QUICKLY})
    (folder / "home").mkdir()
    uv = subprocess.run(
        [sys.executable, "-m", "uv", "cache", "dir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    with untouched(repo.path):
        run = compare(
            repo, item(metrics=["time", "memory"], benchmark=FILE), HOME=str(folder / "home"), UV_CACHE_DIR=uv
        )
    assert run.code == 0, run.told
    return run, folder / "home", [json.loads(line) for line in seen.read_text().splitlines()]


def way(name):
    return f"{FILE}::{name}"


def test_14_every_way_of_pytest_benchmark_is_measured(every):
    """It lost the tests that use `pedantic` or `extra_info`, with exit code 0."""
    comparison = every[0].comparison()
    assert comparison.tests == tuple(map(way, TESTS))
    for name in ("test_pedantic", "test_marked"):
        assert is_improved(comparison, MetricName.TIME, way(name))
        assert is_improved(comparison, MetricName.PEAK, way(name))


def test_15_two_calls_in_one_test_are_kept_apart(every):
    """It pooled the rounds of all calls in a test into one set."""
    comparison = every[0].comparison()
    assert is_improved(comparison, MetricName.PEAK, way("test_twice"))
    assert change(comparison, MetricName.PEAK, way("test_twice#2")).interval.ratio == 1.0


def shares(run, test, function):
    (found,) = [
        each for each in run.comparison().functions if (each.test, each.function) == (way(test), f"textkit:{function}")
    ]
    return found.base, found.head


@pytest.mark.parametrize(
    ("test", "function", "calls"),
    [("test_awaited", "awaited", 1), ("test_generator", "numbers", 1), ("test_raising", "picky", 10)],
)
def test_16_what_is_awaited_generated_or_raises_is_measured_to_its_end(every, test, function, calls):
    """It timed the making of coroutines and generators alone, and traced no function again that once had raised."""
    run = every[0]
    assert is_improved(run.comparison(), MetricName.TIME, way(test))
    assert is_improved(run.comparison(), MetricName.PEAK, way(test))
    base, head = shares(run, test, function)
    assert base.calls == head.calls == calls
    assert base.share > 0.8


def test_21_every_test_has_its_memory_beside_its_time(every):
    """It filed the memory of tests in classes, and below folders with `-`, under another name, and failed tests as `0 B`."""
    run = every[0]
    metrics = {}
    for each in run.comparison().changes:
        metrics.setdefault(each.test, set()).add(each.metric)
        assert each.metric is not MetricName.PEAK or each.base.minimum > 0
    assert metrics.keys() == {*map(way, TESTS), way("test_twice#2")}
    assert {frozenset(found) for found in metrics.values()} == {
        frozenset({MetricName.TIME, MetricName.CPU, MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED})
    }
    headings = [line for line in run.body().splitlines() if line.startswith("### ")]
    assert len(headings) == len(set(headings)) == len(metrics)


# -- overheads --------------------------------------------------------------------------------------


def test_overhead_nothing_that_is_timed_is_instrumented(every):
    """It wrapped the measured functions while they were timed, at 2 to 15 µs a call."""
    told = every[2]
    # The step before measuring looks at the benchmark, too: nothing of it is a sample.
    timed = [
        found for caller, found in told if caller == "_make_calls" and "prprep_worker.benchmark.watch" not in found
    ]
    assert len(timed) > 100
    assert not any(timed)
    # The passes that do watch were seen to: the list would not be empty if one of them were timed.
    assert {"memray", "prprep_worker.profiling.functions"} <= {
        name for caller, found in told if caller != "_make_calls" for name in found
    }


def test_overhead_a_true_speedup_through_many_calls_is_shown_whole(every):
    """It showed a true five-fold speed-up of a helper that is called 20,000 times as 0.93x to 1.35x."""
    shown = change(every[0].comparison(), MetricName.TIME, way("test_often"))
    assert shown.interval.high < 0.5
    assert shown.head.minimum / shown.base.minimum < 0.5
    assert shares(every[0], "test_often", "step")[0].calls == 20_000


def test_overhead_no_time_is_below_what_is_possible(every):
    """It took an estimate of its own cost off every sample: the smallest came out as a third of what is possible."""
    for measurement in every[0].samples().measurements:
        if measurement.metric is MetricName.TIME:
            assert all(
                value > 0
                for launch in measurement.launches
                for side in (launch.base, launch.head, launch.control)
                for value in side
            )
    for each in every[0].comparison().changes:
        for side in (each.base, each.head):
            assert 0 <= side.minimum <= min(side.median, side.mean)


def test_overhead_nothing_is_left_in_the_home(every):
    """It wrote the arguments of every call into a database in the user's configuration folder: 166 MB."""
    assert [path for path in every[1].rglob("*") if path.is_file()] == []


def test_overhead_nothing_is_left_beside_the_manifest(every):
    """It wrote the arguments of every call into a database in the user's configuration folder: 166 MB."""
    assert sorted(path.name for path in every[0].folder.iterdir()) == [".codeflash", ".prprep", "prprep.yaml"]


def test_aa_a_control_of_identical_code_stands_beside_the_effect(every):
    """It showed identical code as 0.57x to 1.75x, and nothing that would have told."""
    timed = [each for each in every[0].comparison().changes if each.metric is MetricName.TIME]
    assert all(each.control and 0.5 < each.control.ratio < 2 for each in timed)
    assert "control" in every[0].body().lower()


WORDS = """
COUNT = {}


def words():
    found = [None] * COUNT
    for number in range(COUNT):
        found[number] = str(100_000 + number)
    return len(found)


def fill():
    return len([object() for _ in range(40_000)])
"""
ORDER = """
from textkit import fill, words


def test_{first}(benchmark):
    assert benchmark({first})


def test_{second}(benchmark):
    assert benchmark({second})
"""


def test_overhead_memory_does_not_hang_on_the_order_of_tests(tmp_path):
    """It showed the same 3 % more memory as 96 % less or as 33 times as much, as pymalloc's arenas happened to be filled."""
    names = ("fill", "words")
    ordered = {
        f"tests/benchmarks/test_{one}_first.py": ORDER.format(first=one, second=other)
        for one, other in (names, names[::-1])
    }
    repo = target(tmp_path, {CODE: WORDS.format(3000), BENCHMARK: None, **ordered}, {CODE: WORDS.format(3090)})
    run = compare(repo, *(item(id=Path(path).stem, benchmark=path) for path in ordered))
    shown = [change(run.comparison(Path(path).stem), test=f"{path}::test_words").interval.ratio for path in ordered]
    assert all(1.028 < ratio < 1.032 for ratio in shown)


# -- time limits, signals, two at once ---------------------------------------------------------------


def test_17_a_time_limit_keeps_what_was_measured(tmp_path):
    """It wrote its rounds when all was over: at the time limit everything was lost."""
    repo = target(tmp_path, head={CODE: HEAVY + "\n\nOTHER = 1\n"})
    run = compare(repo, item(metrics="time", timeout=12, budget=600, negligible=0))
    assert run.code == 0, run.told
    (timed,) = [each for each in run.samples().measurements if each.metric is MetricName.TIME]
    assert timed.stopped == "timeout"
    assert timed.launches
    assert "The time limit ended measuring early; what was complete by then is used." in run.body()


class Held:
    """A repository whose benchmark tells its process ids and waits, until it is let go; what was begun on it ends with the test."""

    def __init__(self, folder):
        self._hold, self._pids, self._begun = folder / "hold", folder / "pids", []
        telling = f"import os\nimport time\n\nwith open({str(self._pids)!r}, 'a') as told:\n    told.write(f'{{os.getpid()}}\\n')\n"
        waiting = f"(benchmark):\n    while os.path.exists({str(self._hold)!r}):\n        time.sleep(0.05)\n"
        self.repo = target(folder, {BENCHMARK: telling + MEASURES.replace("(benchmark):\n", waiting)})

    def begin(self, name="work"):
        """Begin a run in a folder; the first one has nothing left to do but to measure."""
        if not self._begun:
            assert compare(self.repo, stages=("lint",)).code == 0
            self._pids.unlink()
            self._hold.touch()
        folder, streams = (
            manifest(self.repo, item(), name=name),
            {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True},
        )
        self._begun.append(
            subprocess.Popen(command(), cwd=folder, env=variables_of({}), start_new_session=True, **streams)
        )
        return self._begun[-1]

    def pids(self):
        """Wait until the benchmark runs on both sides, and give its process ids."""
        assert wait_for(lambda: self._pids.exists() and len(self._pids.read_text().split()) >= 2)
        return self._pids.read_text().split()

    def let_go(self):
        self._hold.unlink(missing_ok=True)

    def end(self):
        self.let_go()
        for begun in self._begun:
            begun.kill()
            begun.communicate()


@pytest.fixture
def held(tmp_path):
    made = Held(tmp_path)
    yield made
    made.end()


def wait_for(condition):
    for _ in range(1200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_18_nothing_is_left_by_a_run_that_was_ended(held, number):
    """It left worktrees, a database and a running pytest behind, and the next run did not clean up."""
    with untouched(held.repo.path):
        running = held.begin()
        pids = held.pids()
        assert not any(map(is_gone, pids))
        os.kill(running.pid, number)
        running.communicate(timeout=60)
        assert running.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
        assert wait_for(lambda: all(map(is_gone, pids)))
        held.let_go()
        run = compare(held.repo)
    assert is_improved(run.comparison())
    assert "\n-- lint:faster\n.  measure:faster\n" in run.told


def test_19_two_at_once_do_not_disturb_each_other(held):
    """It used one folder for both: one died of it, and took the other's base along, which ended with exit code 0."""
    one = held.begin()
    held.pids()
    other, refused = held.begin("other"), compare(held.repo)
    held.let_go()
    told = [each.communicate(timeout=120)[0] for each in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), told
    assert refused.code == 3
    assert f"wait until process {one.pid} has ended" in refused.told
    for name in ("work", "other"):
        assert is_improved(Run(held.repo.path.parent / name, 0, "").comparison())


# -- environments -----------------------------------------------------------------------------------

BUILT = """
from pathlib import Path

from setuptools import setup

Path("textkit/_built.py").write_text("TIMES = " + Path("times.txt").read_text())
setup()
"""


def test_23_what_a_build_makes_is_made_for_each_side(tmp_path):
    """It had no build products in its worktrees, and one environment for both refs."""
    code = HEAVY.replace("range(20)", "range(TIMES)").replace("def", "from textkit._built import TIMES\n\n\ndef", 1)
    base = {
        "pyproject.toml": PYPROJECT,
        "setup.py": BUILT,
        "times.txt": "20\n",
        ".gitignore": "_built.py\n*.egg-info\nbuild\n",
        CODE: code,
    }
    repo = target(tmp_path, base, {"times.txt": "1\n"})
    repo.write({"textkit/_built.py": "TIMES = 5\n"})
    with untouched(repo.path):
        comparison = compare(repo).comparison()
    assert measures_its_own_trees(repo, comparison, besides=("textkit/_built.py",))
    built = [
        {module.blob for module in side.modules if module.name == "textkit._built"}
        for side in (comparison.base, comparison.head)
    ]
    assert [len(blobs) for blobs in built] == [1, 1]
    assert built[0] != built[1]
    assert is_improved(comparison)


def test_23_each_side_has_the_dependencies_of_its_own_commit(tmp_path):
    """It had one environment for both refs, that of whoever ran it."""
    asked = PYPROJECT + 'dependencies = ["idna=={}"]\n'
    benchmark = "import idna\n" + MEASURES
    repo = target(
        tmp_path,
        {"pyproject.toml": asked.format("3.9"), BENCHMARK: benchmark},
        {"pyproject.toml": asked.format("3.10")},
    )
    run = compare(repo)
    comparison = run.comparison()
    assert "idna==3.9" in comparison.base.packages
    assert "idna==3.10" in comparison.head.packages
    assert "The environments differ, as the commits ask for it: idna 3.9 → 3.10." in run.body()
    assert change(comparison, test=TEST).interval.ratio == 1.0
