"""Full disks, folders that cannot be written, containers, two runs at once, and repositories that change under a run."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from tasks.artifacts import Injection, Linting, MetricName
from tests.support.mistakes import (
    CODE,
    Run,
    command,
    compare,
    is_improved,
    item,
    manifest,
    ran,
    target,
    variables_of,
)
from tests.support.sandboxes import demand_bubblewrap
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow(0.7)


@pytest.fixture
def repo(tmp_path):
    return target(tmp_path)


@contextmanager
def mounted(folder, options):
    """Mount a small file system of its own at `folder`, where this user may."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remounted(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def is_said_plainly(run, *parts):
    """See that a run failed with a message that names the way out, and gave no defect of ours as the reason."""
    assert run.code in {1, 3}, run.output
    assert "defect" not in run.output
    for part in parts:
        assert part.lower() in run.output.lower(), run.output
    return True


def reaches_the_change(run):
    """Check that a run ended well; return whether its benchmark executed the changed code."""
    assert run.code == 0, run.output
    reach = Linting.read(run.state() / "lint.json").reach
    return reach.executed == reach.statements > 0


# -- folders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ["64k", "3m"])
def test_a_cache_on_a_full_disk(repo, tmp_path, room):
    cache = tmp_path / "full"
    with mounted(cache, f"size={room}"), untouched(repo.path):
        assert is_said_plainly(compare(repo, PRPREP_CACHE=str(cache)), "space")
        remounted(cache, "size=2g")
        assert reaches_the_change(compare(repo, stages=("lint",), PRPREP_CACHE=str(cache)))


def test_the_state_on_a_full_disk(repo, tmp_path):
    """Each size of the disk lets further stages write; the next one fails, up to what measuring writes."""
    work = tmp_path / "work"
    work.mkdir()
    with mounted(work / ".prprep", "size=4k"), untouched(repo.path):
        for room in ("4k", "32k", "64k"):
            remounted(work / ".prprep", f"size={room}")
            assert is_said_plainly(compare(repo), "space")
        remounted(work / ".prprep", "size=64m")
        run = compare(repo)
        assert run.code == 0, run.output
        assert is_improved(run.comparison())


