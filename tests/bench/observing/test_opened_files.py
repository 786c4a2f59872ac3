"""Files that are opened by whatever process, seen by inotify."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.bench.observing.opened_files import OpenedFiles

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def test_whatever_opens_a_file_is_seen(tmp_path):
    for name in ("read", "target", "not read"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("target")
    with OpenedFiles().watching(tmp_path, ["read", "link", "not read", "missing"]) as opened:
        assert opened.so_far() == set()
        subprocess.run(["cat", "read"], cwd=tmp_path, check=True)
        assert opened.so_far() == {"read"}
        (tmp_path / "target").read_text()
        assert opened.so_far() == {"read", "link"}
    assert opened.so_far() == {"read", "link"}


def test_removed_and_missing_files_do_not_count_as_opened_even_if_the_queue_overflows(tmp_path):
    for name in ("one", "two", "removed"):
        (tmp_path / name).touch()
    with OpenedFiles().watching(tmp_path, ["one", "two", "removed", "missing"]) as opened:
        (tmp_path / "removed").unlink()
        assert opened.so_far() == set()
        # The kernel joins equal events that follow each other.
        for _ in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 1):
            (tmp_path / "one").read_bytes()
            (tmp_path / "two").read_bytes()
        assert opened.so_far() == {"one", "two"}
