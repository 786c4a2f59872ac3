"""Folders that end with their step, or at the next start."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.processes.scratch import remove_abandoned, scratch_folder

CHECKOUT = Path(__file__).parents[2]
HOLD = "import sys, time\nfrom pathlib import Path\nfrom tasks.processes.scratch import scratch_folder\nwith scratch_folder(Path(sys.argv[1])) as folder:\n    (folder / 'x').touch()\n    print(folder, flush=True)\n    time.sleep(600)\n"


def left(cache: Path) -> set[str]:
    return {path.name for path in (cache / "scratch").iterdir()}


def test_a_folder_is_empty_and_gone_afterwards(tmp_path):
    with scratch_folder(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        assert folder.is_relative_to(tmp_path)
        (folder / "deep").mkdir(mode=0o500)
    assert left(tmp_path) == {"folders.lock"}


def test_it_is_gone_after_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path):
        _ = 1 / 0
    assert left(tmp_path) == {"folders.lock"}


def test_nothing_is_made_where_there_is_nothing_to_remove(tmp_path):
    remove_abandoned(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_what_a_killed_run_left_goes_at_the_next_start_and_what_is_in_use_stays(tmp_path):
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
