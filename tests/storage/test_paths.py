"""Paths in texts, relative to folders."""

from __future__ import annotations

import pytest

from tasks.storage.paths import relative_path, with_relative_paths


@pytest.fixture
def linked(tmp_path):
    """A folder whose real path ends with the name by which it is known, as /private/tmp is that of /tmp on macOS."""
    link = tmp_path / "work"
    real = tmp_path / "private" / str(link).lstrip("/")
    real.mkdir(parents=True)
    link.symlink_to(real)
    return link, real


def test_paths_lose_the_folder_by_either_name(linked):
    link, real = linked
    text = f"{link}/a.py and {real}/b.py in {real}: {link}"
    assert with_relative_paths(text, link) == "a.py and b.py in .: ."


def test_a_folder_of_a_longer_name_is_another_one(tmp_path):
    text = f"{tmp_path}/x/a.py {tmp_path}/x-y/a.py {tmp_path}/xyz"
    assert with_relative_paths(text, tmp_path / "x") == f"a.py {tmp_path}/x-y/a.py {tmp_path}/xyz"


def test_a_path_outside_of_the_folder(tmp_path):
    assert relative_path(tmp_path / "a.py", tmp_path / "b") == "../a.py"
    assert relative_path(str(tmp_path / "b" / "c"), tmp_path) == "b/c"
