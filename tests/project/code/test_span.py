from __future__ import annotations

import pytest

from tasks.errors import CherryPickError, RepositoryError
from tasks.git import Clone
from tasks.manifest.model import Optimization
from tasks.project.code.span import Span, span_of
from tests.support.histories import refs_of
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(tmp_path):
    """Upstream `main` with a branch `faster` of two commits; main went on meanwhile."""
    repo = TargetRepo(tmp_path / "target", {"a.py": "a = 1\n", "b.py": "b = 1\n"})
    repo.git("tag", "start")
    repo.branch("faster")
    repo.commit({"a.py": "a = 2\n"}, "First")
    repo.git("tag", "first")
    repo.commit({"b.py": "b = 2\n"}, "Second")
    repo.checkout("main")
    repo.commit({"c.py": "c = 1\n"}, "Meanwhile")
    return repo


def span(repo, **fields) -> Span:
    item = Optimization(id="it", **fields)
    with untouched(repo.path), Clone.open(str(repo.path), repo.path.parent / "cache") as clone:
        return span_of(item, refs_of(repo, item), clone)


def sha(repo, name):
    return repo.git("rev-parse", f"{name}^{{commit}}")


def titles(found):
    return [commit.title for commit in found.commits]


def test_default_base_is_the_merge_base_with_upstream(repo):
    found = span(repo, head="faster")
    assert (found.base, found.head, found.picked, found.notes) == (sha(repo, "start"), sha(repo, "faster"), (), ())
    assert titles(found) == ["First", "Second"]


def test_base_of_the_manifest_wins(repo):
    found = span(repo, base="first", head="faster")
    assert (found.base, titles(found), found.notes) == (sha(repo, "first"), ["Second"], ())


def test_diverged_base_is_noted(repo):
    found = span(repo, base="main", head="faster")
    assert found.base == sha(repo, "main")
    assert found.notes == ("main has 1 commit(s) that faster lacks; their effect is in the comparison too.",)


def test_interchanged_base_and_head_are_refused(repo):
    with pytest.raises(RepositoryError) as raised:
        span(repo, base="faster", head="first")
    assert str(raised.value) == (
        "it: `base` (faster) comes after `head` (first)\n  name the commit before the change as `base` and the one with it as `head`"
    )


def test_merged_head_is_compared_with_its_first_parent(repo):
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge faster", "faster")
    for head, parent, commits in (
        ("faster", "first", ["Second"]),
        ("main", "main^1", ["First", "Second", "Merge faster"]),
    ):
        found = span(repo, head=head)
        assert (found.base, found.head, titles(found)) == (sha(repo, parent), sha(repo, head), commits)
        assert found.notes == (
            f"main contains {head} already, so it is compared with its first parent; name `base` if the optimization has more commits.",
        )


def test_head_that_merged_upstream(repo):
    repo.checkout("faster")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge main", "main")
    found = span(repo, head="faster")
    assert found.base == sha(repo, "main")
    assert sorted(titles(found)) == ["First", "Merge main", "Second"]


def test_root_commit_has_no_base(repo):
    with pytest.raises(RepositoryError) as raised:
        span(repo, head="start")
    assert str(raised.value) == (
        "it: start is the first commit of the repository: there is nothing to compare it with\n"
        "  name the commit that holds the change: `head: COMMIT`"
    )


def test_histories_without_a_common_commit(repo):
    repo.git("checkout", "--quiet", "--orphan", "island")
    repo.commit({"a.py": "a = 3\n"}, "Island")
    with pytest.raises(RepositoryError) as raised:
        span(repo, head="island")
    assert (
        str(raised.value)
        == "it: main and island have no common history\n  name the commit before the change: `base: COMMIT`"
    )
    found = span(repo, base="main", head="island")
    assert found.notes == ("main and island have no common history; their files are compared.",)


@pytest.mark.parametrize("fields", [{"base": "first", "head": "first"}, {"base": "start", "head": "undone"}])
def test_identical_code_is_compared_if_both_sides_are_named(repo, fields):
    repo.branch("undone", "first")
    repo.commit({"a.py": "a = 1\n"}, "Undo")
    found = span(repo, **fields)
    assert (found.base, found.head) == (sha(repo, fields["base"]), sha(repo, fields["head"]))
    assert found.notes == ("Base and head have the same files: this comparison shows only the noise of the machine.",)


