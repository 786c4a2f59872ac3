"""A whole measurement: every metric, its lock, and its processes."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tasks.artifacts import MetricName
from tasks.bench import measuring
from tasks.bench.imports import imports
from tasks.bench.time import timing
from tasks.bench.time.benchmark_run import BenchmarkRun
from tasks.errors import MeasuringError
from tasks.processes import locks
from tasks.processes.progress import silent
from tests.support.pairs import both, pair

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    head = {"src/project/__init__.py": "def work(size=1000):\n    return size * (size - 1) // 2 if size > 0 else 0\n"}
    request = pair(
        tmp_path_factory.mktemp("pair"), head=head, metrics=("time", "memory", "import"), modules=("project",)
    )
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "LOOKS", (1,))
        return request, measuring.measure(request, report=lines.append), lines


@pytest.mark.slow
def test_every_metric_is_measured(whole):
    _, measured, _ = whole
    test = "tests/test_benchmark.py::test_work"
    assert [(measurement.test, measurement.metric) for measurement in measured.measurements] == [
        (test, MetricName.TIME),
        (test, MetricName.CPU),
        (test, MetricName.PEAK),
        (test, MetricName.ALLOCATIONS),
        (test, MetricName.LEAKED),
        ("import project", MetricName.IMPORT),
        ("import project", MetricName.CPU),
    ]
    assert measured.tests == (test,)
    assert [(output.test, output.verdict) for output in measured.outputs] == [(test, "equal")]
    assert {module.path for module in measured.modules["head"]} == {
        "src/project/__init__.py",
        "tests/test_benchmark.py",
    }


@pytest.mark.slow
def test_launches_differ_and_their_sides_do_not(whole):
    launches = whole[1].measurements[0].launches
    assert len({launch.seed for launch in launches}) == len(launches) >= 5
    assert len({tuple(sorted(launch.iterations.items())) for launch in launches}) == 1
    assert launches[0].iterations["head"] > 5 * launches[0].iterations["base"]  # its calls take a tenth of the time
    assert all(len(launch.base) == len(launch.head) >= 1 for launch in launches)
    assert {launch.first for launch in launches} <= {"base", "head"}


@pytest.mark.slow
def test_every_launch_is_reported(whole):
    assert whole[2][0].startswith("launch 1 of at most ")
    assert any(line.startswith("memory 3 of 3: ") for line in whole[2])


@pytest.mark.slow
def test_the_same_seed_draws_the_same_order(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "LOOKS", (2,))  # launches of each side
    request = pair(tmp_path, budget=0.1)
    runs = [timing.measure_time(request, request.rng(), silent)[0][0].launches for _ in range(2)]
    rng = [[(launch.first, launch.seed) for launch in launches] for launches in runs]
    assert len(set(rng[0])) == 2
    assert rng[0] == rng[1]


def test_without_time_the_benchmark_is_still_run_and_its_outputs_compared(tmp_path):
    head = {"src/project/__init__.py": "def work(size):\n    return 499500.0\n"}
    measured = measuring.measure(pair(tmp_path, head=head, metrics=("import",), modules=()))
    assert [(output.verdict, output.detail) for output in measured.outputs] == [
        ("different", "int 499500 at base, float 499500.0 at head")
    ]
    assert not measured.measurements


@pytest.mark.parametrize(("error", "waits"), [(MeasuringError("it broke"), True), (KeyboardInterrupt(), False)])
def test_inputs_are_compared_beside_the_functions_and_end_before_an_error_is_raised(
    tmp_path, monkeypatch, error, waits
):
    began, ended = threading.Event(), threading.Event()
    may_end = threading.Event()

    def compare(*_, cores, **__):
        began.set()
        assert cores == (0,)
        assert may_end.wait(60)
        ended.set()

    def profile(*_):
        assert began.wait(60)
        if waits:
            threading.Timer(0.1, may_end.set).start()
        raise error

    monkeypatch.setattr(measuring, "other_cores", lambda: (1, 0))
    monkeypatch.setattr(measuring, "compare_further_inputs", compare)
    monkeypatch.setattr(measuring, "profile_functions", profile)
    with pytest.raises(type(error)):
        measuring._outputs_and_functions(pair(tmp_path), BenchmarkRun(), random.Random(1), silent)
    assert ended.is_set() == waits
    may_end.set()


def test_a_result_that_changes_from_call_to_call_is_not_compared(tmp_path):
    benchmark = {"tests/test_benchmark.py": "import time\n\ndef test_work(benchmark):\n    benchmark(time.time_ns)\n"}
    measured = measuring.measure(pair(tmp_path, **both(benchmark), metrics=()))
    assert measured.outputs[0].detail == "differs between two calls on the same side (base)"
    assert "What was measured imports no module of the project." not in measured.notes


def test_a_call_longer_than_the_time_limit_is_an_error(tmp_path):
    slow = both(
        {"tests/test_benchmark.py": "import time\n\ndef test_work(benchmark):\n    benchmark(time.sleep, 3600)\n"}
    )
    with pytest.raises(MeasuringError, match="not one launch was finished within the time limit of 1 s"):
        measuring.measure(pair(tmp_path, **slow, timeout=1.0))


def test_comparisons_on_one_machine_do_not_overlap(tmp_path):
    """While another process has the lock nothing runs; that is reported once, and measuring starts when it is free."""
    request, lines = pair(tmp_path, metrics=(), lock=tmp_path / "machine.lock"), []
    with locks.file_lock(tmp_path / "machine.lock", busy=None):
        waiting = threading.Thread(target=measuring.measure, args=(request,), kwargs={"report": lines.append})
        waiting.start()
        while not lines:
            time.sleep(0.01)
        assert lines == ["another comparison is running on this machine: waiting until it has ended"]
    waiting.join(60)
    assert lines[1] == "running the benchmark on both sides"


@pytest.mark.slow
def test_no_process_outlives_a_killed_measurement(tmp_path):
    """After `kill -9` of the coordinator both sides end, in the middle of a call too."""
    benchmark = "import os, time\n\ndef test_work(benchmark):\n    open(f'{os.getpid()}.pid', 'w').close()\n    benchmark(time.sleep, 0.2)\n"
    request = pair(tmp_path, **both({"tests/test_benchmark.py": benchmark}), budget=600.0)
    program = f"""
import sys
sys.path.insert(0, {str(Path(measuring.__file__).parents[2])!r})
from pathlib import Path
from tasks.bench.measuring import measure
from tasks.bench.request import Request, SideRequest
side = lambda tree: SideRequest(tree, Path(sys.executable), (tree / "src",))
root = Path({str(tmp_path)!r})
measure(Request(side(root / "base"), side(root / "head"), {request.benchmark!r}, ("time",), root / "profiles", 7, budget=600.0))
"""
    with subprocess.Popen([sys.executable, "-c", program]) as coordinator:
        pids = _until(lambda: len(pids := [int(path.stem) for path in tmp_path.glob("*/*.pid")]) == 2 and pids)
        coordinator.send_signal(signal.SIGKILL)
    assert _until(lambda: not any(_is_alive(pid) for pid in pids))


def _until(question, seconds=30.0):
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return answer


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
