"""One comparison at a time on a machine, and waiting until other programs leave it alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from tasks.bench import exclusive as module
from tasks.bench.exclusive import await_quiet, exclusive
from tasks.errors import UsageError
from tasks.processes import locks

HELD_BY_A_PARENT = """
from pathlib import Path
from tasks.bench.exclusive import exclusive

with exclusive(Path({lock!r}), print):
    print("entered")
"""


@pytest.fixture
def lock(tmp_path, monkeypatch):
    monkeypatch.setenv("PRPREP_LOCK", str(tmp_path / "machine.lock"))
    return tmp_path / "machine.lock"


def entered_by_a_child(cache_lock, *prefix):
    code = HELD_BY_A_PARENT.format(lock=str(cache_lock))
    command = [*prefix, sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split("\n")


def test_two_caches_share_the_machines_lock(tmp_path, lock):
    lines = []
    with exclusive(tmp_path / "one.lock", lines.append):
        assert locks.holder(lock) == os.getpid()
        assert stat.S_IMODE(lock.stat().st_mode) == 0o666
        # A prprep that this one started, with a cache of its own, would wait for its parent for ever.
        assert entered_by_a_child(tmp_path / "two.lock") == ["entered", ""]
        # So would one that a child runs with its own variables, as when a worker's job verifies a body.
        family = ("sh", "-c", 'PRPREP_FIRST=$$; export PRPREP_FIRST; "$@"', "sh")
        assert entered_by_a_child(tmp_path / "two.lock", *family) == ["entered", ""]
    waits = []
    with locks.file_lock(lock, busy=None):
        # The parent's process id, but of another container that shares the folder.
        lock.write_text(f"{os.getppid()}\npid:[1]\n")

        def report(line):
            waits.append(line)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), exclusive(tmp_path / "two.lock", report):
            raise AssertionError
    assert (lines, waits) == ([], ["another comparison is running on this machine: waiting until it has ended"])


def test_without_a_cache_nothing_is_locked(lock):
    with exclusive(None, print):
        assert not lock.exists()


def test_a_machine_lock_that_cannot_be_opened_is_reported(tmp_path, lock):
    lines = []
    lock.symlink_to(tmp_path / "elsewhere")
    with exclusive(tmp_path / "one.lock", lines.append):
        assert locks.holder(tmp_path / "one.lock") == os.getpid()
    assert len(lines) == 1
    assert lines[0].endswith("; a comparison of another user may run at the same time")
    assert not (tmp_path / "elsewhere").exists()


def test_the_lock_of_the_machine_does_not_depend_on_the_cache(monkeypatch):
    monkeypatch.delenv("PRPREP_LOCK")
    assert locks.machine_lock().name == "prprep-machine.lock"


@pytest.mark.parametrize(
    ("shares", "seconds", "lines"),
    [
        ([0.05], "", []),
        ([0.5], "", ["other programs use 50 % of the cores; measuring anyway, with wider intervals"]),
        ([None], "60", []),
        ([0.3, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0], "60", ["30 %", "20 %"]),
        ([0.3], "1e-9", ["other programs use 30 % of the cores after 1e-09 s of waiting; measuring anyway"]),
    ],
    ids=["quiet", "busy", "unknown", "waits for four looks", "waited long enough"],
)
def test_waiting_for_a_quiet_machine(monkeypatch, shares, seconds, lines):
    found, reported = iter(shares), []
    monkeypatch.setattr(module.pressure, "busy_share", lambda _: next(found))
    monkeypatch.setenv("PRPREP_WAIT_FOR_QUIET", seconds)
    await_quiet(reported.append)
    assert len(reported) == len(lines)
    assert all(part in line for part, line in zip(lines, reported, strict=True))
    assert list(found) == []


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_what_is_no_number_of_seconds_is_refused(monkeypatch, text):
    monkeypatch.setenv("PRPREP_WAIT_FOR_QUIET", text)
    with pytest.raises(UsageError, match="PRPREP_WAIT_FOR_QUIET=300"):
        await_quiet(print)
