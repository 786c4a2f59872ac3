"""A job on another machine: another folder, another cache and home, and no repository."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tasks.artifacts import Comparison, MetricName, Samples, Verdict
from tasks.jobs.files import Result
from tests.support.marked import MARK, ended, processes
from tests.support.mistakes import change, command, compare, item, ran, target, variables_of

pytestmark = pytest.mark.slow

CALLS = {"setup": "from textkit import total", "call": "total()"}
ITEM = item(benchmark=CALLS, metrics=["time", "memory"], env={"pass": ["LICENCE"]})


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Pack an item, take its repository away, and carry the job to another machine."""
    root = tmp_path_factory.mktemp("machines")
    repo = target(root / "here")
    run = compare(repo, ITEM, stages=("inject:faster",))
    assert run.code == 0, run.output
    there = root / "there"
    there.mkdir()
    done = ran(run.folder, "job", "pack", "faster", "--output", str(there / "faster.job.zip"))
    assert done.returncode == 0, done.stderr
    repo.path.rename(root / "here" / "gone")
    return root, there


def elsewhere(there: Path) -> dict[str, str]:
    return {"PRPREP_CACHE": str(there / "cache"), "HOME": str(there / "home"), MARK: str(there)}


def test_a_result_from_another_machine_is_evidence_as_a_local_one(packed):
    root, there = packed
    done = ran(there, "job", "run", "faster.job.zip", **elsewhere(there))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"wrote {there}/faster.result.zip, from ")
    assert "LICENCE, which the manifest passes to the project's code, is not set on this machine" in done.stderr
    (root / "here" / "gone").rename(root / "here" / "repo")
    folder = root / "here" / "work"
    collected = ran(folder, "job", "collect", str(there / "faster.result.zip"))
    assert collected.returncode == 0, collected.stderr
    result, files = Result.read(there / "faster.result.zip")
    assert not [name for name, content in files.items() if str(root).encode() in content and "profiles/" not in name]
    state = folder / ".prprep" / "faster"
    theirs = Samples.read(state / "samples.json")
    assert theirs.platform == result.platform
    assert (state / "profiles").is_dir()
    assert len(list(state.glob("*.benchmark.json"))) == 2

    again = ran(folder, "compare:faster")
    assert again.returncode == 0, again.stderr
    assert "-- measure:faster\n" in again.stdout
    assert Samples.read(state / "samples.json") == theirs
    comparison = Comparison.read(state / "compare.json")
    test = comparison.tests[0]
    for metric in (MetricName.TIME, MetricName.PEAK):
        assert change(comparison, metric, test).verdict is Verdict.IMPROVED
    assert comparison.platform == result.platform

    assert ran(folder, "forget", "measure:faster").returncode == 0
    assert ran(folder, "measure:faster").returncode == 0
    ours = Samples.read(state / "samples.json")
    assert ours != theirs
    there, here = shape(theirs), shape(ours)
    assert {name: (there[name], here[name]) for name in there if there[name] != here[name]} == {}


def shape(samples: Samples) -> dict[str, object]:
    """Return what two measurements of the same trees on equal machines have in common."""
    fields = samples.model_dump(
        mode="json", exclude={"measurements", "load", "functions", "stacks", "sites", "held", "notes"}
    )
    sides = {f"{side} {name}": value for side in ("base", "head") for name, value in fields.pop(side).items()}
    for side in ("base", "head"):
        del sides[f"{side} environment"]  # it depends on the path of the tree
    return fields | sides | {"metrics": [(each.test, each.metric) for each in samples.measurements]}


def running_jobs(mark: str) -> list[psutil.Process]:
    """Return the processes of `prprep job` that do not end at once."""
    found = []
    for process in processes(mark):
        with suppress(psutil.Error):  # it has ended meanwhile
            if "job" in process.cmdline():
                found.append(process)
    return psutil.wait_procs(found, timeout=10)[1]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=str,
)
def test_nothing_is_left_of_a_job_whose_client_ends(packed, tmp_path, number, code):
    _, there = packed
    job = shutil.copy(there / "faster.job.zip", tmp_path)
    variables = variables_of({**elsewhere(there), MARK: str(tmp_path)})
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    running = subprocess.Popen(command("job", "run", job), cwd=tmp_path, env=variables, text=True, **streams)
    for line in running.stderr:
        if "launch 1" in line:
            break
    assert len(processes(str(tmp_path))) > 3
    os.kill(running.pid, number)
    assert running.wait(30) == code
    assert ended(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["faster.job.zip"]


def test_a_job_that_takes_too_long_is_a_result(packed, tmp_path):
    _, there = packed
    job = shutil.copy(there / "faster.job.zip", tmp_path)
    variables = {**elsewhere(there), MARK: str(tmp_path)}
    done = ran(tmp_path, "job", "run", job, "--timeout", "2", **variables)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ERROR: the job took longer than 2 s and was stopped\n  allow it more: --timeout SECONDS\n"
    )
    error = Result.read(tmp_path / "faster.result.zip")[0].error
    assert error.what == "the job took longer than 2 s and was stopped"
    assert not running_jobs(str(tmp_path))
