"""One manifest about several repositories: each item's refs, upstream and names are those of its own."""

from __future__ import annotations

import json

import pytest

from tasks import __version__
from tasks.errors import ManifestError
from tasks.workspace import workspace
from tasks.workspace.workspace import Workspace
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow


@pytest.fixture
def one(tmp_path):
    repo = TargetRepo(tmp_path / "one", {"one.py": "def one():\n    return 1\n"})
    repo.git("remote", "add", "origin", "git@github.com:ada/one.git")
    repo.branch("faster")
    repo.commit({"one.py": "def one():\n    return 0 + 1\n"})
    return repo


@pytest.fixture
def two(tmp_path):
    repo = TargetRepo(tmp_path / "two", {"two.py": "def two():\n    return 2\n"}, branch="trunk")
    repo.git("remote", "add", "origin", "git@github.com:ada/two.git")
    repo.branch("faster")
    repo.commit({"two.py": "def two():\n    return 1 + 1\n"})
    return repo


def opened(tmp_path, *items, **top):
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    (folder / "prprep.yaml").write_text(json.dumps({"version": 1, "repo": "../one", **top, "optimizations": items}))
    return Workspace.open(folder / "prprep.yaml", cache=tmp_path / "cache")


FIRST = {"id": "first", "head": "faster", "functions": "one:one"}
SECOND = {"id": "second", "repo": "../two", "upstream": "trunk", "head": "faster", "functions": "two:two"}


def test_each_item_has_the_refs_of_its_own_repository(tmp_path, one, two):
    workspace = opened(tmp_path, FIRST, SECOND)
    first, second = workspace.refs("first"), workspace.refs("second")
    assert (first.head, first.upstream_ref, first.slug) == (one.head, "main", "ada/one")
    assert (second.head, second.upstream_ref, second.slug) == (two.head, "trunk", "ada/two")
    assert workspace.repository("second").worktree == two.path
    assert len(workspace.repositories) == 2


def test_what_its_refs_name_is_remembered_of_every_repository(tmp_path, one, two):
    opened(tmp_path, FIRST, SECOND).refs("first")
    entries = json.loads((tmp_path / "work/.prprep/cache.json").read_text())["entries"]
    commits = [value[1]["faster"] for name, (_, value) in entries.items() if name.startswith("refs ")]
    assert sorted(commits) == sorted((one.head, two.head))
    assert entries["plan"][1][1]["first"]["lockstep"] is None
    moved = two.commit({"two.py": "def two():\n    return 2 + 0\n"})
    assert opened(tmp_path, FIRST, SECOND).refs("second").head == moved

    # A prprep with fewer settings remembered the plan.
    del entries["plan"][1][1]["first"]["lockstep"]
    content = {"version": __version__, "entries": entries}
    (tmp_path / "work/.prprep/cache.json").write_text(json.dumps(content))
    (tmp_path / "model.py").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workspace, "_MODEL", tmp_path / "model.py")
        assert opened(tmp_path, FIRST, SECOND).plan.items["first"]["lockstep"] is None


def test_an_item_can_go_to_another_upstream_of_the_same_repository(tmp_path, one):
    one.git("branch", "release", "main")
    workspace = opened(
        tmp_path, FIRST, {**FIRST, "id": "port", "upstream": "release", "slug": "grace/one"}, slug="ada/first"
    )
    assert (workspace.refs("port").upstream_ref, workspace.refs("port").slug) == ("release", "grace/one")
    assert (workspace.refs("first").upstream_ref, workspace.refs("first").slug) == ("main", "ada/first")


def test_the_top_levels_upstream_and_slug_do_not_hold_for_another_repository(tmp_path, one, two):
    two.git("branch", "main", "trunk")
    workspace = opened(tmp_path, FIRST, {**SECOND, "upstream": None}, upstream="faster", slug="ada/first")
    assert (workspace.refs("second").upstream_ref, workspace.refs("second").slug) == ("main", "ada/two")


def test_a_repository_that_is_nobodys_need_not_be_there(tmp_path, two):
    assert opened(tmp_path, SECOND).refs("second").head == two.head


def test_mistakes_are_reported_with_their_place_in_the_item(tmp_path, one, two):
    with pytest.raises(ManifestError) as caught:
        opened(
            tmp_path,
            FIRST,
            {**SECOND, "head": "fastest", "functions": []},
            {**SECOND, "id": "third", "repo": "../three"},
        )
    message = str(caught.value)
    assert '`head` is "fastest", but the repository has no such branch, tag or commit' in message
    assert "three" in message
    assert "did you mean faster?" in message
