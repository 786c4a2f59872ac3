"""Memory of several processes together: what samples of them prove, and real processes that are sampled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.bench.memory import process_tree
from tasks.bench.memory.process_tree import (
    IDLE,
    PAGE,
    Ended,
    ProcessTree,
    Reading,
    Repeated,
    Sweep,
    Window,
    peak_together,
)
from tasks.processes.descendants import descendants

MIB = 1 << 20
ROOT, CHILD = 1, 2
PAGES = MIB // PAGE
WINDOWS = [Window(10, 50, 30 * MIB), Window(60, 100, 31 * MIB)]


def sweep(began, *, root=30, child=None, highest=None, faults=0, cpu=0, process=CHILD):
    """Return readings in MiB, with the faults of so many MiB, one nanosecond after the other."""
    readings = {ROOT: Reading(root * MIB, root * MIB, root * MIB, root * MIB, 99 * PAGES, 0)}
    if child is not None:
        private = (child - 2) * MIB
        readings[process] = Reading(child * MIB, private, (highest or child) * MIB, child * MIB, faults * PAGES, cpu)
    return Sweep(began, began + 1, readings)


def peak(*sweeps, before=None, faults=0, living=(ROOT,), counted=0):
    taken = [before or sweep(0), *sweeps]
    return together(taken, [Repeated(WINDOWS, Ended(faults * PAGES, living))], counted=counted)


def together(taken, repeated, *, counted=0, has_children=False):
    return peak_together(taken, repeated, root=ROOT, counted=counted, has_children=has_children)


def test_the_peak_is_the_highest_sum_within_a_call():
    found = peak(
        sweep(5, root=90),  # before the calls
        sweep(20, root=36, child=1),
        sweep(40, root=31, child=4),
        sweep(55, root=90),  # between them
        sweep(70, root=32, child=4),
        sweep(100, root=90),  # not over when the call was
    )
    assert found.peak == 7 * MIB


@pytest.mark.parametrize(("faults", "known"), [(40, True), (42, False)])
def test_what_children_get_after_their_last_sample_must_be_little(faults, known):
    found = peak(sweep(20, child=20, faults=15), faults=faults)
    assert (found.peak == 20 * MIB) is known
    assert known or "do not show all" in found.why_not


def test_it_is_enough_that_little_is_missed_in_some_calls():
    taken = [sweep(0), sweep(20, child=20, faults=5), sweep(70, child=20, faults=15, process=3)]
    missed, seen = (Repeated([window], Ended(20 * PAGES, (ROOT,))) for window in WINDOWS)
    assert "do not show all" in together(taken, [missed]).why_not
    assert together(taken, [missed, seen]).peak == 20 * MIB


def test_it_is_enough_that_one_of_several_calls_is_sampled():
    """Samples are rare on a busy machine: the whole first call may lie between two of them."""
    assert peak(sweep(70, child=20, faults=19), faults=40).peak == 19 * MIB  # the second call began with 31


@pytest.mark.parametrize(("faults", "known"), [(20, True), (30, False)])
def test_of_a_child_that_outlives_a_call_each_call_has_what_it_got_then(faults, known):
    found = peak(sweep(20, child=20, faults=5), sweep(70, child=20, faults=10), faults=faults)
    assert (found.peak is not None) is known


def test_calls_without_the_child_processes_of_others_show_nothing():
    taken = [sweep(0), sweep(20), sweep(70, root=32)]
    ended, none = (
        Repeated([window], Ended(faults * PAGES, (ROOT,))) for window, faults in zip(WINDOWS, (20, 0), strict=True)
    )
    assert "do not show all" in together(taken, [ended, none]).why_not
    assert "do not show all" in together(taken, [none], has_children=True).why_not
    assert together(taken, [none]).peak == MIB
    kept = [sweep(0, child=5), sweep(70, root=32, child=5)]
    assert together(kept, [none], has_children=True).peak == 3 * MIB


def test_what_living_children_get_is_seen_later():
    assert peak(sweep(20, child=20, faults=15), faults=0, living=(ROOT, CHILD)).peak == 20 * MIB


@pytest.mark.parametrize(("cpu", "part"), [(IDLE - 1, 2), (IDLE, 20)], ids=["idle", "works"])
def test_a_child_that_is_there_before_counts_if_it_works(cpu, part):
    """Of one that is idle only its part of what it shares with the others counts, which is theirs."""
    found = peak(sweep(20, child=20, cpu=cpu), before=sweep(0, child=20), living=(ROOT, CHILD))
    assert found.peak == part * MIB


@pytest.mark.parametrize(("counted", "known"), [(25, True), (26, False)])
def test_memray_may_not_count_much_more_than_the_samples(counted, known):
    found = peak(sweep(20, child=20), counted=counted * MIB)
    assert (found.peak == 20 * MIB) is known
    assert known or "do not show all" in found.why_not


def test_one_call_must_be_seen_up_to_the_highest_memory_of_each_process():
    missed = sweep(20, child=20, highest=60)
    assert "do not show all" in peak(missed).why_not
    assert peak(missed, sweep(70, child=60)).peak == 59 * MIB


def test_without_samples_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(process_tree, "PROC", tmp_path)  # as on macOS, and in some containers
    with ProcessTree(os.getpid()) as tree:
        repeated = [Repeated(WINDOWS, tree.ended())]
        assert "system does not report" in together(tree.sweeps, repeated).why_not
    assert "do not show all" in peak(sweep(5, child=1)).why_not


def test_the_peak_is_not_known_if_processes_outlive_the_call():
    taken = [sweep(0), sweep(20, child=20)]
    outlived = Repeated(WINDOWS, Ended(0, (ROOT, CHILD), more=1))
    found = together(taken, [outlived])
    assert (found.peak, "after it has returned" in found.why_not) == (None, True)


HOLDS = "import os, sys\n\nown = bytearray(b'x') * (30 << 20)\n"
FORKS = """
import ctypes