def test_no_change_is_an_error(repo):
    repo.branch("undone", "main")
    repo.git("commit", "--quiet", "--allow-empty", "-m", "Nothing")
    with pytest.raises(RepositoryError) as raised:
        span(repo, head="undone")
    base, head = sha(repo, "main")[:12], sha(repo, "undone")[:12]
    assert str(raised.value) == (
        f"it: nothing changed between base ({base}) and head ({head})\n  name the commits that hold the change as `head` or `commits`"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"head": "fastr"}, '`head` names "fastr", but the repository has no such branch, tag or commit'),
        ({"head": "faster", "base": "v1"}, '`base` names "v1", but the repository has no such branch, tag or commit'),
        (
            {"commits": ("first", "secnd")},
            '`commits` names "secnd", but the repository has no such branch, tag or commit',
        ),
    ],
)
def test_unknown_refs(repo, fields, message):
    with pytest.raises(RepositoryError) as raised:
        span(repo, **fields)
    assert str(raised.value) == f"it: {message}\n  correct it in the manifest, or fetch it"


def test_neither_head_nor_commits(repo):
    with pytest.raises(RepositoryError) as raised:
        span(repo)
    assert str(raised.value) == "it: this optimization has neither `head` nor `commits`\n  name what holds the change"


# -- commits that need not be adjacent ----------------------------------------------------------------


def test_listed_commits_are_picked_onto_the_merge_base(repo):
    found = span(repo, commits=("faster",))
    assert (found.base, found.picked, titles(found)) == (sha(repo, "start"), (sha(repo, "faster"),), ["Second"])
    with Clone.open(str(repo.path), repo.path.parent / "cache") as clone:
        assert [clone.read(found.head, path) for path in ("a.py", "b.py")] == [b"a = 1\n", b"b = 2\n"]
        assert clone.commits(found.base, found.head)[0].title == "Second"
    assert span(repo, commits=("faster",)).head == found.head, "the same commit every time"


def test_listed_commits_are_picked_onto_the_base_of_the_manifest(repo):
    found = span(repo, commits=("first", "faster"), base="main")
    assert (found.base, titles(found)) == (sha(repo, "main"), ["First", "Second"])


def test_listed_commits_that_upstream_contains(repo):
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge faster", "faster")
    repo.commit({"a.py": "a = 3\n"}, "Third")
    found = span(repo, commits=("first", "main"))
    assert (found.base, titles(found)) == (sha(repo, "start"), ["First", "Third"])


def test_listed_commits_in_conflict(repo):
    repo.checkout("faster")
    repo.commit({"a.py": "a = 3\n"}, "Third")
    with pytest.raises(CherryPickError) as raised:
        span(repo, commits=("faster",))
    assert raised.value.files == ("a.py",)
    assert str(raised.value).startswith(
        f"it: commit {sha(repo, 'faster')[:12]} (Third) cannot be cherry-picked onto {sha(repo, 'start')[:12]}: conflicts in a.py"
    )


def test_listed_commits_that_base_contains_change_nothing(repo):
    with pytest.raises(RepositoryError, match="nothing changed between base"):
        span(repo, commits=("first",), base="faster")


def test_listed_root_commit(repo):
    repo.git("checkout", "--quiet", "--orphan", "island")
    island = repo.commit({"a.py": "a = 3\n"}, "Island")
    with pytest.raises(RepositoryError) as raised:
        span(repo, commits=("island",))
    assert str(raised.value) == (
        f"it: commit {island[:12]} and main have no commit in common that could be the base\n"
        "  name the commit to pick them onto: `base: COMMIT`"
    )


def test_a_shallow_clone_names_the_way_out(repo, tmp_path):
    options = ("--quiet", "--depth=1", "--no-tags", "--no-single-branch")
    repo.git("clone", *options, repo.path.as_uri(), str(tmp_path / "shallow"))
    shallow = TargetRepo(tmp_path / "shallow")
    shallow.git("branch", "faster", "origin/faster")
    for fields, what in (
        ({"head": "faster"}, "main and faster have no common history"),
        ({"commits": ["faster"]}, "and main have no commit in common"),
        ({"head": "main"}, "the history of the clone ends at main"),
        ({"base": "main", "commits": ["faster"]}, r"the commit \w+ does not exist"),
    ):
        with pytest.raises(RepositoryError, match=what) as raised:
            span(shallow, **fields)
        assert "git fetch --unshallow" in raised.value.hint, fields
    found = span(shallow, base="main", head="faster")
    assert found.notes == ("main and faster have no common history in this shallow clone; their files are compared.",)
    shallow.git("fetch", "--quiet", "--unshallow")
    assert titles(span(shallow, head="faster")) == ["First", "Second"]
