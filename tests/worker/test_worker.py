"""The plugin and the import timer in real interpreters, over every way to use the `benchmark` fixture."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER, Settings, started
from tasks.errors import MeasuringError
from tests.support.pairs import both, by_key, one_launch, pair

pytestmark = pytest.mark.slow

EVERY_WAY = """
import asyncio
import functools
import pytest
from project import Adder, awork, work

CALLS = []

def test_call(benchmark):
    assert benchmark(work, 10) == 45

def test_keywords(benchmark):
    assert benchmark(work, size=10) == 45

def test_decorator(benchmark):
    @benchmark
    def total():
        return work(10)
    assert total == 45

def test_stats_and_extra_info(benchmark):
    benchmark.group = "sums"
    benchmark.extra_info["size"] = 10
    benchmark(work, 10)
    assert benchmark.stats.stats.mean > 0
    assert benchmark.stats["min"] > 0
    assert benchmark.enabled

@pytest.mark.benchmark(group="sums", disable_gc=True, min_rounds=3)
def test_marker_options(benchmark):
    assert benchmark(work, 10) == 45

@pytest.mark.parametrize("size", [10, 20])
def test_parametrized(benchmark, size):
    assert benchmark(work, size) == size * (size - 1) // 2

class TestClass:
    @pytest.fixture(autouse=True)
    def prepare(self):
        self.size = 10

    def test_method(self, benchmark):
        assert benchmark(work, self.size) == 45

def test_several_calls(benchmark):
    assert benchmark(work, 10) == 45
    assert benchmark(work, 20) == 190

def test_pedantic_iterations(benchmark):
    assert benchmark.pedantic(work, args=(10,), rounds=3, iterations=5, warmup_rounds=2) == 45

def test_pedantic_keywords(benchmark):
    assert benchmark.pedantic(work, kwargs={"size": 10}) == 45

def test_pedantic_setup(benchmark):
    def setup():
        return ([3, 1, 2],), {}
    def sort(values):
        assert values == [3, 1, 2]
        values.sort()
        return values
    assert benchmark.pedantic(sort, setup=setup, rounds=3) == [1, 2, 3]

def test_pedantic_teardown(benchmark):
    torn = []
    benchmark.pedantic(lambda: CALLS.append(1), teardown=lambda: torn.append(1))
    assert len(CALLS) == len(torn) > 2

def test_coroutine_function(benchmark):
    assert benchmark(awork, 10) == 45

def test_lambda_of_coroutine(benchmark):
    assert benchmark(lambda: awork(10)) == 45

def test_coroutine_pedantic(benchmark):
    assert benchmark.pedantic(functools.partial(awork, 10), iterations=2) == 45

def test_own_loop(benchmark):
    assert benchmark(lambda: asyncio.run(awork(10))) == 45

def test_under_a_running_loop(benchmark):
    async def body():
        assert benchmark(work, 10) == 45
        return await benchmark(awork, 20)
    assert asyncio.run(body()) == 190

def test_callable_object(benchmark):
    assert benchmark(Adder(2), 3) == 5

def test_generator(benchmark):
    assert sum(benchmark(lambda: (n for n in range(10)))) == 45

@pytest.mark.codspeed_benchmark
def test_marked_for_codspeed():
    assert work(10) == 45

@pytest.mark.benchmark
def test_marked_for_codeflash():
    assert work(10) == 45

def test_measures_nothing():
    raise AssertionError("is not run")
"""

CODE = """
import asyncio

def work(size=1000):
    return sum(range(size))

async def awork(size=1000):
    await asyncio.sleep(0)
    return work(size)

class Adder:
    def __init__(self, by):
        self.by = by

    def __call__(self, number):
        return number + self.by
"""

KEYS = {
    "test_call",
    "test_keywords",
    "test_decorator",
    "test_stats_and_extra_info",
    "test_marker_options",
    "test_parametrized[10]",
    "test_parametrized[20]",
    "TestClass::test_method",
    "test_several_calls",
    "test_several_calls#2",
    "test_pedantic_iterations",
    "test_pedantic_keywords",
    "test_pedantic_setup",
    "test_pedantic_teardown",
    "test_coroutine_function",
    "test_lambda_of_coroutine",
    "test_coroutine_pedantic",
    "test_own_loop",
    "test_under_a_running_loop",
    "test_under_a_running_loop#2",
    "test_callable_object",
    "test_generator",
    "test_marked_for_codspeed",
    "test_marked_for_codeflash",
}

# What people configure for their own runs and what must not disturb: other processes, options of plugins, strictness.
CONFIGURATION = """
[pytest]
addopts = -n 2 --benchmark-disable --strict-markers --strict-config -p no:benchmark --import-mode=importlib
required_plugins = pytest-xdist
filterwarnings = error
timeout = 0.001
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("configuration", "describe"), [("", False), (CONFIGURATION, True)], ids=["plain", "configured and described"]
)
def test_every_way_to_use_the_fixture_is_measured(tmp_path, configuration, describe):
    files = {
        "src/project/__init__.py": CODE,
        "tests/test_benchmark.py": EVERY_WAY,
        "pytest.ini": configuration or "[pytest]\n",
    }
    record = one_launch(pair(tmp_path, **both(files)), share=0.2, describe=describe)
    measured = by_key(record)
    assert measured.keys() == KEYS
    assert record.complete
    assert all(turn["base"].wall > 0 and turn["head"].wall > 0 for entry in record.calls for turn in entry.turns)
    assert measured["test_pedantic_iterations"].iterations == 5