if not os.fork():
    ctypes.CDLL(None).prctl(15, b"a) (b\\n 1 2\\x85", 0, 0, 0)  # PR_SET_NAME
    more = bytearray(b"x") * (20 << 20)
print("ready", flush=True)
sys.stdin.read()
"""
STARTS = """
print("ready", flush=True)
# It shares all memory with its parent until it can open the pipe, and starts the program then.
os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)])
"""
needs_samples = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the system does not report the memory of processes"
)


def sampled(program, processes):
    """Sample a program until there are some samples while it has so many processes; return the last one."""
    with ProcessTree(program.pid) as tree:
        ends = time.monotonic() + 120
        while len(list(descendants(program.pid))) + 1 < processes or len(tree.sweeps) < 5:
            assert time.monotonic() < ends
            time.sleep(0.01)
        taken = len(tree.sweeps)
        while len(tree.sweeps) < taken + 3:
            assert time.monotonic() < ends
            time.sleep(0.01)
    return tree.sweeps[-1]


@needs_samples
def test_memory_that_real_processes_share_counts_once():
    command = [sys.executable, "-c", HOLDS + FORKS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert [program.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        last = sampled(program, 2)
        program.stdin.close()
    root, child = last.readings[program.pid], max(last.readings.items())[1]
    assert 50 * MIB < last.held() < 60 * MIB
    assert root.held < 30 * MIB < root.resident
    assert 50 * MIB < child.resident <= child.highest


@needs_samples
def test_a_process_that_has_not_yet_started_its_program_has_no_memory_of_its_own(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", HOLDS + STARTS, tmp_path / "pipe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "ready\n"
        try:
            last = sampled(program, 2)
        finally:  # it ends once it can open the pipe, and is waited for
            (tmp_path / "pipe").write_bytes(b"")
    assert list(last.readings) == [program.pid]
    assert 30 * MIB < last.held() < 40 * MIB
