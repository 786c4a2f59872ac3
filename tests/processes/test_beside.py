"""What prprep runs beside a measurement keeps to the cores that it leaves free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.bench import pressure
from tasks.bench.exclusive import exclusive
from tasks.processes import beside, programs
from tasks.processes.cores import all_cores, other_cores
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(len(all_cores()) < 2, reason="there is no core beside the one that measures"),
    pytest.mark.slow(0.1),
]

LOOP = "while True: pass"
TREE = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {LOOP!r}])\n{LOOP}"
MEASURES = """
import sys
from pathlib import Path
from tasks.bench.exclusive import exclusive
from tasks.processes import beside

with exclusive(Path(sys.argv[1]), print):
    if sys.argv[2] == "alone":
        beside.stop_others()
    print("measuring", flush=True)
    sys.stdin.read(1)
"""


@pytest.fixture(autouse=True)
def lock(tmp_path, monkeypatch):
    monkeypatch.setenv("PRPREP_LOCK", str(tmp_path / "machine.lock"))
    return tmp_path / "cache.lock"


@pytest.fixture
def other_thread():
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result(60)


@contextmanager
def running(code=LOOP):
    with programs.start([sys.executable, "-c", code], cwd=Path.cwd()) as program:
        yield program


def processes(program):
    return [program.pid, *beside.descendants(program.pid)]


def cores_of(program):
    return {tuple(sorted(os.sched_getaffinity(process))) for process in processes(program)}


def every_core():
    return {tuple(sorted(all_cores()))}


def free_cores():
    return {tuple(sorted(other_cores()))}


def is_stopped(program):
    return Path(f"/proc/{program.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"


def test_programs_of_other_threads_leave_the_core_to_a_measurement(lock, other_thread):
    with running(TREE) as earlier:
        assert wait_for(lambda: len(processes(earlier)) == 2)

        def measure():
            with exclusive(lock, print), running() as own:
                return cores_of(own), cores_of(earlier), len(list(beside.others())), other_thread_starts()

        def other_thread_starts():
            started = []

            def start():
                with running() as program:
                    started.append(cores_of(program))

            thread = threading.Thread(target=start)
            thread.start()
            thread.join(60)
            return started

        own, moved, others, started = other_thread(measure)
        assert (own, moved, others, started) == (every_core(), free_cores(), 2, [free_cores()])
        assert cores_of(earlier) == every_core()
    with running() as later:
        assert cores_of(later) == every_core()


def test_what_it_runs_itself_is_no_load():
    """Neither what still runs nor what has ended meanwhile."""
    with running(TREE) as program:
        assert wait_for(lambda: len(processes(program)) == 2)
        own = pressure.busy_share(0.5)
    brief = "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-c', 'sum(range(10**6))'])"
    with running(brief):
        ended = pressure.busy_share(0.5)
    orphan = (
        "import subprocess, sys; tree = [sys.executable, '-c', sys.argv[1]]\n"
        "nowhere = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "print(subprocess.Popen(tree, start_new_session=True, **nowhere).pid)"
    )
    started = subprocess.run([sys.executable, "-c", orphan, TREE], stdout=subprocess.PIPE, text=True, check=True)
    try:
        assert wait_for(lambda: beside.descendants(int(started.stdout)))
        others = pressure.busy_share(0.5)
    finally:
        os.killpg(int(started.stdout), signal.SIGKILL)
    assert own < others > 0.5
    assert ended < others


@contextmanager
def nested(lock, how="beside"):
    """Run a prprep of this one's family that measures."""
    command = [sys.executable, "-c", MEASURES, str(lock), how]
    environment = {**os.environ, **beside.family_variables()}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout.readline() == "measuring\n"
        yield process
        process.stdin.close()


def test_so_they_do_if_a_prprep_that_it_runs_measures(lock):
    with running(TREE) as earlier:
        assert wait_for(lambda: len(processes(earlier)) == 2)
        with nested(lock), running() as started:
            assert (cores_of(earlier), cores_of(started)) == (free_cores(), free_cores())
        assert cores_of(earlier) == every_core()
    # It does not take the lock of its parent for its own.
    with exclusive(lock, print):
        command = [sys.executable, "-c", MEASURES, str(lock), ""]
        environment = {**os.environ, **beside.family_variables()}
        with pytest.raises(subprocess.TimeoutExpired) as raised:
            subprocess.run(
                command, check=True, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=3
            )
    assert raised.value.stdout == b"waiting until another task of this run has measured\n"


def test_a_measurement_on_all_cores_stops_them(lock):
    with running() as earlier:
        with nested(lock, "alone") as measuring:
            assert wait_for(lambda: is_stopped(earlier))
            measuring.stdin.close()
            measuring.wait(60)
            assert wait_for(lambda: not is_stopped(earlier))
        with nested(lock, "alone") as killed:
            assert wait_for(lambda: is_stopped(earlier))
            killed.send_signal(signal.SIGKILL)
            killed.wait(60)
        assert wait_for(lambda: is_stopped(earlier))
        beside.recover()
        assert wait_for(lambda: not is_stopped(earlier))
        assert cores_of(earlier) == every_core()