END = """
import atexit
import pathlib
import sys

atexit.register(lambda: pathlib.Path(__file__).with_name("modules").write_text("\\n".join(sys.modules)))
"""


def test_a_launch_starts_no_program_and_imports_no_hypothesis_for_the_plugins(tmp_path, monkeypatch):
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    for name in ("git", "hg", "file"):
        (programs / name).write_text(f"#!/bin/sh\necho {name} >> {log}\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    request = pair(tmp_path / "pair", base={"tests/conftest.py": END})
    # This Python has plugins that the tests' environments do without.
    request = replace(request, base=replace(request.base, python=Path(sys.executable)))
    with started(request, "base", Settings(seed=1)) as worker:
        worker.collected()
        while worker.advance():
            pass
        worker.leave()
    modules = (tmp_path / "pair/base/tests/modules").read_text().splitlines()
    assert {"pytest_benchmark.session", "_hypothesis_pytestplugin"} <= set(modules)
    assert "hypothesis" not in modules
    assert not log.exists()


ODD_MODULES = """
import os
import sys
import types
import zipfile

HERE = os.path.dirname(__file__)
FILES = ["_ops.py", "<string>", "x" * 5000, "a\\0b", "a\\udcffb.py", HERE, HERE + "/gone.py"]
for number, file in enumerate([*FILES, __file__ + "/inner.py", b"a.py"]):
    sys.modules["project.odd%d" % number] = sys.modules["other%d" % number] = module = types.ModuleType("odd")
    module.__file__ = file
with zipfile.ZipFile(HERE + "/inner.zip", "w") as archive:
    archive.writestr("zipped.py", "")
sys.path.append(HERE + "/inner.zip")
import zipped
exec(compile("def work(size=1000):\\n    return sum(range(size))", "_ops.py", "exec"))
try:
    open("a\\0b")
except ValueError:
    pass
"""


@pytest.mark.parametrize("watch", [True, False])
def test_modules_without_a_file_are_not_the_projects(tmp_path, watch):
    request = pair(tmp_path, head={"src/project/__init__.py": ODD_MODULES})
    with started(request, "head", Settings(seed=1, watch=watch)) as worker:
        worker.collected()
        ready = worker.advance()
        assert {module.path for module in ready.modules} == {"src/project/__init__.py", "tests/test_benchmark.py"}
        assert worker.ask(
            "profile", functions=[], changed=[], without=[], tree=str(tmp_path / "head"), seconds=0.01, sampler="auto"
        )
        assert worker.advance() is None


@pytest.mark.slow
def test_setup_is_not_timed(tmp_path):
    benchmark = """
    import time

    def test_setup(benchmark):
        benchmark.pedantic(time.sleep, setup=lambda: (time.sleep(0.02), ((0.001,), {}))[1])

    def test_awaited(benchmark):
        import asyncio
        benchmark(asyncio.sleep, 0.01)
    """
    measured = by_key(one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}))))
    assert 0.001 <= min(measured["test_setup"].launch("wall").base) < 0.02
    assert min(measured["test_awaited"].launch("wall").head) >= 0.01


def test_the_worker_ends_with_its_coordinator(tmp_path):
    """Nobody reads the pipe any more: the process ends by itself, without the tests being run."""
    (tmp_path / "test_x.py").write_text("def test_x(benchmark):\n    benchmark(open, 'ran', 'w')\n")
    program = f"""
import json, os, subprocess, sys
read, ours = os.pipe()
theirs, write = os.pipe()
os.close(ours), os.close(theirs)
options = dict(version=1, read=read, write=write, packages=[], trees=[], cores=(), stack=None, describe=False, watch=False)
environment = os.environ | dict(PRPREP_WORKER=json.dumps(options), PYTHONPATH={str(WORKER_FOLDER)!r})
command = [sys.executable, "-m", "pytest", "-p", "prprep_worker.benchmark.plugin", "-p", "no:cacheprovider", "test_x.py"]
sys.exit(subprocess.run(command, env=environment, pass_fds=(read, write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert done.returncode == 70
    assert not (tmp_path / "ran").exists()


def test_the_plugin_refuses_to_run_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "prprep_worker.benchmark.plugin"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(WORKER_FOLDER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "only prprep starts prprep_worker" in done.stdout + done.stderr


def test_wrong_use_of_pedantic_fails_as_without_prprep(tmp_path):
    benchmark = """
    def test_both(benchmark):
        benchmark.pedantic(len, args=([],), setup=lambda: (([],), {}))
    """
    with pytest.raises(MeasuringError, match="Can't use `args` or `kwargs` if `setup` returns the arguments") as raised:
        one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})))
    assert raised.value.where == "tests/test_benchmark.py::test_both"


def test_a_frozen_clock_does_not_change_the_times(tmp_path):
    benchmark = """
    import os
    import time

    def test_frozen(benchmark, monkeypatch):
        monkeypatch.setattr(time, "perf_counter_ns", lambda: 0)
        monkeypatch.setattr(os, "read", None)
        assert benchmark(sum, range(100)) == 4950
    """
    record = one_launch(pair(tmp_path, **both({"tests/test_benchmark.py": benchmark})))
    assert min(record.calls[0].launch("wall").base) > 0
