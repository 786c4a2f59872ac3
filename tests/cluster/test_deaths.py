"""A worker, the scheduler or a client dies, or a job hangs: the message says which, and nothing is left."""

from __future__ import annotations

import json
import signal
import time

import psutil
import pytest

from tasks.artifacts import ProjectTests
from tests.support.clusters import CHECK, ClusterOfProcesses
from tests.support.mistakes import item, manifest, ran, target

pytestmark = pytest.mark.slow(1)

RUNS = "tests:faster"
SECRET = "hush-5f81c2d9-never"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("deaths")


@pytest.fixture(scope="module")
def folder(root):
    return manifest(
        target(root, base={"check.py": CHECK}), item(tests="python check.py", env={"pass": ["LICENCE_KEY"]})
    )


@pytest.fixture(scope="module")
def cluster(root):
    cluster = ClusterOfProcesses(root)
    cluster.scheduler()
    yield cluster
    cluster.end()
    assert cluster.has_ended()


@pytest.fixture(scope="module")
def worker(cluster):
    """Start a worker that outlives its jobs."""
    worker = cluster.worker("one", "--timeout", "10")
    yield worker
    cluster.end(worker)


def held(cluster, folder, **variables):
    """Start a run whose tests do not end before `hold` is gone."""
    (folder / ".prprep/faster/tests.json").unlink(missing_ok=True)
    cluster.seen()
    cluster.hold()
    return cluster.client(folder, RUNS, LICENCE_KEY=SECRET, **variables)


@pytest.fixture
def client(cluster, folder):
    client = held(cluster, folder)
    yield client
    (cluster.root / "hold").unlink(missing_ok=True)
    client.end()


def worker_of_the_job(cluster, *workers):
    """Wait until the tests run, and return the worker that runs them."""
    ends, seen = time.monotonic() + 60, []
    while True:
        seen += cluster.seen()
        busy = [worker for worker in workers if worker.output.splitlines()[-1] == f"{RUNS}: begins"]
        if seen and busy:
            assert "LICENCE_KEY" not in seen[0]
            return busy[0]
        assert time.monotonic() < ends, "\n".join(program.output for program in cluster.programs)
        time.sleep(0.1)


def killed(program):
    """Kill a program with SIGKILL, and return whether all its processes end."""
    processes = psutil.Process(program.process.pid).children(recursive=True)
    assert any("check.py" in process.cmdline() for process in processes)
    program.end(signal.SIGKILL)
    return not psutil.wait_procs(processes, timeout=20)[1]


def test_a_job_whose_worker_dies_is_sent_to_another_but_not_to_a_third(cluster, folder, client):
    workers = [cluster.worker("one"), cluster.worker("two")]
    first = worker_of_the_job(cluster, *workers)
    assert killed(first)
    (second,) = [worker for worker in workers if worker is not first]
    address = first.output.partition("as ")[2].splitlines()[0]
    client.wait_for(f"{RUNS}: LICENCE_KEY is not sent to the worker: the connection is not encrypted")
    client.wait_for(f"{RUNS}: the worker at {address} died: the job is sent once more")
    assert worker_of_the_job(cluster, second) is second
    (cluster.root / "hold").unlink()
    assert client.process.wait(60) == 0
    assert ProjectTests.read(folder / ".prprep/faster/tests.json").head.code == 0

    client, workers = held(cluster, folder), [second, cluster.worker("one")]
    for _ in range(2):
        worker = worker_of_the_job(cluster, *workers)
        assert killed(worker)
        workers.remove(worker)
    assert client.process.wait(60) == 1
    assert f"{RUNS}: the worker at tcp://" in client.output
    assert "died; another one had died with this job before\n  what it wrote to its terminal may say" in client.output
    assert not (folder / ".prprep/faster/tests.json").exists()
    assert cluster.has_ended(cluster.programs[0])


def test_without_a_worker_a_run_says_how_to_start_one(cluster, folder):
    soon = json.dumps({"tasks.cluster.coordinator.JOIN_SECONDS": 1})
    client = held(cluster, folder, PRPREP_BRIEFLY=soon)
    assert client.process.wait(90) == 1
    assert f"{cluster.address}: no worker has joined this scheduler\n  start one on each machine" in client.output


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=str
)
def test_a_job_ends_with_its_client_and_the_worker_goes_on(cluster, worker, client, number, code):
    said = len(worker.output)
    assert worker_of_the_job(cluster, worker)
    assert client.end(number) == code
    assert worker.wait_for(f"{RUNS}: was ended: ", after=said) == "nobody waits for this job any more"
    assert cluster.has_ended(cluster.programs[0], worker)


def test_a_job_that_hangs_is_ended_by_its_worker(cluster, folder, worker, client):
    assert worker_of_the_job(cluster, worker)
    assert client.process.wait(60) == 1
    assert "the job took longer than 10 s and was stopped\n(on " in client.output
    assert "  allow it more: --timeout SECONDS\n" in client.output
    assert "python check.py at base" in ran(folder, "explain", "faster").stdout
    assert cluster.has_ended(cluster.programs[0], worker)


def test_the_scheduler_takes_the_jobs_with_it(cluster, worker, client):
    assert worker_of_the_job(cluster, worker)
    cluster.end(cluster.programs[0])
    assert client.process.wait(60) == 1
    assert (
        f"{cluster.address}: the scheduler is gone, and its workers have ended their jobs\n  start it" in client.output
    )
    assert worker.process.wait(60) == 1
    assert worker.output.splitlines()[-2:] == [
        f"ERROR: {cluster.address}: the scheduler cannot be reached any more; a job that ran was ended",
        "  start this worker again, and before it the scheduler if that has ended",
    ]
    assert cluster.has_ended()
