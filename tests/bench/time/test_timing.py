"""How a budget is spent, the notes on launches, and the processes of the next launch."""

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tasks.artifacts import MetricName
from tasks.bench.time import timing
from tasks.bench.time.benchmark_run import BenchmarkRun
from tasks.bench.time.launch_record import LaunchRecord, TimedCall
from tasks.bench.time.launches import Launches
from tasks.bench.time.lockstep import LaunchPlan
from tasks.bench.time.timing import Schedule, measure_heads, measure_time, schedule
from tasks.errors import MeasuringError
from tasks.processes.cores import all_cores, other_cores
from tests.support.pairs import block, both, pair, with_heads

pytestmark = pytest.mark.slow

KEY = "tests/test_benchmark.py::test_work"


@pytest.mark.parametrize(
    ("budget", "ratios", "planned"),
    [
        (20.0, [1.0], Schedule(1.6, (8, 12))),
        (20.0, [1.2, 0.5], Schedule(1.6, (8, 12))),
        (20.0, [0.5, 3.0], Schedule(0.4, (8, 12, 16, 24, 36))),
        (1.0, [1.0], Schedule(0.3, (8,))),
        (8.0, [], Schedule(1.0, (8,))),
        (15.0, [1.0], Schedule(1.6, (8,))),
        (100.0, [1.0], Schedule(2.5, (8, 12, 16, 24, 36))),
        (20.0, [0.0], Schedule(1.6, (8, 12))),
    ],
    ids=[
        "undecided",
        "one is plain",
        "all are plain",
        "little",
        "nothing known",
        "less than usual",
        "much",
        "no time at all",
    ],
)
def test_a_plain_effect_has_short_launches(budget, ratios, planned):
    assert schedule(budget, ratios) == planned


def turn(*, involuntary=0):
    taken = block(waited=0.001 if involuntary else 0.0, misread=involuntary > 0)
    return {"base": taken, "head": taken}


def record(*, steady, turns):
    return LaunchRecord(calls=[TimedCall(KEY, ("base", "head"), seed=1, steady=steady, turns=turns)])


def test_unsteady_launches_and_discarded_turns_are_noted():
    quiet, disturbed = [turn() for _ in range(3)], [turn(), turn(), turn(involuntary=2)]
    run = BenchmarkRun(records=[record(steady=True, turns=quiet), record(steady=False, turns=disturbed)])
    assert run.notes == (
        "test_work: in 1 of 2 launches times were still falling when warming up ended.",
        "test_work: 1 of 6 turns were left out on all sides, because another process took the core in them.",
    )
    assert run.preempted == pytest.approx(1 / 6)


def test_a_call_without_a_turn_that_can_be_used_is_named():
    run = BenchmarkRun(records=[record(steady=True, turns=[turn(involuntary=2)])] * 2)
    assert run.unmeasured == (KEY,)
    run.add(record(steady=True, turns=[turn()]))
    assert run.unmeasured == ()


def test_quiet_launches_have_no_notes():
    run = BenchmarkRun(records=[LaunchRecord(), record(steady=True, turns=[turn()])])
    assert (run.notes, run.preempted) == ((), 0.0)
    assert BenchmarkRun().preempted == 0.0


def test_cpu_time_and_the_control_come_from_the_same_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "LOOKS", (2,))  # launches of each side
    benchmark = both(
        {"tests/test_benchmark.py": "import time\n\ndef test_work(benchmark):\n    benchmark(time.sleep, 0.002)\n"}
    )
    measurements, run = measure_time(
        pair(tmp_path, **benchmark, controlled=True, budget=0.6), random.Random(1), lambda _: None
    )
    wall, cpu = measurements
    assert [(each.test, each.metric) for each in measurements] == [(KEY, MetricName.TIME), (KEY, MetricName.CPU)]
    assert (wall.looks, wall.planned_looks, wall.stopped) == (cpu.looks, cpu.planned_looks, cpu.stopped)
    for slept, worked in zip(wall.launches, cpu.launches, strict=True):
        assert len(slept.base) == len(slept.head) == len(slept.control) == len(worked.control)
        assert min(slept.control) >= 0.002 > max(worked.control)
    assert len(run.records) == 1 + len(wall.launches)


def test_the_first_launch_shows_which_calls_cannot_be_varied(tmp_path):
    """Unless the call has a setup, which would be run without what uses it up."""
    benchmark = """
    import time
    from project import work

    def test_varied(benchmark):
        benchmark(work, 1000)

    def test_without_arguments(benchmark):
        benchmark(work)

    def test_setup(benchmark):
        benchmark.pedantic(work, setup=lambda: ((), {}))

    def test_long(benchmark):
        benchmark(time.sleep, 0.21)
    """
    request = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}), metrics=("memory",))
    refused = timing.check(request, random.Random(1), lambda _: None).refused
    assert {key.partition("::test_")[2]: why[:24] for key, why in refused.items()} == {
        "without_arguments": "the call has no argument",
        "long": "one call takes 0.2 s",
    }


