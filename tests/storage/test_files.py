"""Files are written whole or not at all; those that the project's code may have written are read with care."""

from __future__ import annotations

import os

import pytest

from tasks.storage import files
from tasks.storage.files import write_new, write_whole
from tasks.storage.hashing import read_bytes


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, mode):
    target = tmp_path / "prprep.yaml"
    target.write_text("old")
    target.chmod(mode)
    write_whole(target, "new")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", mode)


def test_a_new_file_is_readable_by_everybody_and_nothing_is_left_beside_it(tmp_path):
    write_whole(tmp_path / "a/one.json", b"1")
    write_new(tmp_path / "a/two.json", "2")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a/two.json", "3")
    (tmp_path / "a/link").symlink_to(tmp_path / "gone")
    write_whole(tmp_path / "a/link", "4")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").iterdir()} == dict.fromkeys(
        ("one.json", "two.json", "link"), 0o644
    )
    assert not (tmp_path / "gone").exists()


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
    assert read_bytes(tmp_path / "link") == b"{}"
    for name in ("folder", "pipe", "missing"):
        assert read_bytes(tmp_path / name) is None, name
        assert files.fingerprint_of(tmp_path / name) is None