def test_bodies_on_a_full_disk_and_in_a_folder_that_is_read_only(repo, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    with mounted(work / ".codeflash", "ro"), untouched(repo.path):
        assert is_said_plainly(compare(repo), "read-only", ".codeflash")
        remounted(work / ".codeflash", "rw,size=4k")
        (work / ".codeflash" / "notes.txt").write_text("in the only page that there is")
        run = compare(repo)
        assert is_said_plainly(run, "space")
        assert "\n-- measure:faster" in run.output
        assert not list((work / ".codeflash").glob("*pr-body*"))
        remounted(work / ".codeflash", "size=8m")
        run = compare(repo)
        assert run.code == 0, run.output
        assert "\n-- measure:faster" in run.output
        assert run.body()


@pytest.mark.parametrize("name", [".prprep", "cache"])
def test_a_folder_that_is_read_only(repo, tmp_path, name):
    work = tmp_path / "work"
    work.mkdir()
    with mounted(work / name, "ro"), untouched(repo.path):
        variables = {"PRPREP_CACHE": str(work / name)} if name == "cache" else {}
        assert is_said_plainly(compare(repo, **variables), "read-only", name)


def test_folders_of_somebody_else(repo, tmp_path):
    work = manifest(repo, item())
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

    shared = (tmp_path, *tmp_path.parents[:3])

    def open_folders():
        # A pytest that another test starts meanwhile closes the folder that all of them share.
        for folder in shared:
            folder.chmod(folder.stat().st_mode | 0o055)

    open_folders()
    (tmp_path / "cache").mkdir(mode=0o755)
    if not prefix:
        for folder in (work, tmp_path / "cache"):
            folder.chmod(0o555)
    variables = variables_of(
        {"PRPREP_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    )
    if subprocess.run(
        [*prefix, *command("--version")], cwd=work, env=variables, capture_output=True, check=False
    ).returncode:
        pytest.skip("another user cannot run this checkout")
    with untouched(repo.path):
        for _ in range(5):
            open_folders()
            done = subprocess.run(
                [*prefix, *command("run")], cwd=work, env=variables, capture_output=True, text=True, check=False
            )
            message = done.stdout + done.stderr
            assert done.returncode == 3, message
            assert "Traceback" not in message
            assert "ermission denied" in message
            if all(folder.stat().st_mode & 0o055 == 0o055 for folder in shared):
                break
    assert ".prprep" in message


# -- two at once --------------------------------------------------------------------------------------


def test_two_runs_from_nothing_share_a_cache_and_a_repository(repo, tmp_path):
    variables = variables_of({"PRPREP_CACHE": str(tmp_path / "cache")})
    folders = [manifest(repo, item(), name=name) for name in ("one", "other")]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with untouched(repo.path):
        begun = [subprocess.Popen(command("run", "lint"), cwd=folder, env=variables, **streams) for folder in folders]
        message = [each.communicate(timeout=300)[0] for each in begun]
    for folder, run, text in zip(folders, begun, message, strict=True):
        assert reaches_the_change(Run(folder, run.returncode, text))


# -- repositories that change between the stages -------------------------------------------------------

PREPARED = ("detect", "scaffold", "inject")


def test_a_repository_that_was_moved(repo, tmp_path):
    assert compare(repo, stages=PREPARED).code == 0
    repo.path.rename(tmp_path / "elsewhere")
    run = compare(repo)
    assert is_said_plainly(run, "there is no such folder", "../repo")
    assert run.code == 3
    (run.folder / "prprep.yaml").write_text((run.folder / "prprep.yaml").read_text().replace("../repo", "../elsewhere"))
    done = ran(run.folder, "run", "lint")
    assert reaches_the_change(Run(run.folder, done.returncode, done.stdout + done.stderr))


def test_another_repository_in_its_place(repo, tmp_path):
    assert compare(repo, stages=PREPARED).code == 0
    shutil.rmtree(repo.path)
    other = target(tmp_path, {"more.py": ""})
    with untouched(other.path):
        run = compare(other, stages=("lint",))
    assert reaches_the_change(run)
    assert Injection.read(run.state() / "inject.json").head.commit == other.git("rev-parse", "faster")


def test_a_branch_that_was_force_pushed_and_its_old_commits_collected(repo):
    assert compare(repo, stages=PREPARED).code == 0
    repo.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "Another one")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    with untouched(repo.path):
        run = compare(repo, stages=("lint",))
    assert reaches_the_change(run)
    assert Injection.read(run.state() / "inject.json").head.commit == repo.head
    assert run.detection().title == "Another one"


def test_a_repository_that_was_packed_anew(repo):
    assert compare(repo, stages=PREPARED).code == 0
    repo.git("gc", "--quiet", "--aggressive", "--prune=now")
    repo.git("pack-refs", "--all")
    with untouched(repo.path):
        run = compare(repo, stages=("lint",))
    assert "\n-- inject:faster" in run.output
    assert reaches_the_change(run)


@pytest.mark.parametrize("packed", [True, False])
def test_a_commit_that_was_collected_after_it_was_prepared(repo, packed):
    commit = repo.head
    lost = item(id="lost", commits=[commit], base="main")
    del lost["head"]
    repo.checkout("main")
    repo.git("branch", "--quiet", "-D", "faster")
    assert compare(repo, lost, stages=PREPARED).code == 0
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc" if packed else "prune", *(["--quiet", "--prune=now"] if packed else ["--expire=now"]))
    run = compare(repo, lost)
    assert is_said_plainly(run, commit[:12])


def test_a_repository_that_lost_objects(repo):
    assert compare(repo, stages=PREPARED).code == 0
    blob = repo.git("rev-parse", f"faster:{CODE}")
    lost = repo.path / ".git/objects" / blob[:2] / blob[2:]
    lost.unlink()
    shutil.rmtree(os.environ["PRPREP_CACHE"] + "/trees", ignore_errors=True)
    run = compare(repo)
    assert is_said_plainly(run, "git could not read")


def test_a_run_with_process_ids_of_its_own(repo):
    """As in a container."""
    demand_bubblewrap()
    folder = manifest(repo, item(metrics="time"))
    alone = ("bwrap", "--unshare-pid", "--die-with-parent", "--dev-bind", "/", "/", "--proc", "/proc", "--")
    done = subprocess.run(
        [*alone, *command("run")], cwd=folder, env=variables_of({}), capture_output=True, text=True, check=False
    )
    run = Run(folder, done.returncode, done.stdout + done.stderr)
    assert run.code == 0, run.output
    (time,) = [each for each in run.samples().measurements if each.metric is MetricName.TIME]
    assert all(launch.waited["base"] for launch in time.launches)
    assert is_improved(run.comparison(), MetricName.TIME)
