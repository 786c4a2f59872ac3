"""Watching a benchmark ends at its time limit, of which waiting for another comparison is no part."""

from __future__ import annotations

import os

import pytest

from tasks.bench.observing.recording import record
from tasks.bench.observing.site import RecordingSite, WatchedFunction
from tasks.bench.observing.watching import watch
from tasks.bench.request import Request
from tasks.processes import locks
from tasks.processes.progress import silent
from tests.support.pairs import pair

pytestmark = pytest.mark.slow


def test_the_time_limit_begins_when_the_machine_is_free(tmp_path, monkeypatch):
    lock, began = tmp_path / "machine.lock", []

    def deadline(_):
        began.append(locks.holder(lock))
        return None  # noqa: RET501, PLR1711

    monkeypatch.setattr(Request, "deadline", deadline)
    watched = watch(pair(tmp_path, lock=lock), "head", lines={}, report=silent)
    assert began == [os.getpid()]
    assert ([call.key for call in watched.calls], watched.missing) == (["tests/test_benchmark.py::test_work"], "")


def test_recording_waits_before_its_time_begins(tmp_path, monkeypatch):
    request, lock, began = pair(tmp_path), tmp_path / "machine.lock", []
    monkeypatch.setattr("tasks.bench.observing.recording.time.monotonic", lambda: began.append(locks.holder(lock)) or 0)
    site = RecordingSite(request.head, "", depth=1, lock=lock)
    recordings, notes = record(
        site, WatchedFunction("project:work"), [("tests/test_benchmark.py",)], seconds=60, report=silent
    )
    assert set(began) == {os.getpid()}
    assert (len(recordings), notes) == (1, [])


def test_the_time_limit_is_reported(tmp_path):
    lines = []
    watched = watch(pair(tmp_path, timeout=0.001), "head", lines={}, report=lines.append)
    assert watched.calls == ()
    assert watched.missing == lines[-1] == "watching the benchmark took longer than the time limit of 0.001 s"
