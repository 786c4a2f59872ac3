"""`prprep job`: what is packed, what is refused, and what a result writes."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from tasks.artifacts import Failure, Injection, Provenance, Samples
from tasks.cli import PrprepMain
from tasks.errors import MeasuringError
from tasks.jobs import process, running
from tasks.jobs.files import Job, Result, hashes
from tasks.processes.progress import silent
from tasks.stages.measure import STAGE, measure
from tasks.storage.archives import packed, unpacked
from tasks.storage.files import fingerprint_of
from tasks.workspace import nested
from tests.support.mistakes import PYPROJECT, item, manifest, ran, target

SECRET = "hush-5f81c2d9-never"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Make an item that could be measured now, whose benchmark prprep writes, and pack it."""
    root = tmp_path_factory.mktemp("jobs")
    repo = target(root, base={"pyproject.toml": PYPROJECT})
    repo.git("tag", "v1.0", "main")
    written = {"setup": "from textkit import total", "call": "total()"}
    faster = item(benchmark=written, metrics=["time"], env={"pass": ["LICENCE_KEY"]})
    folder = manifest(repo, faster, item(id="other"))
    os.environ["LICENCE_KEY"] = SECRET
    try:
        assert ran(folder, "inject:faster").returncode == 0
        done = ran(folder, "job", "pack", "faster", "--output", "../x.job.zip")
    finally:
        del os.environ["LICENCE_KEY"]
    assert done.returncode == 0, done.stderr
    return folder, root / "x.job.zip"


@pytest.fixture
def job(prepared):
    return Job.read(prepared[1])


@pytest.fixture
def state(prepared):
    """Return the item's state, and remove afterwards what a result wrote there."""
    state = prepared[0] / ".prprep" / "faster"
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    yield state
    for path in [path for path in state.rglob("*") if path.is_file()]:
        path.write_bytes(before[path]) if path in before else path.unlink()


def result_of(job: Job, files: dict[str, bytes], **changes) -> bytes:
    return Result.of(job, "Abacus, 4 rows", files).model_copy(update=changes).archive(files)


def samples(state: Path, **changes) -> Samples:
    """Return samples of the trees that were packed, without a measurement."""
    injection = Injection.read(state / "inject.json")
    sides = {
        side: Provenance(commit="a" * 40, tree=spec.tree, python="3.12.1", environment="e", packages=(), modules=())
        for side, spec in (("base", injection.base), ("head", injection.head))
    }
    fields = {"item": "faster", "benchmark": injection.benchmark, "benchmark_sha256": injection.benchmark_sha256}
    return Samples(**{**fields, "platform": "Abacus, 4 rows, Python 3.12.1", "measurements": (), **sides, **changes})


def files_of(state: Path, **changes) -> dict[str, bytes]:
    return {
        "samples.json": samples(state, **changes).serialized("x").encode(),
        "base.benchmark.json": b"{}",
        "head.benchmark.json": b"{}",
        "profiles/base.bin": b"\0profile",
        "log.txt": b"launch 1\n",
    }


def collected(prepared, content: bytes, *arguments: str):
    file = prepared[1].with_name("y.result.zip")
    file.write_bytes(content)
    return ran(prepared[0], "job", "collect", str(file), *arguments)


# -- packing -----------------------------------------------------------------------------------------


def test_a_job_has_the_same_bytes_every_time_and_nothing_of_this_machine(prepared, job):
    folder, file = prepared
    again = ran(folder, "job", "pack", "faster", "--output", "../again.zip")
    assert again.returncode == 0, again.stderr
    assert file.with_name("again.zip").read_bytes() == file.read_bytes()
    description, files = job
    assert {"job.json", *files} == set(unpacked(file))
    assert [name for name in files if name.startswith("files/")] == [
        "files/" + json.loads(files["scaffold.json"].partition(b"\n")[2])["path"]
    ]
    assert description.settings["env"]["pass"] == ["LICENCE_KEY"]
    for content in unpacked(file).values():
        for text in (SECRET, str(folder.parent), os.environ["PRPREP_CACHE"], str(Path.home())):
            assert text.encode() not in content


def test_only_what_measuring_declares_is_packed(job):
    description, _ = job
    declared = {name.partition(".")[0] for uses in STAGE.uses for name in uses.settings}
    assert set(description.settings) == declared
    assert description.optimization.env.passed == ("LICENCE_KEY",)