def test_a_function_that_got_slower_is_warmed_until_it_is_steady(tmp_path):
    """The first calls in a process take longer, as caches fill: they are not samples, unless a note says that time ran out."""
    head = """
    import time

    left = 15

    def work(size):
        global left
        left = max(0, left - 1)
        time.sleep(0.001 + left / 3_000)
        return 499500
    """
    request = pair(tmp_path, head={"src/project/__init__.py": head}, budget=4.8)

    def steady_and_warm():
        measurements, _ = measure_time(request, random.Random(1), lambda _: None)
        steady = [launch.head[0] for launch in measurements[0].launches if launch.steady]
        return len(steady), sum(first < 0.004 for first in steady)

    steady, warm = steady_and_warm()
    if warm <= steady / 2:  # a busy machine may let a call sleep for too long
        steady, warm = steady_and_warm()
    assert warm > steady / 2 > 0


@pytest.mark.skipif(not other_cores(), reason="there is one core only")
def test_the_next_launch_starts_while_one_is_measured_and_no_process_stays(tmp_path):
    benchmark = "import os\nfrom project import work\n\nopen(f'{os.getpid()}.pid', 'w').close()\n\ndef test_work(benchmark):\n    benchmark(work, 1000)\n"
    request = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}))

    def started():
        return [int(path.stem) for path in tmp_path.glob("*/*.pid")]

    with Launches(request, random.Random(1), deadline=time.monotonic() + 60) as launches:
        launches.run(LaunchPlan(share=0.1), LaunchRecord())
        while len(started()) < 4:
            time.sleep(0.01)
        launches.run(LaunchPlan(share=0.1), LaunchRecord(), last=True)
        assert len(started()) == 4
    assert not any(Path(f"/proc/{process}").exists() for process in started())


SERIAL = """
import hashlib

DATA = bytes(200_000)


def work(size):
    return [hashlib.sha256(DATA).digest() for _ in range(4)]
"""
PARALLEL = """
import hashlib
from concurrent.futures import ThreadPoolExecutor

DATA = bytes(200_000)
POOL = ThreadPoolExecutor(4)


def work(size):
    return [result.digest() for result in POOL.map(hashlib.sha256, [DATA] * 4)]
"""


def undisturbed(measure):
    """Measure again if other processes interrupted all of the few turns that a test takes."""
    for _ in range(5):
        with suppress(MeasuringError):
            return measure()
    return measure()


@pytest.mark.skipif(len(all_cores()) < 2, reason="there is one core only")
@pytest.mark.parametrize(
    ("head", "cores", "used"), [(PARALLEL, "auto", "all"), (PARALLEL, 1, "1"), (SERIAL, "auto", "1")]
)
def test_calls_with_threads_run_on_all_cores(tmp_path, monkeypatch, head, cores, used):
    monkeypatch.setattr(timing, "LOOKS", (1,))  # launches of each side
    test = "from project import work\n\ndef test_work(benchmark):\n    benchmark(work, 1000)\n"
    base, head = ({"src/project/__init__.py": code, "tests/test_benchmark.py": test} for code in (SERIAL, head))
    request = pair(tmp_path, head, base, budget=0.5, cores=cores)
    _, run = undisturbed(lambda: measure_time(request, random.Random(1), lambda _: None))
    assert run.parallel == ((KEY,) if used == "all" else ())
    on_cores = [note for note in run.notes if "several threads or processes" in note]
    expected = {"all": ["on all"], "1": ["cores: 1"] if cores == 1 else []}[used]
    assert [word for note in on_cores for word in ("on all", "cores: 1") if word in note] == expected


@pytest.mark.skipif(len(all_cores()) < 2, reason="there is one core only")
def test_all_heads_run_on_all_cores_if_one_has_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "LOOKS", (1,))  # launches of each side
    test = {
        "tests/test_benchmark.py": "from project import work\n\ndef test_work(benchmark):\n    benchmark(work, 1000)\n"
    }
    codes = {"parallel": PARALLEL, "serial": SERIAL}
    heads = {name: {"src/project/__init__.py": code, **test} for name, code in codes.items()}
    base = {"src/project/__init__.py": SERIAL, **test}
    requests = with_heads(tmp_path, heads, base=base, budget=0.1)

    def measure_both():
        timed = measure_heads(requests, random.Random(1), lambda _: None)
        if len(timed) < len(requests):  # the turns of both could not be used, so the first was measured alone
            raise MeasuringError("")
        return timed

    runs = {name: head.run for name, head in undisturbed(measure_both).items()}
    assert {name: (run.parallel, run.shared) for name, run in runs.items()} == {
        "parallel": ((KEY,), (KEY,)),
        "serial": ((KEY,), ()),
    }
    assert any("the calls of another head use several threads" in note for note in runs["serial"].notes)


def test_a_launch_that_fails_leaves_no_process(tmp_path):
    benchmark = "import os\n\nopen(f'{os.getpid()}.pid', 'w').close()\n\ndef test_work(benchmark):\n    benchmark(lambda: 1 / 0)\n"
    request = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}))
    with pytest.raises(MeasuringError), Launches(request, random.Random(1), deadline=None) as launches:
        launches.run(LaunchPlan(share=0.1), LaunchRecord())
    assert not any(Path(f"/proc/{path.stem}").exists() for path in tmp_path.glob("*/*.pid"))
