import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks import git
from tasks.errors import CherryPickError, RepositoryError
from tasks.git import standalone
from tasks.git.addresses import local_path
from tests.support.targets import ISOLATED, TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
AWKWARD = 'my "rep"\n é'


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def target(tmp_path: Path) -> TargetRepo:
    """main: a.py, then e.py; opt: from the first, a.py faster, then b/d.py."""
    repo = TargetRepo(tmp_path / AWKWARD, {"a.py": "x = 1\n", "b/c.py": "y = 1\n"})
    repo.branch("opt")
    repo.commit({"a.py": "x = 2\n"}, "Make a faster\n\nBy doing less.")
    repo.commit({"b/d.py": "z = 1\n"}, "Add d")
    repo.checkout("main")
    repo.commit({"e.py": "e = 1\n"}, "Add e")
    return repo


def opened(target: TargetRepo, cache: Path) -> git.Clone:
    return git.Clone.open(str(target.path), cache)


# -- asking the user's repository ---------------------------------------------------------------------


def test_resolve_all_kinds_of_refs(target: TargetRepo) -> None:
    opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
    target.git("tag", "-a", "v1", "-m", "one", "opt")
    target.git("update-ref", "refs/remotes/origin/theirs", "opt")
    target.git("update-ref", "refs/remotes/origin/main", "opt")
    target.git("branch", "with/slash", "opt")
    target.git("branch", "--end-of-options", "wei rd".replace(" ", "é"), "opt")
    expected = {
        "opt": opt,
        "main": main,
        "HEAD": main,
        "v1": opt,
        "v1^{}": opt,
        opt: opt,
        opt[:9]: opt,
        "opt~1": target.git("rev-parse", "opt~1"),
        "origin/main": opt,
        "theirs": opt,
        "with/slash": opt,
        "weiré".replace("weiré", "weiérd"): opt,
        "nothing": None,
        "": None,
        "-x": None,
        "--all": None,
        "^main": None,
        "opt\nmain": None,
        "opt\0": None,
        " opt": None,
        "main..opt": None,
        "main:a.py": None,
        "0" * 40: None,
        "opt commit": None,
        target.git("rev-parse", "main:a.py"): None,
    }
    with untouched(target.path):
        assert git.resolve(target.path, list(expected)) == expected
        assert git.resolve(target.path / "b", ["opt"]) == {"opt": opt}
        assert git.resolve(target.path, []) == {}


def test_an_ambiguous_short_sha_does_not_resolve(tmp_path: Path) -> None:
    target = TargetRepo(tmp_path / "many", {"a.py": ""})
    stream = "".join(
        f"commit refs/heads/many\ncommitter A <a@example.org> {1_700_000_000 + number} +0000\ndata 0\n\n"
        for number in range(900)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=target.path, input=stream.encode(), check=True)
    shas = sorted(target.git("rev-list", "many").split())
    shared = next(sha[:4] for sha, after in itertools.pairwise(shas) if sha[:4] == after[:4])
    assert git.resolve(target.path, [shared]) == {shared: None}


def test_a_branch_name_that_is_not_utf8(target: TargetRepo, cache: Path) -> None:
    name = b"caf\xe9"
    (target.path / ".git/refs/heads" / os.fsdecode(name)).write_text(target.git("rev-parse", "opt") + "\n")
    ref = os.fsdecode(name)
    assert git.resolve(target.path, [ref]) == {ref: target.git("rev-parse", "opt")}
    with opened(target, cache) as clone:
        assert clone.resolve([ref]) == git.resolve(target.path, [ref])
    assert "caf�" in git.ref_names(target.path)


def test_an_unborn_branch_resolves_to_nothing(tmp_path: Path) -> None:
    target = TargetRepo(tmp_path / "new")
    assert git.resolve(target.path, ["HEAD", "main"]) == {"HEAD": None, "main": None}
    assert git.default_upstream(target.path) is None


def test_ref_names(target: TargetRepo) -> None:
    target.git("tag", "v1")
    target.git("update-ref", "refs/remotes/origin/main", "main")
    target.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert git.ref_names(target.path) == ("main", "opt", "origin/main", "v1")


def test_default_upstream_is_origins_head_then_main_then_master(target: TargetRepo, tmp_path: Path) -> None:
    assert git.default_upstream(target.path) == "main"
    target.git("update-ref", "refs/remotes/origin/develop", "opt")
    target.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    assert git.default_upstream(target.path) == "origin/develop"
    assert git.default_upstream(TargetRepo(tmp_path / "old", {"a": ""}, branch="master").path) == "master"
    assert git.default_upstream(TargetRepo(tmp_path / "odd", {"a": ""}, branch="odd").path) is None
    bare = tmp_path / "bare.git"
    target.git("clone", "--quiet", "--bare", "--branch", "opt", ".", str(bare))
    assert git.default_upstream(bare) == "opt"


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("https://github.com/owner/name", "owner/name"),
        ("https://github.com/owner/name.git/", "owner/name"),
        ("https://user:token@github.example.com:8443/owner/my.name.git", "owner/my.name"),
        ("git@github.com:owner/name.git", "owner/name"),
        ("github.com:owner/name", "owner/name"),
        ("ssh://git@github.com:22/owner/name.git", "owner/name"),
        ("https://gitlab.com/group/sub/name.git", None),
        ("file:///owner/name", None),
        ("/owner/name", None),
        ("../owner/name", None),
        ("https://github.com/owner", None),
    ],
)
def test_slug_of_an_address(target: TargetRepo, address: str, slug: str | None) -> None:
    assert git.slug_of(address) == slug
    assert git.slug(target.path) is None
    target.git("remote", "add", "origin", address)
    assert git.slug(target.path) == slug


