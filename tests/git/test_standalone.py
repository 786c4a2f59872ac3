"""A reader's clone of a private clone that borrows its objects."""

import os
import subprocess

import pytest

from tasks.errors import RepositoryError
from tasks.git import Clone
from tasks.git.standalone import clone_for_reader, object_stores, reader_variables, repository_state
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow


@pytest.fixture
def cloned(tmp_path):
    repo = TargetRepo(tmp_path / "target", {"a.txt": "base\n"})
    base = repo.head
    lost = repo.commit({"a.txt": "head\n"})
    repo.git("reset", "--quiet", "--hard", base)  # `lost` is named by no ref.
    with untouched(repo.path), Clone.open(str(repo.path), tmp_path / "cache", wanted=(lost,)) as clone:
        clone_for_reader(clone.tree_repository(base, lost), tmp_path / "reader", base)
    return repo, tmp_path / "reader", base, lost


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **reader_variables()},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_both_commits_exist_and_the_first_is_checked_out(cloned):
    _, reader, base, lost = cloned
    assert (git(reader, "rev-parse", "HEAD"), (reader / "a.txt").read_text()) == (base, "base\n")
    assert git(reader, "cat-file", "-t", lost) == "commit"
    assert git(reader, "status", "--porcelain") == ""
    assert list(object_stores(reader / ".git")) == [reader / ".git" / "objects"]


@pytest.mark.parametrize("linked", [True, False])
def test_both_commits_exist_in_a_clone_of_a_shallow_one(tmp_path, linked):
    origin = TargetRepo(tmp_path / "origin", {"a.txt": "first\n"})
    base = origin.commit({"a.txt": "base\n"})
    lost = origin.commit({"a.txt": "head\n"})
    origin.git("clone", "--quiet", "--depth=2", origin.path.as_uri(), str(tmp_path / "target"))
    repo = TargetRepo(tmp_path / "target")
    repo.git("reset", "--quiet", "--hard", base)
    with untouched(repo.path), Clone.open(str(repo.path), tmp_path / "cache", wanted=(lost,)) as clone:
        clone_for_reader(clone.tree_repository(base, lost), tmp_path / "reader", base, linked=linked)
    assert (tmp_path / "reader" / "a.txt").read_text() == "base\n"
    assert git(tmp_path / "reader", "log", "--format=%H", lost) == f"{lost}\n{base}"
    assert list(object_stores(tmp_path / "reader" / ".git")) == [tmp_path / "reader" / ".git" / "objects"]


def test_no_hook_of_the_user_runs(cloned, tmp_path, monkeypatch):
    _, reader, base, _ = cloned
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[core]\n hooksPath = {hook.parent}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(reader, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), base)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("branch", "x"), "branches and tags"),
        (("checkout", "--quiet", "-b", "x"), "HEAD"),
        (("worktree", "add", "--quiet", "--detach", "../tree"), "work trees"),
        (("config", "user.name", "x"), "configuration"),
        (("rm", "--quiet", "a.txt"), "files"),
    ],
)
def test_changes_show_in_the_state(cloned, arguments, what):
    _, reader, _, _ = cloned
    before = repository_state(reader)
    git(reader, *arguments)
    after = repository_state(reader)
    assert what in {name for name in before if before[name] != after[name]}


def test_output_of_prprep_is_not_a_change(cloned):
    _, reader, _, _ = cloned
    before = repository_state(reader)
    for folder in (".prprep", ".codeflash"):
        (reader / folder).mkdir()
        (reader / folder / "x").touch()
    assert repository_state(reader) == before
    (reader / "stash.txt").touch()
    assert repository_state(reader) != before


def test_a_missing_commit_raises(tmp_path, cloned):
    with (
        pytest.raises(RepositoryError, match="the repository could not be cloned"),
        Clone.open(str(cloned[0].path), tmp_path / "cache") as clone,
    ):
        clone_for_reader(clone.path, tmp_path / "other", "0" * 40)
