"""What a worker and a coordinator decide, without a scheduler between them."""

from __future__ import annotations

import pickle
import socket
import threading
from pathlib import Path

import pytest

from tasks.cluster import entry, scheduler, worker
from tasks.cluster.addresses import Address
from tasks.cluster.coordinator import Cluster
from tasks.cluster.remote import runs_code
from tasks.errors import BusyError, ClusterError, UsageError
from tasks.jobs.files import STAGES
from tasks.jobs.packing import PreparedJob
from tasks.jobs.process import GivenUpError
from tasks.pipeline import staleness_of
from tasks.processes.locks import file_lock
from tasks.processes.progress import silent
from tasks.workspace.workspace import Workspace

KIND = "Abacus — 4 cores, 8 GiB RAM"


def test_the_function_of_a_job_has_the_same_name_in_a_checkout_and_installed():
    assert b"prprep_cluster_entry" in pickle.dumps(entry.perform)
    assert b"tasks" not in pickle.dumps(entry.perform)
    assert pickle.loads(pickle.dumps(entry.perform)) is entry.perform
    assert entry.perform(b"", None, {}, "x") == {"refused": "it was started by something else than `prprep worker`"}


def test_what_is_no_job_is_refused(tmp_path):
    lines = []
    runner = worker.JobRunner(tmp_path, 1.0, {}, lines.append)
    refused = "this archive cannot be read: File is not a zip file"
    assert runner(b"x", None, {}, "lint:tables") == {"refused": refused}
    assert lines == [f"lint:tables: {refused}"]
    assert not [path for path in (tmp_path / "scratch").iterdir() if path.is_dir()]


def test_a_job_waits_for_the_machine_until_nobody_wants_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PRPREP_LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.001)
    lines, answers = [], iter([True, True, False])
    with file_lock(tmp_path / "lock", busy=""), pytest.raises(GivenUpError):  # noqa: SIM117 - the order of the two
        with worker.machine_held(lambda: next(answers), lines.append):
            raise AssertionError
    assert lines == ["another comparison is running on the worker's machine: waiting until it has ended"]
    is_held = pytest.raises(BusyError)
    with worker.machine_held(lambda: False, lines.append), is_held, file_lock(tmp_path / "lock", busy="busy"):
        raise AssertionError
    assert len(lines) == 1


class KnownWorkers(Cluster):
    def workers(self):
        return {"tcp://a": KIND, "tcp://b": "Slate — 1 core, 1 GiB RAM", "tcp://c": KIND, "tcp://d": ""}


def test_a_machine_of_the_same_kind_is_asked_first():
    cluster, lines = KnownWorkers(Address.of("tcp://localhost"), Path()), []
    assert cluster._workers_like(f"{KIND}, Python 3.12.1", lines.append) == ["tcp://a", "tcp://c"]
    assert cluster._workers_like("", lines.append) == lines == []
    other = "Abacus — 4 cores, 8 GiB RAM and more, Python 3.12.1"
    assert cluster._workers_like(other, lines.append) == []
    assert lines == [f"no worker is a machine like the one that measured ({other})"]


class Connecting(Cluster):
    def __init__(self):
        super().__init__(Address.of("tcp://localhost"), Path())
        self.connecting, self.connected = threading.Event(), threading.Event()

    def workers(self):
        self.connecting.set()
        assert self.connected.wait(60)
        return super().workers()


def test_a_run_can_be_interrupted_while_it_connects():
    cluster, job = Connecting(), PreparedJob(None, {}, (), None, None)

    def perform():
        with pytest.raises(ClusterError, match="the run was interrupted"):
            cluster.perform(job, "lint:a", variables={}, report=silent)

    performing = threading.Thread(target=perform)
    closing = threading.Thread(target=cluster.close)
    performing.start()
    assert cluster.connecting.wait(60)
    closing.start()
    closing.join(10)
    is_closed = not closing.is_alive()
    cluster.connected.set()
    performing.join()
    assert is_closed


def test_a_scheduler_that_cannot_be_reached_is_tried_once(monkeypatch):
    monkeypatch.setattr(worker, "CONNECT_SECONDS", 2.0)
    cluster = Cluster(Address.of("tcp://127.0.0.1:1"), Path())
    job = PreparedJob(None, {}, (), None, None)
    with pytest.raises(ClusterError) as first:
        cluster.perform(job, "lint:a", variables={}, report=silent)
    assert str(first.value) == (
        "tcp://127.0.0.1:1: no scheduler can be reached: Connection refused\n"
        "  is the scheduler running? `prprep workers start`"
    )
    with pytest.raises(ClusterError) as second:
        cluster.perform(job, "lint:b", variables={}, report=silent)
    assert second.value is first.value
    cluster.close()
    with pytest.raises(ClusterError, match="the run was interrupted"):
        cluster.perform(job, "lint:c", variables={}, report=silent)


@pytest.mark.parametrize(
    ("greeting", "message"),
    [(b"SSH-2.0-OpenSSH_9.2p1\r\n", "something else than a scheduler answers"), (b"", "timed out")],
)
def test_another_program_at_the_address_is_one_message(monkeypatch, tmp_path, greeting, message):
    monkeypatch.setattr(worker, "CONNECT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=lambda: accepted.append(greet(server, greeting)))
        accepted: list[socket.socket] = []
        accepting.start()
        address = Address.of(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(ClusterError, match=message):
            worker.work(address, tmp_path, cache=tmp_path, timeout=1.0, listen="", report=silent)
        accepting.join()
        accepted[0].close()


def greet(server: socket.socket, greeting: bytes) -> socket.socket:
    connection, _ = server.accept()
    connection.sendall(greeting)
    return connection


def test_an_address_in_use_is_one_message(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address.of(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(UsageError, match=f"{address} cannot be used: Address already in use"):
            scheduler.start(address, tmp_path, silent)


@pytest.mark.slow
def test_what_has_nothing_to_do_is_not_sent(fresh, tmp_path):
    (tmp_path / "target").symlink_to(fresh / "target")
    (tmp_path / ".prprep").symlink_to(fresh / ".prprep")
    text = (fresh / "prprep.yaml").read_text()
    manifest = tmp_path / "prprep.yaml"

    def sent(settings: str) -> list[str]:
        manifest.write_text(text + settings)
        staleness = staleness_of(Workspace.open(manifest))
        return [stage.name for stage in STAGES.values() if runs_code(staleness, stage, "item_00001")]

    assert sent("\n    tests: false\n    verify: false\n") == ["lint", "measure"]
    assert sent("\n    engine: codeflash\n") == ["lint", "tests", "measure", "codeflash", "verify"]
