import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tasks.processes.scratch import remove_abandoned, scratch_folder, temporary_folder

CHECKOUT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from tasks.processes.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / 'x').touch()
    print(folder, flush=True)
    time.sleep(600)
"""


def left(cache: Path) -> set[str]:
    return {path.name for path in (cache / "scratch").iterdir()}


@pytest.mark.slow
def test_processes_that_still_write_to_a_temporary_folder_are_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    script = 'cd "$1"; mkdir -p a; echo; while [ $((n += 1)) -lt 9999 ]; do : > a/$n; done'
    with ExitStack() as stack:
        with temporary_folder() as folder:
            command = ["sh", "-c", script, "sh", folder]
            # Beside ten of them, to remove the folder once has failed each time.
            for _ in range(10):
                writing = stack.enter_context(
                    subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                )
                stack.callback(writing.kill)
                assert writing.stdout.readline() == b"\n"
        assert not folder.exists()


def test_a_folder_is_empty_and_removed_afterwards(tmp_path):
    with scratch_folder(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        assert folder.is_relative_to(tmp_path)
        (folder / "deep").mkdir(mode=0o500)
    assert left(tmp_path) == set()


def test_it_is_removed_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path):
        _ = 1 / 0
    assert left(tmp_path) == set()


def test_no_folder_is_created_if_there_is_nothing_to_remove(tmp_path):
    remove_abandoned(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_folders_of_killed_runs_are_removed_and_those_in_use_stay(tmp_path):
    with scratch_folder(tmp_path) as used:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        doomed = Path(holder.stdout.readline().strip())
        remove_abandoned(tmp_path)
        assert (doomed / "x").exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
        remove_abandoned(tmp_path)
        assert not doomed.exists()
        assert used.is_dir()
    assert left(tmp_path) == {"folders.lock"}
