"""Files that are opened by whatever process, seen by inotify."""

import sys
from pathlib import Path

import pytest

from tasks.bench.observing.opened_files import OpenedFiles

_LIMIT = Path("/proc/sys/fs/inotify/max_queued_events")


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_removed_and_missing_files_do_not_count_as_opened_even_if_the_queue_overflows(tmp_path):
    for name in ("one", "two", "removed"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("one")
    opened = OpenedFiles()
    with opened.watching(tmp_path, ["one", "two", "removed", "missing"]):
        (tmp_path / "link").read_bytes()
        (tmp_path / "removed").unlink()
        assert opened.so_far() == {"one"}
        # The kernel joins equal events that follow each other.
        for _ in range(int(_LIMIT.read_text()) // 2 + 1):
            (tmp_path / "one").read_bytes()
            (tmp_path / "two").read_bytes()
        assert opened.so_far() == {"one", "two"}
    assert opened.so_far() == {"one", "two"}
