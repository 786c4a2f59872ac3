"""Commits that go to another machine as a bundle."""

import os
import subprocess
from pathlib import Path

import pytest

from tasks.errors import RepositoryError
from tasks.git import Clone, bundles
from tasks.git.bundles import Bundle
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow


def git(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    return subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repo(tmp_path):
    """Make a history with an old large file, a tag, a branch and a commit beside it."""
    repo = TargetRepo(tmp_path / "repo", {"old.txt": "old\n" * 1000, "a.txt": "one\n"})
    repo.git("tag", "-a", "v1.0", "-m", "First")
    repo.commit({"old.txt": None, "VERSION": "1\n"})
    repo.commit({"a.txt": "two\n"})
    repo.branch("side")
    repo.commit({"b.txt": "picked\n"})
    repo.checkout("main")
    repo.commit({"a.txt": "three\n"})
    repo.git("tag", "v2.0")
    return repo


def bundled(repo: TargetRepo, cache: Path, *refs: str) -> Bundle:
    with Clone.open(str(repo.path), cache) as clone:
        return clone.bundle(*refs)


def test_a_bundle_gives_trees_tags_and_cherry_picks_without_the_repository(tmp_path, repo):
    old = repo.git("rev-parse", "main:a.txt", "v1.0:old.txt").split()
    described, picked = repo.git("describe", "--tags", "main~1"), repo.git("rev-parse", "side")
    base = repo.git("rev-parse", "main~1")
    bundle = bundled(repo, tmp_path / "here", base, picked, f"{picked}~1")
    repo.path.rename(tmp_path / "gone")
    with Clone.of_bundle(bundle, tmp_path / "there") as clone:
        head = clone.cherry_pick(base, [picked])
        assert clone.read(head, "b.txt") == b"picked\n"
        clone.worktree(tmp_path / "tree", base)
        assert (tmp_path / "tree" / "a.txt").read_text() == "two\n"
        assert git(tmp_path / "tree", "describe", "--tags").strip() == described
        assert len(git(tmp_path / "tree", "log", "--format=%h", "--", "VERSION").split()) == 1
        objects = git(clone.path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    assert not set(old) & set(objects)


def test_equal_clones_give_equal_bytes_wherever_they_are(tmp_path, repo):
    bundle = bundled(repo, tmp_path / "here", "main", "side")
    assert bundled(repo, tmp_path / "here", "side", "main", "main") == bundle
    repo.path.rename(tmp_path / "moved")
    repo.path = tmp_path / "moved"
    assert bundled(repo, tmp_path / "elsewhere", "main", "side") == bundle


def test_a_later_bundle_adds_what_its_commits_need_and_sets_the_tags(tmp_path, repo):
    newest = bundled(repo, tmp_path / "here", "main")
    with Clone.of_bundle(newest, tmp_path / "there") as clone:
        first = clone.path
        assert {"refs/tags/v1.0", "refs/tags/v2.0"} <= set(git(first, "for-each-ref", "--format=%(refname)").split())
    repo.git("tag", "-d", "v2.0")
    older = bundled(repo, tmp_path / "here", "main", "v1.0")
    assert older.history == newest.history
    with Clone.of_bundle(older, tmp_path / "there") as clone:
        assert clone.path == first
        assert clone.read(repo.git("rev-parse", "v1.0^{commit}"), "old.txt") == b"old\n" * 1000
        assert "refs/tags/v2.0" not in git(first, "for-each-ref", "--format=%(refname)").split()


def test_a_shallow_clone_is_carried_as_it_is(tmp_path, repo):
    repo.git("clone", "--quiet", "--depth=2", f"file://{repo.path}", str(tmp_path / "shallow"))
    with Clone.open(str(tmp_path / "shallow"), tmp_path / "here") as clone:
        bundle = clone.bundle("main")
    with Clone.of_bundle(bundle, tmp_path / "there") as clone:
        commit = repo.git("rev-parse", "main")
        assert clone.is_shallow
        assert [each.sha for each in clone.commits(clone.parents(commit)[0], commit)] == [commit]


def test_a_bundle_is_one_for_git_too(tmp_path, repo):
    (tmp_path / "x.bundle").write_bytes(bundled(repo, tmp_path / "here", "main").content)
    assert "refs/tags/v1.0" in git(repo.path, "bundle", "list-heads", str(tmp_path / "x.bundle"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-40], "git could not unpack the commits: "),
        (lambda content: content[len(content) // 2 :], "this is not a bundle of prprep's"),
        (lambda content: content.replace(b" refs/tags/v1.0", b" refs/heads/x"), "it has a ref that prprep does not"),
    ],
    ids=["cut short", "no header", "another ref"],
)
def test_a_broken_bundle_is_one_message(tmp_path, repo, change, reason):
    bundle = bundled(repo, tmp_path / "here", "main")
    with pytest.raises(RepositoryError, match=reason):
        Clone.of_bundle(bundle._replace(content=change(bundle.content)), tmp_path / "there")
    with Clone.of_bundle(bundle, tmp_path / "there") as clone:
        assert clone.read(repo.git("rev-parse", "main"), "a.txt") == b"three\n"


def test_only_what_the_other_machine_lacks_is_packed(tmp_path, repo):
    """The new commit branches off an old one; the other machine has no contents of files that only old commits have."""
    first = bundled(repo, tmp_path / "here", "main")
    with Clone.of_bundle(first, tmp_path / "there"):
        present = bundles.present_commits(first.history, tmp_path / "there")
    assert present == (repo.git("rev-parse", "main"),)
    repo.git("checkout", "--quiet", "-b", "late", "v1.0")
    repo.commit({"new.txt": "new\n"})
    repo.git("tag", "v1.1")
    late = repo.git("rev-parse", "late")
    with Clone.open(str(repo.path), tmp_path / "here") as clone:
        outline = clone.bundle_outline("late")
        whole, rest = clone.bundle("late"), clone.bundle("late", present=(*present, "0" * 40))
    assert bundles.commits_of(outline) == bundles.commits_of(rest) == (late,)
    assert outline.content.rstrip() == rest.content.partition(b"\n\n")[0]
    assert len(rest.content) < len(whole.content)
    with pytest.raises(RepositoryError, match="removed from the cache meanwhile"):
        Clone.of_bundle(outline, tmp_path / "there")
    with Clone.of_bundle(rest, tmp_path / "there") as clone:
        assert clone.read(late, "old.txt") == b"old\n" * 1000
        clone.worktree(tmp_path / "tree", late)
        assert git(tmp_path / "tree", "describe", "--tags").strip() == "v1.1"
        assert set(bundles.present_commits(rest.history, tmp_path / "there")) == {*present, late}
    with Clone.of_bundle(outline, tmp_path / "there") as clone:
        assert clone.read(late, "new.txt") == b"new\n"
