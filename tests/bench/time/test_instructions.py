"""Instructions of the call alone, with real valgrind."""

import random
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from tasks.artifacts import MetricName
from tasks.bench.time import instructions
from tasks.bench.time.instructions import check, measure_instructions
from tasks.errors import MeasuringError
from tests.support.pairs import both, pair
from tests.support.sandboxes import confined, missing_bubblewrap

pytestmark = pytest.mark.slow(0.3)

CODE = """
def work(size=1000):
    counted = {{}}
    for number in range(size):
        counted[str(number)] = [number]
    return len(counted)


def doubled():
    return [work(300) for _ in range({factor})]
"""
BENCHMARK = """
import asyncio
from project import doubled, work

def test_doubled(benchmark):
    benchmark(doubled)

def test_plain(benchmark):
    assert benchmark(work, 300) == 300

def test_setup(benchmark):
    calls = []

    def prepared():
        work(600)
        calls.append(1)
        return (300,), {}

    benchmark.pedantic(work, setup=prepared, rounds=3)

def test_awaited(benchmark):
    async def awaited():
        await asyncio.sleep(0)
        return work(300)

    benchmark(awaited)
"""
ALIKE = ("test_plain", "test_setup", "test_awaited")
FILE = "src/project/__init__.py"
REPEATS = 2

with_valgrind = pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")


def files(factor=1):
    return {FILE: CODE.format(factor=factor), "tests/test_benchmark.py": BENCHMARK}


def measured(request):
    lines = []
    measurements = measure_instructions(request, random.Random(1), lines.append)
    return {measurement.test.partition("::")[2]: measurement for measurement in measurements}, lines


def counts(measurement):
    return [(launch.base[0], launch.head[0]) for launch in measurement.launches]


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Twice the work in one test and the same code in all others, in trees whose paths have another length.

    One side is confined, where that is possible.
    """
    folder = tmp_path_factory.mktemp("pair")
    request = pair(folder, base=files(1), head=files(2), metrics=("time",), timeout=300)
    longer = folder / ("a-second-tree-of-the-same-code-" * 3)
    shutil.copytree(request.head.tree, longer)
    base = request.base if missing_bubblewrap() else confined(request.base)
    head = replace(request.head, tree=longer, path_entries=(longer / "src",))
    ask, answers = instructions._ask, []

    def asked(request, side, settings, plans):
        """Let base alone plan, since a Python under valgrind takes seconds to start, and not by the machine's speed."""
        if plans:
            return ask(request, side, settings, plans)
        answers.append(answers[0] if answers else ask(request, side, settings, plans))
        return {key: {**answer, "warmup": 64, "calls": 20} for key, answer in answers[0].items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instructions, "REPEATS", REPEATS)
        patch.setattr(instructions, "_ask", asked)
        return measured(replace(request, base=base, head=head))


@with_valgrind
@pytest.mark.slow
def test_the_same_code_has_the_same_count_in_every_process(counted):
    for measurement in map(counted[0].get, ALIKE):
        assert (measurement.metric, len(measurement.launches), measurement.stopped) == (
            MetricName.INSTRUCTIONS,
            REPEATS,
            "repeats",
        )
        assert len({launch.seed for launch in measurement.launches}) == REPEATS
        for base, head in counts(measurement):
            # Of few calls, one collection of garbage more or less is half a per cent, and up to 1 % is negligible.
            assert head == pytest.approx(base, rel=1e-2)
            # Another hash seed puts other strings beside each other.
            assert base == pytest.approx(counts(measurement)[0][0], rel=2e-2)


@with_valgrind
@pytest.mark.slow
def test_only_calls_are_counted(counted):
    plain, setup, awaited = (counts(counted[0][name])[0][0] for name in ALIKE)
    assert 100_000 < plain < 1_000_000
    assert setup == pytest.approx(plain, rel=0.05)
    assert plain < awaited < plain + 60_000


@with_valgrind
@pytest.mark.slow
def test_every_repeat_is_reported(counted):
    assert [line.partition(":")[0] for line in counted[1]] == ["instructions 1 of 2", "instructions 2 of 2"]


@with_valgrind
@pytest.mark.slow
def test_twice_the_work_is_twice_the_count(counted):
    assert [head / base for base, head in counts(counted[0]["test_doubled"])] == pytest.approx([2, 2], rel=0.05)


@with_valgrind
def test_a_time_limit_before_the_first_count_is_an_error(tmp_path):
    slow = both(
        {"tests/test_benchmark.py": "import time\n\ndef test_work(benchmark):\n    benchmark(time.sleep, 3600)\n"}
    )
    with pytest.raises(MeasuringError) as raised:
        measure_instructions(pair(tmp_path, **slow, timeout=1.0), random.Random(1), lambda _: None)
    assert str(raised.value) == (
        "no call's instructions were counted within the time limit of 1 s\n"
        "  raise `timeout`, or give the benchmark a smaller input: valgrind makes everything 50 times slower"
    )


@with_valgrind
@pytest.mark.slow
def test_a_python_that_leaves_valgrind_is_an_error(tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    request = pair(tmp_path)
    with pytest.raises(MeasuringError) as raised:
        measure_instructions(
            replace(request, base=replace(request.base, python=python)), random.Random(1), lambda _: None
        )
    assert str(raised.value) == (
        "tests/test_benchmark.py::test_work: instructions cannot be counted on base: "
        "this process left valgrind: the program started as Python starts another program instead\n"
        "  take `instructions` out of `metrics`; nothing was counted"
    )


def test_without_valgrind_the_error_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MeasuringError) as raised:
        check()
    assert str(raised.value) == (
        "instructions are counted by valgrind, which is not installed on this machine\n"
        "  install it (`apt-get install valgrind`), or take `instructions` out of `metrics`; nothing was measured"
    )


@with_valgrind
def test_settings_of_the_user_are_ignored(tmp_path, monkeypatch):
    (tmp_path / ".valgrindrc").write_text("--no-such-option\n")
    monkeypatch.setenv("VALGRIND_OPTS", "--no-such-option")
    command = [*instructions.wrapper(tmp_path), "/bin/true"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
