"""Addresses of schedulers, and the certificates of a cluster."""

import shutil
import ssl
import subprocess
import sys

import pytest

from tasks.cluster import keys
from tasks.cluster.addresses import Address
from tasks.errors import UsageError
from tests.support.runs import CHECKOUT, prprep

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("text", "spelled", "is_loopback"),
    [
        ("tls://bench:8786", "tls://bench:8786", False),
        ("tls://bench", "tls://bench:8786", False),
        ("tls://[2001:db8::1]:1", "tls://[2001:db8::1]:1", False),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", True),
        ("tcp://localhost", "tcp://localhost:8786", True),
        ("tcp://[::1]:8786", "tcp://[::1]:8786", True),
    ],
)
def test_an_address_is_read(text, spelled, is_loopback):
    address = Address.of(text)
    assert (str(address), address.is_loopback, address.is_encrypted) == (spelled, is_loopback, spelled[:3] == "tls")


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "bench", "[::]", "128.0.0.1", "localhost.example.org"])
def test_plain_tcp_beyond_this_machine_is_refused(host):
    with pytest.raises(UsageError) as raised:
        Address.of(f"tcp://{host}:8786")
    assert str(raised.value) == (
        f"tcp://{host}:8786 is not encrypted: whoever reaches it could read the jobs and run code\n"
        f"  use tls://{host}:8786; `prprep workers keys` writes the certificates for it"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bench:8786",
        "ws://bench:1",
        "tls://",
        "tls://a:",
        "tls://a:b",
        "tls://a:99999",
        "tls://a/x",
        "tls://a:b@c:1",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match=r"is not the address of a scheduler\n  write tls://HOST:8786, or tcp://"):
        Address.of(text)


def test_certificates_are_for_their_roles_and_never_replaced(tmp_path):
    written = keys.write_keys(tmp_path / "keys")
    assert [file.name for file in written] == ["ca.pem", "scheduler.pem", "worker.pem", "client.pem"]
    assert sorted((tmp_path / "keys").iterdir()) == sorted(written)
    assert [file.stat().st_mode & 0o777 for file in written[1:]] == [0o600] * 3
    assert b"PRIVATE KEY" not in written[0].read_bytes()
    for role in keys.ROLES:
        ssl.create_default_context(cafile=written[0]).load_cert_chain(tmp_path / "keys" / f"{role}.pem")
        assert keys.security(role, Address.of("tls://bench"), tmp_path / "keys").require_encryption
        assert keys.security(role, Address.of("tcp://localhost"), tmp_path / "none") is None
    before = {file: file.read_bytes() for file in written}
    done = prprep(["workers", "keys", "keys"], folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith(f"ERROR: {tmp_path}/keys: there are certificates already: ca.pem, scheduler.pem, ")
    assert {file: file.read_bytes() for file in written} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.unlink(), "this certificate is missing"),
        (lambda file: file.write_bytes(b"x"), "this certificate cannot be read: it has no certificate"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_one_message(tmp_path, change, message):
    keys.write_keys(tmp_path)
    change(tmp_path / "client.pem")
    with pytest.raises(UsageError) as raised:
        keys.security("client", Address.of("tls://bench"), tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}/client.pem: {message}\n  `prprep workers keys` writes them once")


def test_an_expired_certificate_is_named_with_its_date(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "VALID", keys.timedelta(hours=-1))
    keys.write_keys(tmp_path)
    with pytest.raises(UsageError, match=r"this certificate was valid until 20\d\d-\d\d-\d\d"):
        keys.security("worker", Address.of("tls://bench"), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["workers", "stop"], "`prprep workers` has no stop\n  it has: keys, start"),
        (["workers", "start", "tcp://0.0.0.0:8786"], "tcp://0.0.0.0:8786 is not encrypted"),
        (
            ["workers", "start", "tls://127.0.0.1:0", "--keys", "none"],
            "{folder}/none/ca.pem: this certificate is missing",
        ),
        (["worker", "tcp://bench"], "tcp://bench:8786 is not encrypted"),
        (["worker", "tls://bench", "--keys", "none"], "{folder}/none/ca.pem: this certificate is missing"),
        (["worker", "tcp://localhost", "--listen", "0.0.0.0"], "tcp://0.0.0.0:8786 is not encrypted"),
        (["worker", "tls://bench", "--timeout", "0"], "--timeout is 0, must be more than 0"),
    ],
)
def test_wrong_commands_are_one_message(tmp_path, arguments, message):
    done = prprep(arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"ERROR: {message.replace('{folder}', str(tmp_path))}")


def test_the_manifest_names_the_workers_and_the_command_another_or_none(fresh, tmp_path):
    folder = shutil.copytree(fresh, tmp_path / "copy", symlinks=True)
    manifest = folder / "prprep.yaml"
    manifest.write_text(manifest.read_text().replace("version: 1", "version: 1\nworkers: tcp://10.0.0.1:1"))
    wrong = prprep([], folder=folder)
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert wrong.stderr.startswith("ERROR: tcp://10.0.0.1:1 is not encrypted")
    assert prprep(["--workers", "tcp://a:b"], folder=folder).stderr.startswith('ERROR: "tcp://a:b" is not the address')
    for others in ("none", "tcp://localhost"):
        done = prprep(["--workers", others], folder=folder)
        assert done.returncode == 0, done.stderr
        assert "-- measure:item_00001" in done.stdout  # up to date, wherever it was measured


WITHOUT = """
import sys

if {missing}:
    sys.modules["distributed"] = None
sys.argv = ["prprep", *{arguments}]
from tasks.__main__ import main

try:
    main()
except SystemExit as ending:
    print("code", ending.code)
roots = {{name.partition(".")[0] for name in sys.modules}}
print("loaded", sorted(roots & {{"dask", "distributed", "tornado", "cryptography"}}))
"""


def without(folder, *arguments: str, missing: bool = False) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(arguments=list(arguments), missing=missing)
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_nothing_of_dask_is_imported_without_workers(fresh):
    for arguments in ((), ("status",), ("--workers", "none"), ("--workers", "tcp://localhost:1")):
        done = without(fresh, *arguments)
        assert done.stdout.splitlines()[-2:] == ["code 0", "loaded []"], done.stdout + done.stderr


@pytest.mark.slow
def test_a_missing_extra_is_named(tmp_path):
    done = without(tmp_path, "worker", "tcp://localhost:1", missing=True)
    assert done.stdout.splitlines()[0] == "code 3"
    assert (
        done.stderr
        == "ERROR: the package distributed is not installed\n  install prprep with it: pip install 'prprep[cluster]'\n"
    )