@pytest.mark.parametrize(
    ("item_id", "changes", "variables", "message"),
    [
        ("other", {}, {}, "other: detect is not up to date\n  run `prprep inject:other` first"),
        ("faster", {"head": "main~0"}, {}, "faster: detect is not up to date\n"),
        ("faster", {"env": {"python": "/usr/bin/python3"}}, {}, "faster: `env: python` is /usr/bin/python3, a path that"),
        ("faster", {}, {"INDEX_TOKEN": "from textkit import total"}, "faster: a secret of this environment is in tests/"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_elsewhere_is_not_packed(prepared, tmp_path, item_id, changes, variables, message):
    folder, _ = prepared
    text = (folder / "prprep.yaml").read_text()
    spelled = json.loads(text)
    spelled["optimizations"][0] |= changes
    try:
        (folder / "prprep.yaml").write_text(json.dumps(spelled))
        done = ran(folder, "job", "pack", item_id, "--output", str(tmp_path / "x.zip"), **variables)
    finally:
        (folder / "prprep.yaml").write_text(text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"ERROR: {message}")
    assert list(tmp_path.iterdir()) == []


# -- wrong files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (result_of, "this file is not a job: it has no job.json\n  `prprep job pack ID` writes one"),
        (lambda job, files: packed({"job.json": b"{"}), "its job.json is not what prprep writes"),
        (lambda job, files: packed({"job.json": b"[" * 100_000}), "its job.json is not what prprep writes"),
        (lambda job, files: packed({"job.json": b"[]"}), "its job.json is not what prprep writes"),
        (
            lambda job, files: packed({"job.json": b'{"format": 3, "prprep": "9.0", "more": 1}'}),
            "it was written by prprep 9.0, which measures in another way than this one (0.1.0)\n  install the same",
        ),
        (
            lambda job, files: job.model_copy(update={"version": STAGE.version + 1}).archive(files),
            "it was written by prprep 0.1.0, which measures in another way",
        ),
        (lambda job, files: job.archive({**files, "more": b""}), "its files are not those that prprep packed"),
        (lambda job, files: job.archive({**files, "detect.json": b""}), "its files are not those that prprep packed"),
        (lambda job, files: job.model_copy(update={"item": "../x"}).archive(files), "its job.json is not what prprep"),
        (lambda job, files: job.model_copy(update={"history": "../x"}).archive(files), "its job.json is not what"),
    ],
)
def test_a_file_that_is_no_job_is_one_message_and_nothing_runs(tmp_path, job, change, message):
    file = tmp_path / "x.zip"
    file.write_bytes(change(*job))
    done = ran(tmp_path, "job", "run", "x.zip")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"ERROR: {file}: {message}")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("files/.git/config", "this path is not in the tree"), ("detect.json", "this artifact was changed since")],
)
def test_what_a_job_hides_is_found_before_anything_runs(tmp_path, job, path, reason):
    description, files = job
    changed = {**files, path: files.get(path, b"") + b" "}
    (tmp_path / "x.zip").write_bytes(description.model_copy(update={"files": hashes(changed)}).archive(changed))
    running.run_job(tmp_path / "x.zip", tmp_path / "y.zip", cache=tmp_path / "cache", report=silent)
    error = Result.read(tmp_path / "y.zip")[0].error
    assert error.what.startswith(f"this job cannot be run: {reason}")
    assert not (tmp_path / "cache" / "clones").exists()


def fails(error):
    def take_samples(*_, **__):
        raise error

    return take_samples


@pytest.mark.parametrize(
    ("raised", "what", "defect", "code"),
    [
        (MeasuringError("the benchmark failed"), "the benchmark failed", False, 1),
        (OSError(errno.ENOSPC, "No space left on device", "x"), "No space left on device", False, 1),
        (ZeroDivisionError("by zero"), "this is a defect of prprep: ZeroDivisionError: by zero", True, 2),
    ],
    ids=["mistake", "full disk", "defect"],
)
def test_a_failure_is_a_result(prepared, tmp_path, monkeypatch, capsys, raised, what, defect, code):
    monkeypatch.setattr(measure, "take_samples", fails(raised))
    running.run_job(prepared[1], tmp_path / "y.zip", cache=tmp_path / "cache", report=silent)
    result, files = Result.read(tmp_path / "y.zip")
    assert (result.error.what, result.error.defect) == (what, defect)
    assert defect or result.error.kind == {1: "SystemCallError"}.get(isinstance(raised, OSError), "MeasuringError")
    assert what.partition(": ")[0] in files["log.txt"].decode() or "ZeroDivisionError" in files["log.txt"].decode()
    assert list(files) == ["log.txt"]
    # The command that asked for it ends as a local run would.
    monkeypatch.setattr(process, "run", lambda *_, **__: result)
    monkeypatch.chdir(tmp_path)
    assert PrprepMain().run(["job", "run", str(prepared[1])]) == code
    assert f"{what}\n" in capsys.readouterr().err


