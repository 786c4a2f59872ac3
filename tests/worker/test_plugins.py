"""The worker with other Pythons, next to plugins that run, trace and reorder tests."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.artifacts import MetricName
from tasks.bench.measuring import measure
from tasks.bench.memory import memory
from tasks.bench.observing.watching import watch
from tasks.bench.outputs import exploration
from tasks.bench.time import functions, timing
from tasks.processes.progress import silent
from tests.support.pairs import both, pair
from tests.support.pythons import environment

pytestmark = pytest.mark.slow(0.5)

PLUGINS = (
    "pytest-asyncio",
    "anyio",
    "pytest-codspeed",
    "pytest-xdist",
    "pytest-cov",
    "pytest-randomly",
    "pytest-timeout",
    "pytest-rerunfailures",
)
TOOLS = ("pytest", "pytest-benchmark", "memray")

CODE = """
import asyncio


def work(size):
    return len([list(range(10)) for _ in range(size)])


async def awork(size):
    await asyncio.sleep(0)
    return work(size)
"""
TESTS = """
import pytest

from project import awork, work


def test_plain(benchmark):
    assert benchmark(work, 2000) == 2000


@pytest.mark.asyncio
async def test_asyncio(benchmark):
    assert await benchmark(awork, 2000) == 2000


@pytest.mark.asyncio
async def test_function_under_a_loop(benchmark):
    assert benchmark(work, 2000) == 2000


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_anyio(benchmark):
    assert await benchmark(awork, 2000) == 2000


@pytest.mark.benchmark
def test_marked():
    assert work(2000) == 2000


@pytest.mark.codspeed_benchmark
def test_marked_for_codspeed():
    assert work(2000) == 2000


@pytest.mark.flaky(reruns=5)
@pytest.mark.timeout(0.001)
def test_with_other_markers(benchmark):
    assert benchmark(work, 2000) == 2000
"""
CONFTEST = """
import pytest

try:
    import pytest_codspeed_that_is_not_installed
except ImportError:
    @pytest.fixture
    def benchmark():
        return lambda function, *arguments: function(*arguments)
"""
KEYS = (
    "test_plain",
    "test_asyncio",
    "test_function_under_a_loop",
    "test_anyio[asyncio]",
    "test_marked",
    "test_marked_for_codspeed",
    "test_with_other_markers",
)
CONFIGURATION = """
[pytest]
addopts = -n 2 --cov=project --randomly-seed=7 --codspeed --benchmark-disable --reruns=2 --strict-markers --strict-config
"""
FILES = {
    "src/project/__init__.py": CODE,
    "tests/test_benchmark.py": TESTS,
    "tests/conftest.py": CONFTEST,
    "pytest.ini": CONFIGURATION,
}


@pytest.fixture(params=["3.9", "3.13", "3.14"], scope="module")
def python(request, tmp_path_factory):
    python = environment(request.param, *TOOLS, *PLUGINS)
    # This leaves compiled files, which the first launches would write all at the same time.
    subprocess.run([python, "-m", "pytest", "-VV"], check=True, capture_output=True)
    return python


def measured(folder: Path, python: Path, **settings):
    asked = pair(
        folder,
        **both(FILES),
        **settings,
    )
    return measure(replace(asked, base=replace(asked.base, python=python), head=replace(asked.head, python=python)))


def test_every_test_is_measured_with_any_plugins(tmp_path, python, monkeypatch):
    monkeypatch.setattr(timing, "LOOKS", (2,))  # launches of each side
    monkeypatch.setattr(memory, "REPEATS", 1)
    monkeypatch.setattr(exploration, "INPUTS", 10)
    monkeypatch.setattr(exploration, "EDGES", 5)
    monkeypatch.setattr(functions, "LEAST_SECONDS", 0.02)
    settings = {"metrics": ("time", "memory"), "budget": 0.3, "timeout": 60}
    measurement = measured(tmp_path / "first", python, **settings)
    if measurement.unmeasured:  # on a busy machine two launches may not have a single turn that can be used
        measurement = measured(tmp_path / "again", python, **settings)
    names = {
        metric: [each.test.rpartition("::")[2] for each in measurement.measurements if each.metric is metric]
        for metric in MetricName
    }
    assert names[MetricName.PEAK] == list(KEYS)
    assert names[MetricName.TIME] == list(KEYS)
    assert measurement.unmeasured == ()
    for each in measurement.measurements:
        if each.metric in (MetricName.TIME, MetricName.PEAK):
            assert all(value > 0 for launch in each.launches for value in (*launch.base, *launch.head))
    nothing_returned = {"test_marked", "test_marked_for_codspeed"}
    assert {
        output.test.rpartition("::")[2] for output in measurement.outputs if output.verdict != "equal"
    } == nothing_returned
    assert {output.verdict for output in measurement.outputs} == {"equal", "not comparable"}


WATCHED = """
import project
from project import squares, total

NUMBERS = list(range(2000))


class FakeSource:
    def read(self, size):
        _buffer = bytearray(3_000_000)
        return []


def test_drains(benchmark):
    numbers = list(range(2000))
    benchmark(lambda: numbers.clear())


def test_lazy(benchmark):
    benchmark(squares, NUMBERS)


def test_fake(benchmark, monkeypatch):
    monkeypatch.setattr(project, "SOURCE", FakeSource())
    benchmark(total, 10)


def test_pedantic(benchmark):
    benchmark.pedantic(sorted, setup=lambda: ((list(NUMBERS),), {}), rounds=3)
"""
SOURCES = """
class Source:
    def read(self, size: int) -> bytes:
        return bytes(size)


SOURCE = Source()


def squares(numbers):
    for number in numbers:
        yield number * number


def total(size):
    text = SOURCE.read(size)
    if size < 5:
        return 0
    return sum(text)
"""


def test_doubtful_benchmarks_are_reported(tmp_path, python):
    asked = pair(tmp_path, **both({"src/project/__init__.py": SOURCES, "tests/test_benchmark.py": WATCHED}))
    asked = replace(asked, head=replace(asked.head, python=python))
    lines = {"src/project/__init__.py": tuple(range(14, 19))}
    seen = {each.key.rpartition("::")[2]: each for each in watch(asked, "head", lines=lines, report=silent).calls}
    assert {name: each.changed for name, each in seen.items() if each.changed} == {"test_drains": ("numbers",)}
    assert {name for name, each in seen.items() if each.lazy} == {"test_lazy"}
    (substitute,) = seen["test_fake"].substitutes
    assert (substitute.name, substitute.returned, substitute.expected, substitute.fits, substitute.patched) == (
        "FakeSource.read",
        "list",
        "bytes",
        False,
        True,
    )
    assert 3_000_000 <= substitute.peak < 3_100_000
    assert seen["test_fake"].executed == {"src/project/__init__.py": (15, 16, 18)}
    assert seen["test_lazy"].executed == {"src/project/__init__.py": ()}
    assert all(each.seconds > 0 for each in seen.values())
