"""Files that the project's code may have written are read without following it anywhere."""

from __future__ import annotations

import os

from tasks.storage import files


def test_only_regular_files_of_a_sane_size_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"{}")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(files.LARGEST + 1)
    assert files.read_regular(tmp_path / "file") == b"{}"
    for name in ("link", "folder", "pipe", "large", "missing"):
        assert files.read_regular(tmp_path / name) is None, name
        assert files.read_json(tmp_path / name) == {}