def test_a_process_that_is_killed_leaves_a_result_that_says_so(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(nested, "command", lambda: ("/bin/sh", "-c", "kill -9 $$"))
    result = process.run(prepared[1], tmp_path / "y.zip", cache=tmp_path / "cache", timeout=None, report=silent)
    assert (result.error.what, result.error.hint) == (
        "`prprep job run` was killed by signal 9",
        "it may have run out of memory",
    )
    assert Result.read(tmp_path / "y.zip") == (result, {})


def test_a_profile_that_no_result_could_hold_is_left_out(prepared, tmp_path, monkeypatch):
    def take_samples(inputs, **_):
        for name, size in {"small.bin": 10, "large.bin": 1000}.items():
            (inputs.state / "profiles").mkdir(parents=True, exist_ok=True)
            (inputs.state / "profiles" / name).write_bytes(b"x" * size)
        return samples(prepared[0] / ".prprep/faster")

    monkeypatch.setattr(measure, "take_samples", take_samples)
    monkeypatch.setattr(running, "MOST_EXPANSION", 1000)
    running.run_job(prepared[1], tmp_path / "y.zip", cache=tmp_path / "cache", report=silent)
    _, files = Result.read(tmp_path / "y.zip")
    assert sorted(files) == ["log.txt", "profiles/small.bin", "samples.json"]
    assert b"the profile large.bin is too large for the result, and left out" in files["log.txt"]


# -- collecting --------------------------------------------------------------------------------------


def test_a_result_becomes_the_artifacts_of_a_local_run(prepared, job, state):
    done = collected(prepared, result_of(job[0], files_of(state)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "faster: measured on Abacus, 4 rows; next: prprep compare:faster\n"
    assert fingerprint_of(state / "samples.json") == job[0].fingerprint
    assert Samples.read(state / "samples.json") == samples(state)
    assert (state / "profiles/base.bin").read_bytes() == b"\0profile"
    assert "on Abacus, 4 rows:\nlaunch 1\n" in (state / "log.txt").read_text()
    lines = ran(prepared[0], "explain", "faster").stdout.splitlines()
    assert [line for line in lines if "measure" in line] == ["  measure    fresh, checked again after lint"]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"fingerprint": "f" * 32}, 1, "faster: this is not a result of the item as it is now: it is an item of another"),
        ({"item": "gone"}, 3, 'prprep.yaml has no optimization "gone"'),
        ({"item": "other"}, 1, "other: detect is not up to date"),
        ({"version": 1}, 3, "{file}: it was written by prprep 0.1.0, which measures in another way"),
    ],
)  # fmt: skip
def test_a_result_of_something_else_is_refused(prepared, job, state, change, code, message):
    before = sorted(state.rglob("*"))
    done = collected(prepared, result_of(job[0], files_of(state), **change))
    file = prepared[1].with_name("y.result.zip")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"ERROR: {message.replace('{file}', str(file))}")
    assert sorted(state.rglob("*")) == before


def test_a_result_of_the_item_as_it_was_says_what_has_changed(prepared, job, state):
    manifest_file = prepared[0] / "prprep.yaml"
    text = manifest_file.read_text()
    try:
        manifest_file.write_text(text.replace('"budget": 0.5', '"budget": 7'))
        done = collected(prepared, result_of(job[0], files_of(state)))
    finally:
        manifest_file.write_text(text)
    assert done.returncode == 1
    assert "as it is now: `budget` is 7.0, was 0.5\n  pack and run it again: `prprep job pack faster`" in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda files, state: {**files, "samples.json": b"{}"},
        lambda files, state: {name: content for name, content in files.items() if name != "samples.json"},
        lambda files, state: {**files, "compare.json": b"{}"},
        lambda files, state: {**files, "profiles/a/b": b""},
        lambda files, state: files_of(state, benchmark_sha256="0" * 64),
        lambda files, state: files_of(state, head=samples(state).base),
    ],
)
def test_samples_of_something_else_are_refused(prepared, job, state, change):
    before = sorted(state.rglob("*"))
    done = collected(prepared, result_of(job[0], change(files_of(state), state)))
    assert (done.returncode, done.stdout) == (3, "")
    assert "its samples" in done.stderr
    assert done.stderr.endswith("run the job again\n")
    assert sorted(state.rglob("*")) == before


def test_a_failure_elsewhere_is_the_failure_of_the_item(prepared, job, state):
    error = {"what": "the benchmark failed", "where": "tests/x.py", "hint": "fix it", "kind": "UnreachedError"}
    failed = Result.model_validate({**Result.of(job[0], "Abacus, 4 rows", {}).model_dump(), "error": error})
    done = collected(prepared, failed.archive({}))
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: tests/x.py: the benchmark failed\n(on Abacus, 4 rows)\n  fix it")
    assert "the benchmark failed" in ran(prepared[0], "explain", "faster").stdout
    assert Failure.read(state / "failure.json").kind == "UnreachedError"
    assert not (state / "samples.json").exists()
    # A later result settles it.
    assert collected(prepared, result_of(job[0], files_of(state))).returncode == 0
    assert not (state / "failure.json").exists()


def test_several_results_are_collected_although_one_is_broken(prepared, job, state):
    broken = prepared[1].with_name("z.zip")
    broken.write_bytes(b"")
    done = collected(prepared, result_of(job[0], files_of(state)), str(broken))
    assert done.returncode == 3
    assert done.stdout.startswith("faster: measured on")
    assert done.stderr == f"ERROR: {broken}: this archive cannot be read: File is not a zip file\n"
