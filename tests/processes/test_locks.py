import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tasks.errors import BusyError, PrprepError
from tasks.processes import locks
from tasks.processes.locks import file_lock

HOLDER = """
import sys, time
from pathlib import Path
from tasks.processes.locks import file_lock
with file_lock(Path(sys.argv[1]), busy=None):
    print("held", flush=True)
    time.sleep(300)
"""


def hold_elsewhere(path: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], cwd=root, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.stdout.close()
    return holder


def test_a_busy_lock_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "below" / "lock"
    holder = hold_elsewhere(path)
    try:
        with pytest.raises(BusyError) as caught, file_lock(path, busy="another prprep works in this folder"):
            pass
        expected = (
            f"{path}: another prprep works in this folder\n  wait until process {holder.pid} has ended, or end it"
        )
        assert str(caught.value) == expected
    finally:
        holder.kill()
        holder.wait()


def test_the_kernel_releases_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path / "lock")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with file_lock(tmp_path / "lock", busy="busy"):
        assert locks.holder(tmp_path / "lock") == os.getpid()


def test_a_lock_is_released_after_its_block_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), file_lock(tmp_path / "lock", busy="busy"):
        raise ZeroDivisionError
    with file_lock(tmp_path / "lock", busy="busy"):
        pass


def test_a_second_holder_in_the_same_process_is_refused_or_waits(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with file_lock(tmp_path / "lock", busy=None):
            order.append("second")

    with file_lock(tmp_path / "lock", busy=None):
        with pytest.raises(BusyError), file_lock(tmp_path / "lock", busy="busy"):
            pass
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("name", ["taken/lock", "link", "pipe"])
def test_a_lock_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    assert locks.holder(tmp_path / "pipe") is None
    with pytest.raises(PrprepError, match="the lock cannot be opened"), file_lock(tmp_path / name, busy=None):
        pass
    assert not (tmp_path / "elsewhere").exists()
