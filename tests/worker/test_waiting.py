"""How long a block's calls waited for a core: by one thread, by several, by children, under a loop."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.bench.workers.blocks import Block
from tasks.bench.workers.workers import WORKER_FOLDER
from tests.support.quotas import cpu_quota

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.benchmark import waiting
from prprep_worker.benchmark.calls import Calls, drive

pytestmark = [
    pytest.mark.skipif(waiting.waited() is None, reason="this system does not report waiting for a core"),
    pytest.mark.slow,
]

BYTES = bytes(200_000)
COMPETES = """
import os
import sys

if process := os.fork():
    print(process)
    sys.exit()
os.close(1)
os.sched_setaffinity(0, {%d})
while True:
    pass
"""


def compute(units=40_000):
    return sum(range(units))


def block_of(function, *args, rounds=1, **settings):
    """Return the last of some blocks that is not misread: the core may be taken at any moment."""
    calls = Calls(function, args, **settings)
    calls.begin()

    async def serve():
        await calls.result()
        return [Block(**await calls.block(rounds)) for _ in range(5)]

    blocks = asyncio.run(serve()) if calls.awaited else drive(serve())
    return [block for block in blocks if not block.misread][-1]


@pytest.fixture
def competitor():
    """Let a process that is no descendant of this one compute on its core."""
    cores = os.sched_getaffinity(0)
    core = min(cores)
    os.sched_setaffinity(0, {core})
    command = [sys.executable, "-c", COMPETES % core]
    started = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        os.kill(int(started.stdout), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.usefixtures("competitor")
def test_a_block_that_shares_its_core_waited_for_it_and_its_own_time_is_its_cpu_time():
    block = block_of(compute, rounds=100)
    assert block.is_explained
    assert block.wall > 1.2 * block.own
    assert block.own == pytest.approx(block.cpu, rel=0.05)


@pytest.mark.slow
@pytest.mark.usefixtures("competitor")
def test_calls_that_are_shorter_than_the_reading_are_timed_together():
    block = block_of(abs, -1, rounds=500_000)
    assert block.own == pytest.approx(block.cpu, rel=0.05)


@pytest.mark.slow
@pytest.mark.usefixtures("competitor")
def test_waiting_is_read_for_each_call_if_it_has_a_setup():
    """What the setup waited is not the call's."""
    block = block_of(compute, rounds=60, setup=lambda: compute(80_000) and None)
    assert block.own == pytest.approx(block.cpu, rel=0.1)
    assert block.elapsed * 1e9 > 2.5 * block.own
    assert 0 < block.calls <= 60  # a call is left out if the core was taken next to it


@pytest.mark.slow
@pytest.mark.usefixtures("competitor")
def test_a_coroutine_waits_for_a_core_as_a_function_does():
    async def work():
        await asyncio.sleep(0)
        compute()

    block = block_of(work, rounds=60)
    assert block.is_explained
    assert block.own == pytest.approx(block.cpu, rel=0.1)


@pytest.mark.slow
@pytest.mark.usefixtures("competitor")
def test_what_sleeps_does_not_wait_for_a_core():
    block = block_of(time.sleep, 0.01, rounds=5)
    assert block.own >= 0.05e9
    assert block.is_explained


@pytest.mark.slow
def test_a_process_that_a_quota_stops_waits_for_a_core():
    with cpu_quota(0.4):
        block = block_of(compute, rounds=150)
    assert block.is_explained
    assert block.wall > 1.2 * block.own
    assert block.own == pytest.approx(block.cpu, rel=0.1)


def test_work_of_other_threads_is_not_the_callers():
    def work():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(hashlib.sha256, [BYTES] * 8))

    block = block_of(work, rounds=5)
    assert block.is_shared
    assert block.others_waited is None  # the threads have ended


def test_what_threads_that_live_on_waited_is_known():
    with ThreadPoolExecutor(1) as pool:
        block = block_of(lambda: pool.submit(hashlib.sha256, BYTES).result(), rounds=20)
    assert block.is_shared
    assert block.others_waited >= 0