def test_slug_of_the_only_remote_but_not_of_several(target: TargetRepo) -> None:
    target.git("remote", "add", "mine", "git@github.com:me/name")
    assert git.slug(target.path) == "me/name"
    target.git("remote", "add", "theirs", "git@github.com:they/name")
    assert git.slug(target.path) is None


def test_the_oldest_commits_of_a_shallow_clone_have_no_parents(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    target.git("clone", "--quiet", "--depth=1", "--branch=opt", target.path.as_uri(), str(tmp_path / "shallow"))
    with git.Clone.open(str(tmp_path / "shallow"), cache) as clone:
        assert clone.is_shallow
        assert clone.parents("opt") == ()
        with pytest.raises(RepositoryError, match="the parent of commit opt is not in the clone") as raised:
            clone.changes_of("opt")
        assert "git fetch --unshallow" in raised.value.hint
    with git.Clone.open(str(target.path), cache) as clone:
        assert not clone.is_shallow
        assert len(clone.parents("opt")) == 1


def forked(target: TargetRepo, project: str = "upstream") -> None:
    """Let `origin` be a fork whose main is older than the project's; only its HEAD is known."""
    target.git("remote", "add", "origin", "git@github.com:me/widget")
    target.git("remote", "add", project, "https://github.com/octo/widget.git")
    target.git("update-ref", "refs/remotes/origin/main", "main")
    target.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")


@pytest.mark.parametrize("project", ["upstream", "github"])
def test_the_project_of_a_fork_is_the_remote_that_gh_takes(target: TargetRepo, project: str) -> None:
    forked(target, project)
    assert (git.project_remote(target.path), git.slug(target.path)) == (project, "octo/widget")
    assert git.default_upstream(target.path) == "origin/main"  # nothing of the project was fetched
    target.git("update-ref", f"refs/remotes/{project}/main", "opt")
    assert git.default_upstream(target.path) == f"{project}/main"
    target.git("update-ref", f"refs/remotes/{project}/develop", "opt")
    target.git("symbolic-ref", f"refs/remotes/{project}/HEAD", f"refs/remotes/{project}/develop")
    assert git.default_upstream(target.path) == f"{project}/develop"


def test_the_project_of_a_fork_has_the_default_branch_of_the_fork(target: TargetRepo) -> None:
    forked(target)
    target.git("update-ref", "refs/remotes/origin/trunk", "main")
    target.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    target.git("update-ref", "refs/remotes/upstream/trunk", "opt")
    target.git("update-ref", "refs/remotes/upstream/main", "opt")
    assert git.default_upstream(target.path) == "upstream/trunk"


@pytest.mark.parametrize(
    ("setting", "slug", "remote"),
    [
        (("remote.origin.gh-resolved", "base"), "me/widget", "origin"),
        (("remote.company.gh-resolved", "base"), "firm/widget", "company"),
        (("remote.origin.gh-resolved", "Octo/Widget"), "octo/widget", "upstream"),
        (("remote.origin.gh-resolved", "another/widget"), "another/widget", "origin"),
    ],
)
def test_the_choice_of_gh_repo_set_default_counts(
    target: TargetRepo, setting: tuple[str, str], slug: str, remote: str
) -> None:
    forked(target)
    target.git("remote", "add", "company", "git@github.com:firm/widget")
    target.git("config", *setting)
    assert (git.project_remote(target.path), git.slug(target.path)) == (remote, slug)


def test_the_only_remote_is_the_project_whatever_its_name(target: TargetRepo) -> None:
    target.git("remote", "add", "theirs", "git@github.com:they/name")
    target.git("update-ref", "refs/remotes/theirs/main", "opt")
    assert git.default_upstream(target.path) == "theirs/main"


def test_repository_root_from_below_and_in_linked_worktrees(target: TargetRepo, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    target.git("worktree", "add", "--quiet", str(linked), "opt")
    assert git.repository_root(target.path / "b") == target.path
    assert git.repository_root(linked / "b") == linked
    assert git.repository_root(tmp_path) is None
    with pytest.raises(RepositoryError) as caught:
        git.resolve(tmp_path / "gone", ["main"])
    assert str(caught.value).startswith(f"{tmp_path}/gone: there is no such folder\n")


# -- addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "what"),
    [
        (
            "ext::sh -c touch% /tmp/x",
            "the address 'ext::sh -c touch% /tmp/x' names a transport helper, which could run any command",
        ),
        ("-x", "the address '-x' is not a repository address"),
        ("--upload-pack=touch x", "the address '--upload-pack=touch x' is not a repository address"),
        ("", "the address '' is not a repository address"),
        ("ftp://host/a", "the address 'ftp://host/a' has the unknown protocol ftp"),
        ("ssh://-oProxyCommand=x/a", "the address 'ssh://-oProxyCommand=x/a' has no host"),
        ("-oProxyCommand=x:a", "the address '-oProxyCommand=x:a' is not a repository address"),
        ("foo://me:secret@host/a", "the address 'foo://***@host/a' has the unknown protocol foo"),
        ("https://host/a\nb", "the address 'https://host/a\\nb' contains white space"),
    ],
)
def test_invalid_addresses(cache: Path, address: str, what: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        git.Clone.open(address, cache)
    assert caught.value.what == what
    assert not cache.exists()


def test_local_and_remote_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "host:path").mkdir()
    assert local_path("host:path") == tmp_path / "host:path"
    assert local_path("other:path") is None
    assert local_path("me@[::1]:path") is None
    assert local_path("git@github.com:owner/name.git") is None
    assert local_path("./a:b") == tmp_path / "a:b"
    assert local_path("file:///a%20b/c") == Path("/a b/c")


# -- the clone reads ----------------------------------------------------------------------------------


def test_a_clone_reads_commits_and_files(target: TargetRepo, cache: Path) -> None:
    opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
    with opened(target, cache) as clone:
        assert clone.resolve(["opt", "main", "HEAD"]) == {"opt": opt, "main": main, "HEAD": main}
        start = clone.merge_base(main, opt)
        assert start == target.git("merge-base", "main", "opt")
        assert [(commit.title, commit.message, commit.author) for commit in clone.commits(start, opt)] == [
            ("Make a faster", "By doing less.", "Ada"),
            ("Add d", "", "Ada"),
        ]
        assert clone.commit(main).sha == main
        assert [commit.title for commit in clone.commits(start, opt, path="b/d.py")] == ["Add d"]
        assert clone.tree_of(opt) == target.git("rev-parse", "opt^{tree}")
        assert clone.files(opt) == ("a.py", "b/c.py", "b/d.py")
        assert clone.read(opt, "a.py") == b"x = 2\n"
        assert clone.read(opt, "b") is None
        assert clone.read(main, "b/d.py") is None
        assert clone.blob(main, "a.py") == target.git("rev-parse", "main:a.py")
        assert clone.changes(main, opt) == (
            git.FileChange("M", "a.py", "a.py"),
            git.FileChange("A", None, "b/d.py"),
            git.FileChange("D", "e.py", None),
        )
        assert clone.changes_of(start) == (git.FileChange("A", None, "a.py"), git.FileChange("A", None, "b/c.py"))
        with pytest.raises(RepositoryError, match="the commit 000000000000 does not exist"):
            clone.commit("0" * 40)
        with pytest.raises(RepositoryError, match="--output=x does not resolve to a commit"):
            clone.changes("--output=x", main)


def test_unrelated_histories_have_no_merge_base(target: TargetRepo, cache: Path) -> None:
    target.git("checkout", "--quiet", "--orphan", "alone")
    target.commit({}, "Alone")
    with opened(target, cache) as clone:
        assert clone.merge_base("main", "alone") is None


def test_names_links_renames_and_types_of_files(tmp_path: Path, cache: Path) -> None:
    names = ["with space.py", 'quo"te.py', "new\nline.py", "-dash.py", "é.py", "tab\t.py", ":colon.py", "*.py"]
    target = TargetRepo(
        tmp_path / "names",
        {"long.py": "".join(f"line_{number} = {number}\n" for number in range(30)), "link.py": "was = 1\n"},
    )
    base = target.head
    raw = os.fsencode(target.path) + b"/caf\xe9.py"
    Path(os.fsdecode(raw)).write_text("latin = 1\n")
    (target.path / "link.py").unlink()
    (target.path / "link.py").symlink_to("sub/real.py")
    (target.path / "out.py").symlink_to("/etc/passwd")
    (target.path / "loop.py").symlink_to("loop.py")
    target.git("mv", "long.py", "renamed.py")
    head = target.commit({"sub/real.py": "real = 1\n", **dict.fromkeys(names, "n = 1\n")})
    latin = "caf\udce9.py"
    with opened(target, cache) as clone:
        assert {*names, latin} <= set(clone.files(head))
        assert [clone.read(head, name) for name in names] == [b"n = 1\n"] * len(names)
        assert clone.read(head, latin) == b"latin = 1\n"
        assert git.printable(latin) == r"caf\xe9.py"
        assert (clone.read(head, "link.py"), clone.read(head, "out.py"), clone.read(head, "loop.py")) == (
            b"real = 1\n",
            None,
            None,
        )
        changes = clone.changes(base, head)
        assert git.FileChange("R", "long.py", "renamed.py") in changes
        assert git.FileChange("T", "link.py", "link.py") in changes
        assert {change.head_path for change in changes if change.status == "A"} == {
            *names,
            latin,
            "sub/real.py",
            "out.py",
            "loop.py",
        }


def test_moved_and_deleted_refs_are_updated(target: TargetRepo, cache: Path) -> None:
    target.git("branch", "topic", "opt")
    with opened(target, cache) as clone:
        assert clone.resolve(["topic"])["topic"]
    target.git("branch", "-D", "topic")
    target.git("branch", "topic/below", "opt")
    target.git("branch", "--force", "opt", "main")
    with opened(target, cache) as clone:
        assert clone.resolve(["topic", "topic/below", "opt"]) == git.resolve(
            target.path, ["topic", "topic/below", "opt"]
        )
    target.checkout("HEAD~1")
    with opened(target, cache) as clone:
        assert clone.resolve(["HEAD"])["HEAD"] == target.head


def test_git_variables_of_a_hook_are_ignored(
    target: TargetRepo, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = TargetRepo(tmp_path / "other", {"other.py": ""})
    for name, value in {
        "GIT_DIR": f"{other.path}/.git",
        "GIT_INDEX_FILE": "index",
        "GIT_WORK_TREE": str(other.path),
        "GIT_PREFIX": "x",
    }.items():
        monkeypatch.setenv(name, value)
    opt = target.git("rev-parse", "opt")
    assert git.resolve(target.path, ["opt"]) == {"opt": opt}
    with opened(target, cache) as clone:
        assert clone.files(opt) == ("a.py", "b/c.py", "b/d.py")
        assert clone.read(opt, "a.py") == b"x = 2\n"
        assert len(clone.commits("main", "opt")) == 2
        clone.worktree(cache / "trees/one", opt)
        assert (cache / "trees/one/b/d.py").exists()


# -- nothing of the user's is touched -------------------------------------------------------------------


def booby_trapped(target: TargetRepo, marker: Path) -> None:
    """Let hooks, fsmonitor and filters of the repository leave a mark when they run."""
    trap = target.path / ".git/trap"
    trap.write_text(f"#!/bin/sh\necho $0 >> '{marker}'\ncat\n")
    trap.chmod(0o755)
    for hook in (
        "post-checkout",
        "pre-commit",
        "post-commit",
        "post-merge",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
    ):
        (target.path / ".git/hooks").mkdir(exist_ok=True)
        (target.path / ".git/hooks" / hook).symlink_to(trap)
    quoted = "'" + str(trap).replace("'", "'\\''") + "'"
    settings = {
        "core.fsmonitor": quoted,
        "filter.trap.smudge": quoted,
        "filter.trap.clean": quoted,
        "merge.trap.driver": quoted,
    }
    for key, value in {
        **settings,
        "core.hooksPath": str(target.path / ".git/hooks"),
        "diff.trap.textconv": quoted,
    }.items():
        target.git("config", key, value)
    (target.path / ".git/info").mkdir(exist_ok=True)
    (target.path / ".git/info/attributes").write_text("* filter=trap merge=trap diff=trap\n")


def test_the_users_repository_is_only_read(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
    target.branch("attributes", "main")
    head = target.commit({".gitattributes": "* filter=trap merge=trap diff=trap\n", "a.py": "x = 3\n"})
    target.checkout("main")
    target.git("gc", "--quiet")
    target.git("update-index", "--refresh")
    target.write({"a.py": "edited = 1\n", "untracked.py": ""})
    target.git("stash", "--quiet")
    target.write({"a.py": "edited = 2\n"})
    marker = tmp_path / "marker"
    booby_trapped(target, marker)
    marker.unlink(missing_ok=True)
    with untouched(target.path):
        git.resolve(target.path, ["main", "opt", "0" * 40])
        git.ref_names(target.path)
        git.default_upstream(target.path)
        git.slug(target.path)
        with opened(target, cache) as clone:
            # All objects that this makes are in the user's repository already: even their times must stay.
            assert clone.tree_of(clone.cherry_pick(f"{opt}~2", [f"{opt}~1", opt])) == clone.tree_of(opt)
            clone.cherry_pick(main, [opt])
            clone.changes(main, head)
            clone.commits(main, opt)
            clone.worktree(cache / "trees/one", head)
            clone.status(cache / "trees/one")
            (cache / "trees/one/a.py").write_text("damage")
            clone.restore(cache / "trees/one")
            with clone.temporary_branches(main, opt):
                pass
            clone.remove_worktree(cache / "trees/one")
        with opened(target, cache):
            pass
    assert not marker.exists(), marker.read_text()


@pytest.mark.parametrize("packed", [False, True])
def test_code_that_writes_objects_in_its_tree_touches_nothing(target: TargetRepo, cache: Path, *, packed: bool) -> None:
    """In the user's store git would give the file of an object that is there already a new time stamp."""
    if packed:
        target.git("repack", "-a", "-d", "--write-midx")
    main, opt = (target.git("rev-parse", name) for name in ("main", "opt"))
    tree, apart = cache / "trees/one", cache / "apart"
    with opened(target, cache) as clone:
        clone.worktree(tree, opt)
        clone.create_standalone(apart, opt, main)
        standalone.clone_for_reader(clone.tree_repository(opt, main), cache / "reader", main)
    commands = (
        *("stash", f"hash-object -w {Path('b', 'c.py')}", "commit --allow-empty --quiet -m x .", "write-tree"),
        f"checkout --quiet {main} -- .",
    )
    with untouched(target.path):
        for folder in (tree, apart, cache / "reader"):
            (folder / "a.py").write_text("x = 3\n")
            for command in commands:
                subprocess.run(
                    ["git", *command.split()],
                    cwd=folder,
                    env={**os.environ, **ISOLATED},
                    check=True,
                    capture_output=True,
                )
    borrowed = {store for store in standalone.object_stores(apart / ".git") if store.is_relative_to(target.path)}
    assert borrowed == set()


def test_a_repository_that_lost_commits_gets_a_new_tree(tmp_path: Path, cache: Path) -> None:
    """Their copies stay in the repository of the trees."""
    target = TargetRepo(tmp_path / "repo", {"a.py": "a = 1\n"})
    for number in range(2):
        with opened(target, cache) as clone:
            clone.worktree(cache / f"trees/{number}", target.head)
        shutil.rmtree(target.path)
        target = TargetRepo(target.path, {"a.py": "a = 2\n"})


def test_a_tree_sees_the_history_and_tags_of_its_commit_alone(target: TargetRepo, cache: Path) -> None:
    opt, tree = target.git("rev-parse", "opt"), cache / "trees/one"

    def seen(*command: str) -> list[str]:
        done = subprocess.run(["git", *command], cwd=tree, check=True, capture_output=True, text=True)
        return done.stdout.split()

    with opened(target, cache) as clone:
        clone.worktree(tree, opt)
    assert seen("rev-list", "HEAD") == target.git("rev-list", opt).split()
    assert seen("fsck", "--connectivity-only") == []
    target.git("tag", "v1", "opt~1")
    target.git("tag", "-a", "v2", "opt", "-m", "two")
    target.git("tag", "a", "opt")
    later = target.commit({"later.py": ""})
    target.git("tag", "v3")
    with opened(target, cache) as clone:
        packs = len(list(clone.path.glob("trees/objects/pack/*.pack")))
        clone.remove_worktree(tree)
        clone.worktree(tree, opt)
        assert seen("tag") == ["a", "v1", "v2"]
    target.git("tag", "-d", "a")
    target.git("tag", "a/b", "opt")
    target.git("tag", "--force", "v1", "opt")
    with opened(target, cache) as clone:
        clone.remove_worktree(tree)
        clone.worktree(tree, opt)
        assert seen("rev-parse", "v1") == [opt]
        assert seen("tag") == ["a/b", "v1", "v2"]
        clone.worktree(tree, later)
        clone.worktree(cache / "trees/two", later)
        assert seen("cat-file", "-t", "v2") == ["tag"]
        assert len(list(clone.path.glob("trees/objects/pack/*.pack"))) == packs + 3


# -- sources of other kinds -----------------------------------------------------------------------------


def test_only_worktrees_are_restored(target: TargetRepo, cache: Path) -> None:
    (target.path / "a.py").write_text("unsaved")
    with opened(target, cache) as clone, pytest.raises(RepositoryError, match="this is not a worktree"):
        clone.restore(target.path)
    assert (target.path / "a.py").read_text() == "unsaved"


def test_a_linked_worktree_as_the_source(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    target.git("worktree", "add", "--quiet", str(linked), "opt")
    with untouched(tmp_path / AWKWARD), git.Clone.open(str(linked), cache) as clone:
        assert clone.resolve(["HEAD"]) == {"HEAD": target.git("rev-parse", "opt")}
        clone.worktree(cache / "trees/one", "opt")


def test_a_bare_repository_and_a_file_address(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare repo.git"
    target.git("clone", "--quiet", "--bare", ".", str(bare))
    for address in (str(bare), f"file://{tmp_path}/bare%20repo.git"):
        with git.Clone.open(address, cache) as clone:
            assert clone.resolve(["opt"]) == {"opt": target.git("rev-parse", "opt")}


def test_a_shallow_source(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    target.git(
        "clone",
        "--quiet",
        "--depth=2",
        "--branch=opt",
        "--no-single-branch",
        f"file://{target.path}".replace("\n", "%0A"),
        str(shallow),
    )
    with git.Clone.open(str(shallow), cache) as clone:
        assert [commit.title for commit in clone.commits("opt~1", "opt")] == ["Add d"]
        assert clone.files(clone.cherry_pick("origin/main", ["opt"])) == ("a.py", "b/c.py", "b/d.py", "e.py")
        clone.worktree(cache / "trees/one", "opt")
        assert (cache / "trees/one/a.py").read_text() == "x = 2\n"
        with pytest.raises(RepositoryError, match="opt~2 does not resolve to a commit"):
            clone.commits("opt~2", "opt")


def test_a_partial_source_is_not_fetched_into(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    target.git("config", "uploadpack.allowFilter", "true")
    target.git("config", "uploadpack.allowAnySHA1InWant", "true")
    partial = tmp_path / "partial"
    address = f"file://{target.path}".replace("\n", "%0A")
    target.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", address, str(partial))
    later = target.commit({"later.py": ""})
    with untouched(partial), git.Clone.open(str(partial), cache) as clone:
        assert git.resolve(partial, [later, target.git("rev-parse", "main:a.py")]).keys()
        assert clone.files("origin/opt") == ("a.py", "b/c.py", "b/d.py")
        with pytest.raises(RepositoryError, match="complete a partial clone"):
            clone.worktree(cache / "trees/one", "origin/opt")
        with pytest.raises(RepositoryError, match="complete a partial clone"):
            clone.read("origin/opt", "a.py")
        with pytest.raises(RepositoryError, match="complete a partial clone"):
            clone.cherry_pick("origin/main", ["origin/opt"])


def test_version_tools_see_tags(target: TargetRepo, cache: Path) -> None:
    target.git("tag", "v1.2", "opt~1")
    with opened(target, cache) as clone:
        clone.worktree(cache / "trees/one", "opt")
    described = subprocess.run(
        ["git", "describe", "--tags", "--dirty"], cwd=cache / "trees/one", capture_output=True, text=True, check=True
    )
    assert described.stdout.startswith("v1.2-1-g")
    assert "dirty" not in described.stdout


def test_a_missing_or_broken_repository(tmp_path: Path, cache: Path, target: TargetRepo) -> None:
    with pytest.raises(RepositoryError) as caught:
        git.Clone.open(str(tmp_path / "gone"), cache)
    assert caught.value.what == "there is no such folder"
    with pytest.raises(RepositoryError) as caught:
        git.Clone.open(str(tmp_path), cache)
    assert caught.value.what == "this is not a git repository"
    (target.path / ".git/config").write_text("[core\n")
    with pytest.raises(RepositoryError, match="git could not read this repository: bad config line 1"):
        opened(target, cache)


# -- a repository elsewhere -----------------------------------------------------------------------------


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let ssh reach this machine, as long as the file `online` exists."""
    ssh, online = tmp_path / "fake-ssh", tmp_path / "online"
    ssh.write_text(
        f"#!/bin/sh\nfor last; do :; done\n[ -e '{online}' ] || {{ echo 'ssh: no route to host' >&2; exit 255; }}\nexec sh -c \"$last\"\n"
    )
    ssh.chmod(0o755)
    online.touch()
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    return online


def test_a_remote_repository_is_cloned_once_and_refreshed_if_old_or_incomplete(
    tmp_path: Path, cache: Path, network: Path
) -> None:
    target = TargetRepo(tmp_path / "remote", {"a.py": "x = 1\n"})
    address = f"ssh://me:secret@example.org{target.path}"
    said: list[str] = []
    with git.Clone.open(address, cache, report=said.append) as clone:
        assert clone.resolve(["main", "HEAD"]) == {"main": target.head, "HEAD": target.head}
        assert git.default_upstream(clone.path) == "main"
        path = clone.path
    assert said == [f"cloning ssh://***@example.org{target.path}"]
    first = target.head
    second = target.commit({"a.py": "x = 2\n"})
    target.git("update-ref", "refs/pull/7/head", second)
    target.git("branch", "new")
    with git.Clone.open(address, cache) as clone:
        assert clone.resolve(["main"]) == {"main": first}
    with git.Clone.open(address, cache, wanted=["new", "pull/7/head", "nowhere"]) as clone:
        assert clone.resolve(["main", "pull/7/head", "nowhere"]) == {
            "main": second,
            "pull/7/head": second,
            "nowhere": None,
        }
        clone.worktree(cache / "trees/one", "new")
    third = target.commit({"a.py": "x = 3\n"})
    os.utime(path / "prprep-fetched", (0, 0))
    network.unlink()
    said.clear()
    with git.Clone.open(address, cache, report=said.append) as clone:
        assert clone.resolve(["main"]) == {"main": second}
    assert len(said) == 1
    assert said[0].startswith(f"ssh://***@example.org{target.path} could not be fetched; the last fetch is used (")
    network.touch()
    with git.Clone.open(address, cache) as clone:
        assert clone.resolve(["main"]) == {"main": third}


def test_an_unreachable_remote_repository(cache: Path, network: Path) -> None:
    network.unlink()
    with pytest.raises(RepositoryError) as caught:
        git.Clone.open("ssh://me:secret@example.org/nowhere", cache)
    assert str(caught.value) == (
        "ssh://***@example.org/nowhere: git could not read this repository: Could not read from remote repository.\n"
        "  check the address, the network and your access: `git ls-remote` must work without a prompt"
    )
    assert not list((cache / "clones").glob("*.git"))


# -- picking --------------------------------------------------------------------------------------------


def test_a_cherry_pick_is_reproducible(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
    commits = set()
    for place in (cache, tmp_path / "another cache"):
        with opened(target, place) as clone:
            commits |= {clone.cherry_pick(main, [f"{opt}~1", opt]), clone.cherry_pick(main, [f"{opt}~1", opt])}
            picked = commits.copy().pop()
            assert clone.files(picked) == ("a.py", "b/c.py", "b/d.py", "e.py")
            assert clone.merge_base(picked, main) == main
            assert [commit.title for commit in clone.commits(main, picked)] == ["Make a faster", "Add d"]
            assert not [place for place in clone.path.parent.iterdir() if place.suffix not in (".git", ".lock")]
    assert len(commits) == 1


def test_author_date_and_encoding_stay(target: TargetRepo, cache: Path) -> None:
    target.checkout("opt")
    message = "Größer".encode("latin-1")
    target.git("config", "i18n.commitEncoding", "ISO-8859-1")
    (target.path / "message").write_bytes(message)
    target.write({"f.py": "f = 1\n"})
    target.git("add", "f.py")
    target.git("commit", "--quiet", "--author=Grace H <grace@example.org>", "--date=1600000000 +0530", "-F", "message")
    with opened(target, cache) as clone:
        picked = clone.cherry_pick("main", [target.head])
        assert (clone.commit(picked).title, clone.commit(picked).author) == ("Größer", "Grace H")
        raw = subprocess.run(
            ["git", "cat-file", "commit", picked], cwd=clone.path, capture_output=True, check=True
        ).stdout
    assert b"author Grace H <grace@example.org> 1600000000 +0530\n" in raw
    assert b"committer prprep <prprep@localhost> 1600000000 +0530\nencoding ISO-8859-1\n\n" + message in raw


def test_contained_commits_are_skipped(target: TargetRepo, cache: Path) -> None:
    opt = target.git("rev-parse", "opt")
    with opened(target, cache) as clone:
        assert clone.cherry_pick(opt, [f"{opt}~1"]) == opt
        assert clone.cherry_pick(opt, []) == opt
        again = clone.cherry_pick("main", [f"{opt}~1", opt, f"{opt}~1"])
        assert len(clone.commits("main", again)) == 2


def test_renames_binaries_modes_and_deletions_are_picked(tmp_path: Path, cache: Path) -> None:
    long = "".join(f"line_{number} = {number}\n" for number in range(30))
    target = TargetRepo(tmp_path / "r", {"old.py": long, "gone.py": "", "tool": "#!/bin/sh\n"})
    target.branch("opt")
    target.git("mv", "old.py", "new.py")
    (target.path / "tool").chmod(0o755)
    (target.path / "b.bin").write_bytes(bytes(range(256)))
    change = target.commit({"gone.py": None})
    target.checkout("main")
    onto = target.commit({"old.py": long.replace("line_3 = 3", "line_3 = 33")})
    with opened(target, cache) as clone:
        picked = clone.cherry_pick(onto, [change])
        assert clone.files(picked) == ("b.bin", "new.py", "tool")
        assert b"line_3 = 33" in (clone.read(picked, "new.py") or b"")
        clone.worktree(cache / "trees/one", picked)
    assert (cache / "trees/one/tool").stat().st_mode & stat.S_IXUSR


def test_a_conflict_names_its_files_and_leaves_nothing(target: TargetRepo, cache: Path) -> None:
    target.commit({"a.py": "x = 9\n", "b/d.py": "other = 1\n"}, "In the way")
    opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
    with opened(target, cache) as clone:
        with pytest.raises(CherryPickError) as caught:
            clone.cherry_pick(main, [f"{opt}~1", opt])
        assert caught.value.files == ("a.py",)
        assert str(caught.value) == (
            f"commit {target.git('rev-parse', 'opt~1')[:12]} (Make a faster) cannot be cherry-picked onto {main[:12]}: conflicts in a.py\n"
            "  list the commits that it builds on before it, or name a branch without the conflict as `head`"
        )
        assert not [place for place in clone.path.parent.iterdir() if place.suffix not in (".git", ".lock")]
        assert clone.resolve(["main", "benchmark-base"]) == {"main": main, "benchmark-base": None}


def test_a_merge_cannot_be_cherry_picked(target: TargetRepo, cache: Path) -> None:
    target.git("merge", "--quiet", "--no-ff", "-m", "Merge opt", "opt")
    with (
        opened(target, cache) as clone,
        pytest.raises(CherryPickError, match=r"\(Merge opt\) is a merge and cannot be cherry-picked"),
    ):
        clone.cherry_pick("opt", [target.head])


def test_temporary_branches_are_removed_and_the_users_are_restored(target: TargetRepo, cache: Path) -> None:
    opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
    target.git("branch", "benchmark-head", "main~1")
    names = ["benchmark-base", "benchmark-head"]
    with opened(target, cache) as clone:
        with pytest.raises(ZeroDivisionError), clone.temporary_branches(main, opt):  # noqa: PT012 - the block is the point
            assert list(clone.resolve(names).values()) == [main, opt]
            raise ZeroDivisionError
        assert list(clone.resolve(names).values()) == [None, target.git("rev-parse", "main~1")]
    assert target.git("branch", "--list", "benchmark-base") == ""


# -- worktrees, crashes, company ------------------------------------------------------------------------


def test_a_worktree_is_created_once(target: TargetRepo, cache: Path) -> None:
    tree = cache / "trees/one"
    with opened(target, cache) as clone:
        opt, main = target.git("rev-parse", "opt"), target.git("rev-parse", "main")
        clone.worktree(tree, opt)
        (tree / "built.so").touch()
        clone.worktree(tree, opt)
        assert (tree / "built.so").exists()
        clone.worktree(tree, main)
        assert sorted(place.name for place in tree.iterdir()) == [".git", "a.py", "b", "e.py"]
        clone.remove_worktree(tree)
        assert not tree.exists()
        assert not list((clone.path / "trees/worktrees").glob("[!.]*"))
        clone.remove_worktree(tree)


def test_somebody_elses_folder_is_not_deleted(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    place = tmp_path / "precious"
    place.mkdir()
    (place / "thesis.txt").write_text("years of work")
    with opened(target, cache) as clone:
        for act in (lambda: clone.worktree(place, "opt"), lambda: clone.remove_worktree(place)):
            with pytest.raises(RepositoryError, match="something else is in the way of a worktree"):
                act()
    assert (place / "thesis.txt").read_text() == "years of work"


MAKER = """
import sys
from pathlib import Path
from tasks import git
address, cache, commit, tree = sys.argv[1:]
with git.Clone.open(address, Path(cache)) as clone:
    print("opened", flush=True)
    clone.worktree(Path(tree), commit)
    print(clone.cherry_pick("main", [commit]))
"""


def make_elsewhere(target: TargetRepo, cache: Path, tree: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAKER, str(target.path), str(cache), target.git("rev-parse", "opt"), str(tree)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_standalone_repository_for_programs_that_create_worktrees(
    target: TargetRepo, cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "apart"
    with untouched(target.path), opened(target, cache) as clone:
        picked = clone.cherry_pick("main", [target.git("rev-parse", "opt")])  # in the clone alone
        before = sorted(path.name for path in clone.path.iterdir())
        clone.create_standalone(folder, picked, "main")
        assert {path.name for path in folder.iterdir()} == {".git", "a.py", "b", "e.py"}
        run = {"cwd": folder, "env": {**os.environ, **standalone.git_variables()}, "capture_output": True, "text": True}
        subprocess.run(
            ["git", "worktree", "add", "--quiet", tmp_path / "other", clone.merge_base("main", "opt")],
            check=True,
            **run,
        )
        assert subprocess.run(["git", "status", "--porcelain"], check=True, **run).stdout == ""
        assert sorted({path.name for path in clone.path.iterdir()} - {"trees"}) == before
        clone.create_standalone(folder, "main")
        assert not (folder / "b/d.py").exists()
        stores = [folder / ".git/objects", clone.path / "trees/objects"]
        assert list(standalone.object_stores(folder / ".git")) == stores


def test_an_incomplete_worktree_of_a_killed_process_is_recreated(tmp_path: Path, cache: Path) -> None:
    target = TargetRepo(tmp_path / "large", {"a.py": ""})
    target.branch("opt")
    names = [f"folder{number % 50}/file{number}.py" for number in range(2000)]
    target.commit(dict.fromkeys(names, "x = 1\n"))
    tree = cache / "trees/one"
    with untouched(target.path):
        maker = make_elsewhere(target, cache, tree)
        while not (tree / "folder1").exists() and maker.poll() is None:
            time.sleep(0.001)
        maker.send_signal(signal.SIGKILL)
        maker.wait()
        assert maker.stdout is not None
        maker.stdout.close()
        with opened(target, cache) as clone:
            assert not clone.is_complete(tree, target.head), "it was too fast to be caught in the middle"
            clone.worktree(tree, target.head)
            assert clone.status(tree) == ()
            assert sum(1 for _ in tree.rglob("*.py")) == 2001
            assert not list(clone.path.rglob("*.lock"))
            assert len(list((clone.path / "trees/worktrees").iterdir())) == 1


def test_leftovers_of_a_killed_writer_are_cleaned(target: TargetRepo, cache: Path) -> None:
    with opened(target, cache) as clone:
        clone.worktree(cache / "trees/one", "opt")
        for name in (
            "packed-refs.lock",
            "HEAD.lock",
            "refs/heads/opt.lock",
            "trees/worktrees/one/index.lock",
            "objects/tmp_obj_x",
        ):
            (clone.path / name).touch()
        (clone.path / "refs/heads/benchmark-base").write_text(target.head + "\n")
        (clone.path / "prprep-busy").touch()
    target.git("branch", "--force", "opt", "main")
    with opened(target, cache) as clone:
        assert clone.resolve(["opt", "benchmark-base"]) == {"opt": target.head, "benchmark-base": None}
        clone.restore(cache / "trees/one")
        assert not (clone.path / "objects/tmp_obj_x").exists()
        assert not (clone.path / "prprep-busy").exists()


def test_several_processes_on_one_clone_at_once(target: TargetRepo, cache: Path) -> None:
    with untouched(target.path):
        makers = [make_elsewhere(target, cache, cache / f"trees/{number % 2}") for number in range(4)]
        outputs = [maker.communicate(timeout=120)[0] for maker in makers]
    assert [maker.returncode for maker in makers] == [0] * 4
    assert len(set(outputs)) == 1
