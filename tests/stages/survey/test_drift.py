"""What upstream changed since an optimization, on real histories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.git import Clone, objects
from tasks.manifest.model import Optimization
from tasks.stages.survey.drift import upstream_since
from tests.support.histories import commit, detected, history

pytestmark = pytest.mark.slow

TABLES = "src/pages/tables.py"
LINES = "\n\ndef lines(page):\n    return [line for line in page]\n"
BASE = "def extract(pages):\n    return [page for page in pages]\n" + LINES
FASTER = "def extract(pages):\n    return list(pages)\n" + LINES
OTHER = "def extract(pages):\n    return [page for page in pages if page]\n" + LINES


@pytest.fixture
def repo(tmp_path):
    repo = history(tmp_path, {TABLES: BASE, "notes.txt": "one\n"}, {TABLES: FASTER}, "Copy at once")
    repo.checkout("main")
    return repo


def since(repo, item: Optimization | None = None, **refs):
    detection = detected(repo, item, **refs)
    with Clone.open(str(repo.path), repo.path.parent / "cache") as clone:
        return upstream_since(detection, clone)


def names(commits) -> list[str]:
    return [each.title for each in commits]


def test_an_unchanged_upstream_has_no_drift(repo):
    found = since(repo)
    assert found == replace(found, drift=(), contained=(), conflicts=(), notes=(), arrived=False)
    assert found.since == repo.head


def test_other_files_and_other_functions_are_no_drift(repo):
    commit(repo, {"notes.txt": "two\n"})
    commit(repo, {TABLES: BASE.replace("line for line in page", "str(line) for line in page")}, "Text")
    found = since(repo)
    assert (found.drift, found.contained, found.conflicts, found.arrived, found.notes) == ((), (), (), False, ())


def test_a_changed_function_is_reported_with_its_commits(repo):
    commit(repo, {TABLES: "import os\n\n\n" + BASE}, "Import")
    commit(repo, {TABLES: "import os\n\n\n" + OTHER}, "Leave empty pages out")
    commit(repo, {TABLES: "import os\n\n\n" + OTHER.replace("if page]", "if page is not None]")}, "Only None")
    found = since(repo)
    assert [(each.function, each.change, names(each.commits)) for each in found.drift] == [
        ("pages.tables:extract", "changed", ["Leave empty pages out", "Only None"])
    ]
    assert found.conflicts == (TABLES,)


def test_comments_and_layout_are_no_drift_but_may_be_in_conflict(repo):
    commit(repo, {TABLES: BASE.replace("    return [page", "    # A copy.\n    return [page")}, "Comment")
    found = since(repo)
    assert (found.drift, found.conflicts) == ((), (TABLES,))


def test_a_removed_function_is_reported(repo):
    commit(repo, {TABLES: LINES.lstrip()}, "Remove extract")
    (drift,) = since(repo).drift
    assert (drift.change, names(drift.commits)) == ("removed", ["Remove extract"])


def test_a_file_that_upstream_renamed_is_followed(repo):
    repo.git("mv", TABLES, "src/pages/grids.py")
    commit(repo, {}, "Rename")
    assert since(repo).drift == ()
    commit(repo, {"src/pages/grids.py": OTHER}, "Leave empty pages out")
    (drift,) = since(repo).drift
    assert (drift.change, names(drift.commits)) == ("changed", ["Leave empty pages out"])


def test_the_same_patch_is_found_in_any_commit(repo):
    commit(repo, {TABLES: BASE + "\n\nX = 1\n"}, "Before it")
    repo.git("cherry-pick", "faster")
    commit(repo, {"notes.txt": "two\n"})
    found = since(repo)
    assert (names(found.contained), names(found.as_commits)) == (["Copy at once"], ["Copy at once"])
    assert found.as_commits[0].sha != found.contained[0].sha
    assert found.arrived
    assert (found.drift, found.conflicts) == ((), ())


def test_commits_that_were_squashed_are_found(repo):
    repo.checkout("faster")
    commit(repo, {TABLES: FASTER.replace("[line for line in page]", "list(page)")}, "Lines too")
    repo.checkout("main")
    repo.git("merge", "--squash", "--quiet", "faster")
    commit(repo, {}, "Copy at once (#4)")
    found = since(repo)
    assert (names(found.contained), names(found.as_commits)) == (["Copy at once", "Lines too"], ["Copy at once (#4)"])


def test_one_of_two_commits_is_contained(repo):
    commit(repo, {"notes.txt": "one and a half\n"})
    repo.git("cherry-pick", "faster")
    repo.checkout("faster")
    commit(repo, {"src/pages/more.py": "def more():\n    return 1\n"}, "More")
    repo.checkout("main")
    commit(repo, {"notes.txt": "two\n"})
    found = since(repo)
    assert (names(found.contained), found.arrived) == (["Copy at once"], False)


def test_what_upstream_merged_is_contained(repo):
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", "faster")
    head = repo.git("rev-parse", "faster")
    found = since(repo)
    assert (found.since, names(found.contained)) == (head, ["Copy at once"])


def test_code_that_arrived_by_another_patch_is_no_drift(repo):
    commit(repo, {TABLES: "# Tables.\n" + FASTER.replace("list(pages)", "list(pages)  # at once")}, "The same")
    found = since(repo)
    assert (found.arrived, found.contained, found.drift) == (True, (), ())


def test_a_function_that_upstream_added_too_is_drift(repo):
    repo.checkout("faster")
    commit(repo, {TABLES: FASTER + "\n\ndef new(page):\n    return 1\n"}, "New")
    repo.checkout("main")
    commit(repo, {TABLES: BASE + "\n\ndef new(page):\n    return 2\n"}, "Also new")
    (drift,) = since(repo).drift
    assert (drift.function, drift.change, names(drift.commits)) == ("pages.tables:new", "changed", ["Also new"])


def test_picked_commits_are_compared_with_upstream(repo):
    sha = repo.git("rev-parse", "faster")
    commit(repo, {TABLES: OTHER}, "Leave empty pages out")
    found = since(repo, Optimization(id="it", commits=(sha,), base="main~1"))
    assert [each.change for each in found.drift] == ["changed"]
    assert found.conflicts == (TABLES,)


def test_a_file_that_is_invalid_python_upstream_is_unknown(repo):
    commit(repo, {TABLES: "def extract(:\n"}, "Break")
    found = since(repo)
    assert found.drift == ()
    assert not found.arrived
    assert [note for note in found.notes if "whether upstream changed pages.tables:extract is unknown" in note]


def test_an_older_git_leaves_conflicts_unknown(repo, tmp_path, monkeypatch):
    commit(repo, {TABLES: OTHER}, "Leave empty pages out")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    real = repo.git("--exec-path") + "/git"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = merge-tree ] && {{ echo "usage: git merge-tree" >&2; exit 129; }}\nexec "{real}" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    found = since(repo)
    assert found.conflicts == ()
    assert [note for note in found.notes if "that takes git 2.38 or newer" in note]


def test_merging_leaves_the_objects_of_the_repository_alone(repo):
    commit(repo, {TABLES: OTHER}, "Leave empty pages out")
    objects = {path: path.stat().st_mtime_ns for path in (repo.path / ".git" / "objects").rglob("*") if path.is_file()}
    since(repo)
    assert objects == {
        path: path.stat().st_mtime_ns for path in (repo.path / ".git" / "objects").rglob("*") if path.is_file()
    }


def test_contents_are_read_in_one_process_and_missing_ones_left_out(repo):
    with Clone.open(str(repo.path), repo.path.parent / "cache") as clone:
        head = repo.head
        places = [(head, "notes.txt"), (head, "nothing.txt"), (head, "src"), (head, TABLES), ("0" * 40, TABLES)]
        found = objects.read_files(clone.path, places)
    assert found == {(head, "notes.txt"): b"one\n", (head, TABLES): BASE.encode()}