@pytest.mark.slow
def test_the_cpu_time_of_children_is_the_calls_and_not_the_callers():
    block = block_of(subprocess.run, [sys.executable, "-c", "sum(range(3_000_000))"])
    assert block.is_shared
    assert block.cpu > 0.5 * block.elsewhere > 0


DESCENDANTS = """
import json, os, subprocess, sys, threading

sys.path.append({worker!r})
from prprep_worker.benchmark import waiting
from prprep_worker.forking import adopt_orphans, fork_child

COMPUTE = "import time\\nwhile time.process_time() < 0.2: pass"
forever = threading.Event().wait


def compute(answer):
    exec(COMPUTE)
    os.write(answer, b"x")


def in_daemon(answer):
    def second():
        os.setsid()
        fork_child(lambda: compute(answer))
        return 0

    os.waitpid(fork_child(second), 0)


def in_thread(answer):
    def first():
        threading.Thread(target=compute, args=(answer,)).start()
        forever()

    fork_child(first)


def in_program(answer):
    def first():
        subprocess.run([sys.executable, "-c", COMPUTE])
        os.write(answer, b"x")
        forever()

    fork_child(first)


assert adopt_orphans()
seen = {{}}
for work in (in_thread, in_program, in_daemon):
    read, write = os.pipe()
    before = waiting.children()
    work(write)
    os.read(read, 1)
    after = waiting.children()
    seen[work.__name__] = after.used_since(before) / 1e9, after.any_began_since(before), after.outlive_since(before)
for _ in range(5):
    in_daemon(write)
    os.read(read, 1)
    while waiting.children().running > 2:
        pass
seen["left"] = len(waiting.children().others)
print(json.dumps(seen), flush=True)
os.killpg(0, 9)
"""


@pytest.mark.slow
def test_the_cpu_time_of_all_descendants_is_known_also_of_a_daemon():
    program = DESCENDANTS.format(worker=str(WORKER_FOLDER))
    command = [sys.executable, "-c", program]
    seen = json.loads(subprocess.run(command, stdout=subprocess.PIPE, start_new_session=True, check=False).stdout)
    assert seen.pop("left") == 2  # who lives on; daemons that have ended are not kept
    assert seen.keys() == {"in_daemon", "in_thread", "in_program"}
    for how, (seconds, began, outlive) in seen.items():
        assert 0.19 < seconds < 0.4, how
        assert began, how
        assert outlive == 1 or how == "in_daemon", how


UNLISTED = """
import subprocess, sys
sys.path.insert(0, {worker!r})
from prprep_worker.benchmark import waiting

waiting._IS_LISTED, waiting._children_of = False, lambda _: []
before = waiting.children()
with subprocess.Popen(["sleep", "60"]) as child:
    after = waiting.children()
    child.kill()
print(before.unseen, after.any_began_since(after), after.outlive_since(after))
"""


def test_children_that_the_system_does_not_list_are_not_known():
    command = [sys.executable, "-c", UNLISTED.format(worker=str(WORKER_FOLDER))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False True 1\n"


def test_each_thread_reads_its_own_and_an_ended_one_is_no_other():
    seen = {}

    def other():
        seen.update({"thread": threading.get_native_id(), "waited": waiting.waited()})

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert isinstance(seen["waited"], int)
    while seen["thread"] in waiting.other_threads():  # the system may take a moment to end it
        time.sleep(0.01)
    assert seen["thread"] not in waiting._descriptors


def test_a_forked_child_reads_its_own():
    waiting.waited()
    read, write = os.pipe()
    if not (child := os.fork()):
        own, reported = waiting.waited(), Path("/proc/thread-self/schedstat").read_text().split()[1]
        os.write(write, f"{own} {reported}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    own, reported = map(int, os.read(read, 100).split())
    assert own <= reported <= own + 1e8
    os.close(read)
    os.close(write)
