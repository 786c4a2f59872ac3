"""Links that lead nowhere or in a circle, and home folders of users who do not exist."""

from __future__ import annotations

import pytest

from tasks.errors import ManifestError
from tasks.processes.real_paths import expanded, real_path
from tasks.project.files import FolderTree
from tasks.storage.paths import cache_folder
from tasks.workspace.workspace import Workspace


@pytest.fixture
def circle(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    return tmp_path / "a"


def test_a_circle_is_no_error(circle, tmp_path, monkeypatch):
    for path in (circle, circle / "x"):
        assert real_path(path).parent.is_relative_to(tmp_path)
        monkeypatch.setenv("PRPREP_CACHE", str(path))
        assert cache_folder() == real_path(path)
    assert FolderTree(tmp_path).read("a") is None


def test_a_link_is_followed_and_a_missing_file_stays(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "there")
    assert real_path(tmp_path / "link" / "x") == tmp_path / "there/x"
    assert real_path(tmp_path / "gone") == tmp_path / "gone"


def test_the_home_folder_of_an_unknown_user_is_not_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"
    assert str(expanded("~no-such-user/x")) == "~no-such-user/x"


@pytest.mark.parametrize("repo", ["a", "a/x", "~no-such-user/x"])
def test_a_repository_in_a_circle_is_a_mistake_of_the_manifest(circle, tmp_path, repo):
    manifest = tmp_path / "prprep.yaml"
    manifest.write_text(f"version: 1\nrepo: {repo}\noptimizations: [{{id: a, head: x}}]\n")
    with pytest.raises(ManifestError, match=r"there is no such folder|not a git repository"):
        Workspace.open(manifest)
    assert circle.is_symlink()
