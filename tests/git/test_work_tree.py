"""A commit of the work tree, with the changes that are not committed, in a repository of prprep's own."""

from __future__ import annotations

import os

import pytest

from tasks.errors import RepositoryError, UsageError
from tasks.git import work_tree
from tasks.git.commands import run_git
from tasks.git.work_tree import commit_work_tree
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched


@pytest.fixture
def repo(tmp_path):
    files = {"a.py": "a = 1\n", "b.py": "b = 1\n", "folder/c.py": "c = 1\n", ".gitignore": "*.log\n"}
    return TargetRepo(tmp_path / "repo", files)


def files_of(store, commit):
    names = run_git(store, ["ls-tree", "-r", "-z", "--name-only", commit]).split(b"\0")
    return {
        os.fsdecode(name): run_git(store, ["show", f"{commit}:{os.fsdecode(name)}"]).decode() for name in names if name
    }


def test_what_is_changed_staged_new_and_deleted_is_in_the_commit(repo, tmp_path):
    store = tmp_path / "store.git"
    assert commit_work_tree(repo.path, store) == repo.head
    repo.write({"a.py": "a = 2\n", "b.py": None, "folder/c.py": "c = 2\n", "new file.py": "n = 1\n", "x.log": "x\n"})
    repo.git("add", "folder/c.py")
    repo.write(
        {
            "folder/c.py": "c = 3\n",
            ".codeflash/report.md": "prprep's\n",
            ".prprep/log.txt": "prprep's\n",
            "prprep.yaml": "",
        }
    )
    TargetRepo(repo.path / "inner", {"other.py": "o = 1\n"})
    with untouched(repo.path):
        commit = commit_work_tree(repo.path / "folder", store)
        assert commit_work_tree(repo.path, store) == commit
    assert files_of(store, commit) == {
        ".gitignore": "*.log\n",
        "a.py": "a = 2\n",
        "folder/c.py": "c = 3\n",
        "new file.py": "n = 1\n",
    }
    assert run_git(store, ["rev-parse", f"{commit}^"]).decode().strip() == repo.head


def test_the_users_own_lists_of_what_to_ignore_apply(repo, tmp_path, monkeypatch):
    excluded = tmp_path / "excluded"
    excluded.write_text("*.mine\n")
    configuration = tmp_path / "configuration"
    configuration.write_text(f"[core]\n\texcludesFile = {excluded}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "exclude").write_text("*.here\n")
    repo.write({"a.mine": "1\n", "a.here": "1\n"})
    assert commit_work_tree(repo.path, tmp_path / "store.git") == repo.head


def test_no_filter_and_no_hook_of_the_user_runs(repo, tmp_path):
    ran = tmp_path / "ran"
    repo.git("config", "filter.shout.clean", f"touch {ran}")
    repo.git("config", "core.fsmonitor", f"touch {ran}")
    repo.write({".gitattributes": "*.py filter=shout\n", "a.py": "a = 2\n"})
    store = tmp_path / "store.git"
    assert files_of(store, commit_work_tree(repo.path, store))["a.py"] == "a = 2\n"
    assert not ran.exists()


def test_conflicts_are_refused(repo, tmp_path):
    repo.branch("other")
    repo.commit({"a.py": "a = 2\n"})
    repo.checkout("main")
    repo.commit({"a.py": "a = 3\n"})
    with pytest.raises(AssertionError, match="git merge"):
        repo.git("merge", "other")
    with pytest.raises(UsageError, match=r"a\.py has conflicts"):
        commit_work_tree(repo.path, tmp_path / "store.git")


def test_large_untracked_files_are_refused(repo, tmp_path, monkeypatch):
    monkeypatch.setattr(work_tree, "MOST_UNTRACKED", 10)
    repo.write({"data.csv": "1,2,3,4,5,6,7\n"})
    with pytest.raises(UsageError, match=r"untracked files have 14 B, most of it in data\.csv"):
        commit_work_tree(repo.path, tmp_path / "store.git")


def test_without_a_work_tree_or_commits_there_is_nothing_to_commit(tmp_path):
    empty = TargetRepo(tmp_path / "empty")
    with pytest.raises(RepositoryError, match="no commits yet"):
        commit_work_tree(empty.path, tmp_path / "store.git")
    empty.git("init", "--quiet", "--bare", str(tmp_path / "bare.git"))
    with pytest.raises(RepositoryError, match="no work tree"):
        commit_work_tree(tmp_path / "bare.git", tmp_path / "store.git")
