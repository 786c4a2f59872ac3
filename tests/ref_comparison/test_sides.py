"""Which commits `prprep try` compares, for what the user typed."""

from __future__ import annotations

import pytest

from tasks.errors import RepositoryError, UsageError
from tasks.ref_comparison.sides import Sides
from tasks.workspace.repository import Repository, RepositoryKey
from tests.support.targets import TargetRepo


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """main: one, two; faster, checked out: one, quick, quicker; unrelated shares nothing with either."""
    repo = TargetRepo(tmp_path_factory.mktemp("sides") / "repo", {"a.py": "a = 1\n"})
    repo.git("tag", "one")
    repo.commit({"a.py": "a = 2\n"})
    repo.git("checkout", "--quiet", "--orphan", "unrelated")
    repo.commit({"a.py": "a = 0\n"})
    repo.branch("faster", "one")
    repo.commit({"a.py": "a = 3\n"})
    repo.git("tag", "quick")
    repo.commit({"a.py": "a = 4\n"})
    return repo


def sides(repo, cache, *words):
    return Sides.of(Repository(RepositoryKey(str(repo.path), None, None), folder=repo.path, cache=cache), words)


@pytest.mark.parametrize(
    ("words", "base", "heads"),
    [
        ((), "one", ["HEAD"]),
        (("quick",), "quick", ["HEAD"]),  # HEAD comes from it
        (("main~1",), "one", ["HEAD"]),
        (("main", "faster"), "main", ["faster"]),
        (("one", "quick", "faster"), "one", ["quick", "faster"]),
    ],
)
def test_refs(repo, tmp_path, words, base, heads):
    found = sides(repo, tmp_path, *words)
    assert found.base.sha == repo.git("rev-parse", base)
    assert [head.sha for head in found.heads] == [repo.git("rev-parse", head) for head in heads]


def test_a_single_ref_that_head_does_not_come_from_is_the_head(repo, tmp_path):
    repo.checkout("main")
    found = sides(repo, tmp_path, "faster")
    repo.checkout("faster")
    assert (found.base.sha, found.heads[0].name) == (repo.git("rev-parse", "one"), "faster")
    assert str(found.base).startswith("the merge base with main (")


def test_the_work_tree(repo, tmp_path):
    with pytest.raises(UsageError, match=r"the work tree has no changes compared with HEAD"):
        sides(repo, tmp_path, "HEAD", ".")
    repo.write({"a.py": "a = 5\n"})
    try:
        found = sides(repo, tmp_path, "HEAD", ".")
        assert str(found.heads[0]).startswith("the work tree (")
        with found.repository.clone(set()) as clone:
            assert clone.read(found.heads[0].sha, "a.py") == b"a = 5\n"
            assert clone.read(found.base.sha, "a.py") == b"a = 4\n"
    finally:
        repo.git("checkout", "--quiet", "--", ".")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fastr",), 'ERROR "fastr" is not a branch, tag or commit\n  did you mean faster?'),
        (("faster", "HEAD"), "are the same commit\n  name two refs, or `.` for the work tree"),
        (("main", "main"), "are the same commit"),
        (("unrelated",), "unrelated (.*) has no commit in common with main"),
        (("--output=x",), "is not a branch, tag or commit"),
        ((40 * "a",), 'a" is not a branch, tag or commit\n  it is not in this clone: fetch it'),
    ],
)
def test_what_cannot_be_compared(repo, tmp_path, words, message):
    with pytest.raises((UsageError, RepositoryError)) as refused:
        sides(repo, tmp_path, *words)
    assert all(part in f"ERROR {refused.value}" for part in message.split(" (.*) "))


def test_a_repository_without_commits(tmp_path):
    empty = TargetRepo(tmp_path / "empty")
    with pytest.raises(RepositoryError, match="no commits yet"):
        sides(empty, tmp_path / "cache")


def test_a_pull_request_is_compared_with_its_merge_base(repo, tmp_path):
    repository = Repository(RepositoryKey(str(repo.path), None, None), folder=repo.path, cache=tmp_path)
    for base in ("main", ""):
        found = Sides.from_merge_base(repository, base, "quick")
        assert (found.base.sha, found.heads[0].sha) == (repo.git("rev-parse", "one"), repo.git("rev-parse", "quick"))
    merged = Sides.from_merge_base(repository, "faster", "quick")
    assert merged.base.sha == merged.heads[0].sha


def test_a_shallow_checkout_is_one_message(repo, tmp_path):
    shallow = tmp_path / "shallow"
    repo.git("clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{repo.path}", str(shallow))
    repository = Repository(RepositoryKey(str(shallow), None, None), folder=shallow, cache=tmp_path)
    with pytest.raises(RepositoryError, match=r"this checkout is shallow.*\n  .*`fetch-depth: 0` of actions/checkout"):
        Sides.from_merge_base(repository, "main", "HEAD")
    with pytest.raises(RepositoryError, match=r"no commit in common .*\n  .*git fetch --unshallow.*; or name a base"):
        Sides.of(repository, ("origin/main",))
