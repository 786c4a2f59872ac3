"""Mistakes in how `codeflash compare` measures, reproduced and numbered; prprep makes none of them.

22 has no counterpart: no mode times a script. Submodules, of 23, are not covered yet.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts import MetricName
from tasks.pipeline import STAGES
from tests.support.mistakes import (
    BENCHMARK,
    CODE,
    HEAVY,
    MEASURES,
    PYPROJECT,
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
from tests.support.projects import FLIT, SETUPTOOLS
from tests.support.untouched import untouched
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow(1.5)

NAMES = [stage.name for stage in STAGES]

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
    total = 0
    for number in range(10):
        try:
            total += picky(number)
        except ValueError:
            pass
    return total


def step(value):
    {steps}
    return value


def often():
    for number in range(20_000):
        step(number)
    return number


def words():
    texts = [None] * {count}
    for number in range({count}):
        texts[number] = str(100_000 + number)
    return len(texts)
"""
SLOWLY = EVERY.replace(
    "sum({lists})\n\n\ndef tol", "sum([list(range(200)) for _ in range(20)][0])\n\n\ndef tol"
).format(lists="[list(range(size)) for _ in range(20)][0]", steps="\n    ".join(["value += 1"] * 12), count=3000)
QUICKLY = EVERY.replace("sum({lists})\n\n\ndef tol", "sum(range(200))\n\n\ndef tol").format(
    lists="range(size)", steps="value += 12", count=3090
)
WAYS = """
import json
import os
import sys

import pytest

from textkit import awaited, numbers, often, picky, tolerant, total, words

LOG = os.open({log!r}, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
WATCHING = {{"memray", "coverage", *("prprep_worker." + name for name in ("profiling.functions", "profiling.instructions", "memory.tracking", "inputs.trying", "benchmark.watch"))}}


def unchanged(size):
    return sum(list(range(size)))


def watched():
    monitoring = getattr(sys, "monitoring", None)
    tools = [monitoring.get_tool(number) for number in range(6)] if monitoring else []
    watchers = [sys.gettrace(), sys.getprofile(), *tools, *sorted(WATCHING & set(sys.modules))]
    record = [sys._getframe(1).f_code.co_name, [str(each) for each in watchers if each is not None]]
    os.write(LOG, (json.dumps(record) + "\\n").encode())


def test_words_first(benchmark):
    benchmark(words)


def test_fill(benchmark):
    benchmark(lambda: len([object() for _ in range(40_000)]))


def test_words_later(benchmark):
    benchmark(words)


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
    assert benchmark(tolerant) == 9 * 19_900


def test_often(benchmark):
    assert benchmark(often) == 19_999


def test_watched(benchmark):
    benchmark(watched)
"""
TESTS = (
    "test_words_first",
    "test_fill",
    "test_words_later",
    "TestInAClass::test_total",
    *map(
        "test_{}".format,
        ("total", "pedantic", "marked", "twice", "awaited", "generator", "raising", "often", "watched"),
    ),
)


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """Measure time and memory of every way, with an empty home; return the run, the home and what the calls saw."""
    folder = tmp_path_factory.mktemp("every")
    log = folder / "log.jsonl"
    base = {CODE: SLOWLY, BENCHMARK: None, FILE: WAYS.format(log=str(log))}
    repo = target(folder, base, {CODE: QUICKLY})
    (folder / "home").mkdir()
    uv = subprocess.run(
        [sys.executable, "-m", "uv", "cache", "dir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    with untouched(repo.path):
        run = compare(
            repo, item(metrics=["time", "memory"], benchmark=FILE), HOME=str(folder / "home"), UV_CACHE_DIR=uv
        )
    assert run.code == 0, run.output
    return run, folder / "home", [json.loads(line) for line in log.read_text().splitlines()]


def way(name):
    return f"{FILE}::{name}"


def test_14_every_way_of_pytest_benchmark_is_measured(every):
    """It lost the tests that use `pedantic` or `extra_info`, with exit code 0."""
    comparison = every[0].comparison()
    assert comparison.tests == tuple(map(way, TESTS))
    for name in ("test_pedantic", "test_marked"):
        assert is_improved(comparison, MetricName.TIME, way(name))
        assert is_improved(comparison, MetricName.PEAK, way(name))


def test_15_two_calls_in_one_test_are_measured_separately(every):
    """It merged the rounds of all calls in a test into one set."""
    comparison = every[0].comparison()
    assert is_improved(comparison, MetricName.PEAK, way("test_twice"))
    assert change(comparison, MetricName.PEAK, way("test_twice#2")).interval.ratio == 1.0


def shares(run, test, function):
    (share,) = [
        each for each in run.comparison().functions if (each.test, each.function) == (way(test), f"textkit:{function}")
    ]
    return share.base, share.head


@pytest.mark.parametrize(
    ("test", "function", "calls"),
    [("test_awaited", "awaited", 1), ("test_generator", "numbers", 1), ("test_raising", "picky", 10)],
)
def test_16_coroutines_generators_and_errors_are_measured_to_their_end(every, test, function, calls):
    """It timed only the creation of coroutines and generators, and stopped tracing a function that raised once."""
    run = every[0]
    assert is_improved(run.comparison(), MetricName.TIME, way(test))
    assert is_improved(run.comparison(), MetricName.PEAK, way(test))
    base, head = shares(run, test, function)
    assert base.calls == head.calls == calls
    # If only its creation were timed it would be next to nothing; on a busy machine the samples are few.
    assert base.share > 0.5


def test_21_every_test_has_its_memory_next_to_its_time(every):
    """It stored the memory of tests in classes and in folders with `-` under another name, and of failed tests as `0 B`."""
    run = every[0]
    metrics = {}
    for each in run.comparison().changes:
        metrics.setdefault(each.test, set()).add(each.metric)
        assert each.metric is not MetricName.PEAK or each.base > 0
    assert metrics.keys() == {*map(way, TESTS), way("test_twice#2")}
    assert {frozenset(names) for names in metrics.values()} == {
        frozenset({MetricName.TIME, MetricName.CPU, MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED})
    }
    headings = [line for line in run.body().splitlines() if line.startswith("### ")]
    assert len(headings) == len(set(headings)) == len(metrics)


# -- overheads --------------------------------------------------------------------------------------


def test_overhead_timed_code_is_not_instrumented(every):
    """It wrapped the measured functions while timing them, at 2 to 15 µs a call."""
    records = every[2]
    # The step before measuring looks at the benchmark, too: nothing of it is a sample.
    timed = [
        watchers
        for caller, watchers in records
        if caller == "_make_calls" and "prprep_worker.benchmark.watch" not in watchers
    ]
    assert len(timed) > 100
    # The first launch, which takes no samples, describes what functions return and asks which inputs can be varied,
    # with the same modules; a profiler at work would be listed itself.
    allowed = {"prprep_worker.profiling.functions", "prprep_worker.inputs.trying"}
    assert {name for watchers in timed for name in watchers} <= allowed
    # The passes that do watch are recorded: the list above would not be empty if one of them were timed.
    assert {"memray", "prprep_worker.profiling.functions"} <= {
        name for caller, watchers in records if caller != "_make_calls" for name in watchers
    }


def test_overhead_a_speedup_of_many_calls_is_shown_in_full(every):
    """It showed a true five-fold speed-up of a helper that is called 20,000 times as 0.93x to 1.35x."""
    shown = change(every[0].comparison(), MetricName.TIME, way("test_often"))
    assert shown.interval.high < 0.5
    assert shown.head / shown.base == pytest.approx(shown.interval.ratio)
    assert shares(every[0], "test_often", "step")[0].calls == 20_000


def test_overhead_no_time_is_impossibly_short(every):
    """It subtracted an estimate of its own cost from every sample: the smallest was a third of what is possible."""
    for measurement in every[0].samples().measurements:
        if measurement.metric is MetricName.TIME:
            assert all(
                value > 0
                for launch in measurement.launches
                for side in (launch.base, launch.head, launch.control)
                for value in side
            )


def test_overhead_nothing_is_left_in_the_home(every):
    """It wrote the arguments of every call into a database in the user's configuration folder: 166 MB."""
    assert [path for path in every[1].rglob("*") if path.is_file()] == []


def test_overhead_nothing_is_left_next_to_the_manifest(every):
    """It wrote the arguments of every call into a database in the user's configuration folder: 166 MB."""
    assert sorted(path.name for path in every[0].folder.iterdir()) == [".codeflash", ".prprep", "prprep.yaml"]


def test_aa_a_control_of_identical_code_is_shown_with_the_effect(every):
    """It showed identical code as 0.57x to 1.75x, without a warning."""
    timed = [each for each in every[0].comparison().changes if each.metric is MetricName.TIME]
    assert all(each.control and 0.5 < each.control.ratio < 2 for each in timed)
    assert "control" in every[0].body().lower()


def test_overhead_memory_does_not_depend_on_the_order_of_tests(every):
    """It showed 3 % more memory as 96 % less or as 33 times as much, depending on how full pymalloc's arenas were."""
    comparison = every[0].comparison()
    for name in ("test_words_first", "test_words_later"):
        assert 1.028 < change(comparison, MetricName.PEAK, way(name)).interval.ratio < 1.032


# -- time limits, signals, two at once ---------------------------------------------------------------


def test_17_a_time_limit_keeps_what_was_measured(tmp_path):
    """It wrote its rounds at the end: at the time limit everything was lost."""
    waiting = HEAVY.replace("def", "import time\n\n\ndef", 1).replace("    return", "    time.sleep(0.02)\n    return")
    repo = target(tmp_path, {CODE: waiting}, {CODE: waiting.replace("range(20)", "range(4 * 5)")})
    run = compare(repo, item(metrics="time", timeout=6, budget=9, negligible=0))
    assert run.code == 0, run.output
    (timed,) = [each for each in run.samples().measurements if each.metric is MetricName.TIME]
    assert timed.stopped == "timeout"
    assert timed.launches
    assert "The time limit ended measuring early; what was complete by then is used." in run.body()


class PausedBenchmark:
    """A repository whose benchmark writes its process ids and waits until `resume`; its runs end with the test."""

    def __init__(self, folder):
        self._paused, self._pids, self._runs = folder / "paused", folder / "pids", []
        self._mark = f"SUITE_MARK={folder}"
        writing = f"import os\nimport time\n\nwith open({str(self._pids)!r}, 'a') as pids:\n    pids.write(f'{{os.getpid()}}\\n')\n"
        waiting = f"(benchmark):\n    while os.path.exists({str(self._paused)!r}):\n        time.sleep(0.05)\n"
        self.repo = target(folder, {BENCHMARK: writing + MEASURES.replace("(benchmark):\n", waiting)})
        assert compare(self.repo, stages=("lint",)).code == 0
        self._paused.touch()

    def start(self, name="work"):
        """Start a run in a folder; all its processes have a mark in their environment."""
        self._pids.unlink(missing_ok=True)
        variable, _, value = self._mark.partition("=")
        folder, streams = (
            manifest(self.repo, item(), name=name),
            {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True},
        )
        env = variables_of({variable: value})
        self._runs.append(subprocess.Popen(command(), cwd=folder, env=env, start_new_session=True, **streams))
        return self._runs[-1]

    def pids(self):
        """Wait until the benchmark runs on both sides, and return its process ids."""
        assert wait_for(lambda: self._pids.exists() and len(self._pids.read_text().split()) >= 2)
        return self._pids.read_text().split()

    def marked(self):
        """Return the ids of all processes that the runs started and that have not ended."""
        return [
            process.name for process in Path("/proc").iterdir() if process.name.isdigit() and self._is_mine(process)
        ]

    def _is_mine(self, process):
        try:
            return self._mark.encode() in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def resume(self):
        self._paused.unlink(missing_ok=True)

    def end(self):
        self.resume()
        for run in self._runs:
            run.kill()
            run.communicate()


@pytest.fixture
def paused(tmp_path):
    benchmark = PausedBenchmark(tmp_path)
    yield benchmark
    benchmark.end()


def test_18_a_killed_run_leaves_nothing_and_continues(paused):
    """It left worktrees, a database and a running pytest behind, and the next run did not clean up."""
    with untouched(paused.repo.path):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
            running = paused.start()
            assert {*paused.pids(), str(running.pid)} <= {*paused.marked()}
            running.send_signal(number)
            output = running.communicate(timeout=60)[0]
            assert (running.returncode, "Traceback" in output) == (code, False), output
            assert wait_for(lambda: not paused.marked()), number
        paused.resume()
        state = paused.repo.path.parent / "work/.prprep/faster"
        done = {stage for stage in NAMES if (state / f"{stage}.json").exists()}
        run = compare(paused.repo)
    assert is_improved(run.comparison())
    assert done >= {*NAMES[: NAMES.index("measure")]}
    executed = {line.split()[1] for line in run.output.splitlines() if line.startswith(".  ")}
    assert executed - {"report"} == {f"{stage}:faster" for stage in {*NAMES} - done}


def test_19_two_runs_at_once_do_not_disturb_each_other(paused):
    """It used one folder for both: one crashed and removed the base of the other, which ended with exit code 0."""
    one = paused.start()
    paused.pids()
    other, refused = paused.start("other"), compare(paused.repo)
    paused.resume()
    outputs = [run.communicate(timeout=120)[0] for run in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), outputs
    assert refused.code == 3
    assert "another prprep is at work in this folder" in refused.output
    assert f"wait until process {one.pid} has ended" in refused.output
    assert "\n.  " not in refused.output
    for name in ("work", "other"):
        assert is_improved(Run(paused.repo.path.parent / name, 0, "").comparison())


# -- environments -----------------------------------------------------------------------------------

BUILT = """
from pathlib import Path

from setuptools import setup

Path("textkit/_built.py").write_text("TIMES = " + Path("times.txt").read_text())
setup()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Measure sides that generate another module when they are built, and ask for another release of a package."""
    code = HEAVY.replace("range(20)", "range(TIMES)").replace("def", "from textkit._built import TIMES\n\n\ndef", 1)
    pyproject = PYPROJECT.replace(FLIT, SETUPTOOLS) + 'dependencies = ["idna=={}"]\n'
    base = {
        "pyproject.toml": pyproject.format("3.9"),
        "setup.py": BUILT,
        "times.txt": "20\n",
        ".gitignore": "_built.py\n*.egg-info\nbuild\n",
        CODE: code,
        BENCHMARK: "import idna\n" + MEASURES,
    }
    head = {"times.txt": "1\n", "pyproject.toml": pyproject.format("3.10")}
    repo = target(tmp_path_factory.mktemp("built"), base, head)
    repo.write({"textkit/_built.py": "TIMES = 5\n"})
    with untouched(repo.path):
        return repo, compare(repo)


def test_23_each_side_has_a_build_of_its_own(built):
    """It had no build products in its worktrees, and one environment for both refs."""
    repo, run = built
    comparison = run.comparison()
    assert measures_its_own_trees(repo, comparison, besides=("textkit/_built.py",))
    products = [
        {module.blob for module in side.modules if module.name == "textkit._built"}
        for side in (comparison.base, comparison.head)
    ]
    assert [len(blobs) for blobs in products] == [1, 1]
    assert products[0] != products[1]
    assert is_improved(comparison)


def test_23_each_side_has_the_dependencies_of_its_own_commit(built):
    """It had one environment for both refs, the caller's."""
    _, run = built
    assert "idna==3.9" in run.comparison().base.packages
    assert "idna==3.10" in run.comparison().head.packages
    assert "The environments differ, as the commits ask for it: idna 3.9 → 3.10." in run.body()
