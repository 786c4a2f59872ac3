"""A cluster with TLS: evidence comes home as from a local run, and who has no certificate is refused."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest

from tasks.artifacts import ProjectTests, Samples
from tasks.bench import machine
from tasks.cluster import keys
from tasks.cluster.addresses import Address
from tests.support.clusters import CHECK, ClusterOfProcesses
from tests.support.mistakes import PYPROJECT, item, manifest, ran, target

pytestmark = pytest.mark.slow(2)

SECRET = "hush-5f81c2d9-never"
RECORDED = """
from textkit import total


def test_it_adds():
    assert total(20_000) == 199_990_000
"""
CALLS = {"setup": "from textkit import total", "call": "total()"}
FIRST = item(tests="python check.py", verify=True, env={"pass": ["LICENCE_KEY"]}, benchmark=CALLS)
SECOND = item(benchmark=None, functions="textkit:total") | {"id": "second"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def cluster(root):
    """Start a scheduler and two workers, as different machines as one machine can have."""
    keys.write_keys(root / "keys")
    cluster = ClusterOfProcesses(root, keys=root / "keys")
    cluster.scheduler()
    cluster.worker("one")
    cluster.worker("two")
    yield cluster
    cluster.end()
    assert cluster.has_ended()


@pytest.fixture(scope="module")
def folder(root):
    files = {"pyproject.toml": PYPROJECT, "check.py": CHECK, "tests/test_it.py": RECORDED}
    files["tests/benchmarks/test_benchmark_total.py"] = None
    return manifest(target(root, base=files), FIRST, SECOND)


@pytest.fixture(scope="module")
def done(cluster, folder):
    """Run everything on the cluster, once."""
    return cluster.ran(folder, LICENCE_KEY=SECRET)


def state(folder, item_id):
    return folder / ".prprep" / item_id


def test_all_stages_of_all_items_are_done_elsewhere(cluster, folder, done):
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 items:" in done.stdout
    performed = {
        line.partition(": done after")[0]
        for program in cluster.programs[1:3]
        for line in program.output.splitlines()
        if ": done after" in line
    }
    code = {f"{stage}:{each}" for stage in ("lint", "measure") for each in ("faster", "second")}
    assert performed == code | {"tests:faster", "verify:faster", "record:second"}
    for program in cluster.programs[1:3]:
        assert ": done after" in program.output
    for item_id in ("faster", "second"):
        platform = Samples.read(state(folder, item_id) / "samples.json").platform
        assert platform.startswith(f"{machine.kind()}, Python ")
        assert f"\non {platform}:\n" in (state(folder, item_id) / "log.txt").read_text()
        assert (state(folder, item_id) / "profiles").is_dir()
    assert not list((cluster.root / "client" / "cache").glob("environments/*"))


def test_a_second_run_does_nothing_and_needs_no_scheduler(folder, done):
    again = ran(folder, "--workers", "tls://127.0.0.1:1")
    assert again.returncode == 0, again.stderr
    assert not [line for line in again.stdout.splitlines() if line.startswith(".  ")]


def test_verdicts_are_those_of_a_local_run(folder, done):
    """Measure one of them again here, from the same benchmark."""
    there = verdicts(folder, "second")
    assert set(there.values()) == {"improved", "unchanged"}
    assert ran(folder, "forget", "measure:second").returncode == 0
    here = ran(folder, "run", "compare:second")
    assert here.returncode == 0, here.stderr
    assert "-- lint:second" in here.stdout
    assert verdicts(folder, "second") == there


def verdicts(folder, item_id):
    changes = json.loads((state(folder, item_id) / "compare.json").read_text().partition("\n")[2])["changes"]
    return {(change["test"], change["metric"]): change["verdict"] for change in changes}


def test_commits_are_sent_once_to_each_worker(done):
    sent = [line.rpartition(" ")[2] for line in done.stderr.splitlines() if "sending commits to" in line]
    assert len(sent) == len(set(sent)) == 2


def test_what_is_passed_reaches_the_code_and_nothing_else(cluster, folder, done):
    environments = cluster.seen()
    assert len(environments) == 2  # base and head
    for environment in environments:
        assert environment["LICENCE_KEY"] == SECRET
        assert not [name for name in environment if name.endswith("_NUM_THREADS") or name.startswith("MALLOC_")]
    assert ProjectTests.read(state(folder, "faster") / "tests.json").base.code == 0
    for file in [path for path in cluster.root.rglob("*") if path.is_file() and "seen-" not in path.name]:
        assert SECRET.encode() not in file.read_bytes(), file


def test_certificates_of_another_authority_are_refused(cluster, folder, tmp_path):
    keys.write_keys(tmp_path / "keys")
    assert ran(folder, "forget", "lint:second").returncode == 0
    client = cluster.ran(folder, "lint:second", "--keys", str(tmp_path / "keys"))
    worker = ran(tmp_path, "worker", cluster.address, "--keys", str(tmp_path / "keys"))
    assert (client.returncode, worker.returncode) == (1, 1)
    for said in (client.stdout, worker.stderr):
        assert f"{cluster.address}: no scheduler can be reached: [SSL: CERTIFICATE_VERIFY_FAILED] " in said
        assert "are the certificates of this machine from the same `prprep workers keys`?" in said


def test_a_client_without_a_certificate_or_tls_gets_no_answer(cluster):
    from distributed.core import connect
    from distributed.security import Security

    trusting = ssl.create_default_context(cafile=str(cluster.keys / keys.AUTHORITY))
    trusting.check_hostname = False
    address = cluster.address

    async def ask(address, **arguments):
        connection = await connect(address, timeout=5, **arguments)
        await connection.write({"op": "identity", "reply": True})
        return await connection.read()

    own = keys.security("client", Address.of(address), cluster.keys).get_connection_args("client")
    assert asyncio.run(ask(address, **own))["type"] == "Scheduler"
    with pytest.raises(OSError):
        asyncio.run(ask(address, **own | {"ssl_context": trusting}))
    with pytest.raises(OSError):
        asyncio.run(ask(address.replace("tls", "tcp"), **Security().get_connection_args("client")))


def test_a_client_certificate_is_not_enough_for_a_worker(cluster, tmp_path):
    """Its purpose is checked by those who connect to a worker, so it gets no jobs."""
    for name in ("ca.pem", "client.pem"):
        target = tmp_path / name.replace("client", "worker")
        target.write_bytes((cluster.keys / name).read_bytes())
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "worker.pem")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Uu]nsuitable certificate purpose"):
        handshake(server, keys.security("scheduler", Address.of(cluster.address), cluster.keys))


def handshake(server, security):
    """Let a scheduler connect to a server, in memory."""
    client = security.get_connection_args("scheduler")["ssl_context"]
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(a, b), server.wrap_bio(b, a, server_side=True)
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
