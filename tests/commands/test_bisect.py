"""`prprep bisect`: the commits of an optimization, one by one."""

from __future__ import annotations

import pytest

from tasks.commands.bisect import _names
from tasks.git import Clone
from tests.support.documents import document_of
from tests.support.evidence import DETECTION
from tests.support.mistakes import CODE, LIGHT, item, manifest, ran, target

HALF = "def total(size=1000):\n    lists = [list(range(size)) for _ in range(10)]\n    return sum(lists[0])\n"
OTHER = "\n\ndef other():\n    return 1\n"


@pytest.mark.slow
def test_each_commit_that_changes_the_function_is_compared_with_the_one_before_it(tmp_path):
    repo = target(tmp_path, head={CODE: HALF})
    repo.commit({CODE: HALF + OTHER}, "Add another function")
    repo.commit({CODE: LIGHT + OTHER}, "Sum without any list")
    folder = manifest(repo, item())
    early = ran(folder, "bisect", "faster")
    assert (early.returncode, early.stderr.splitlines()[0]) == (3, "ERROR: faster: detect is not up to date")
    assert ran(folder, "compare:faster").returncode == 0
    first = ran(folder, "bisect", "faster")
    assert first.returncode == 0, first.stderr
    rows = [line for line in first.stdout.splitlines() if " improved: " in line]
    assert [row.split("  ")[1].strip() for row in rows[:2]] == ["Sum without lists", "Sum without any list"]
    assert rows[2].startswith("together ")
    assert "Add another function" not in first.stdout
    again = ran(folder, "bisect", "faster")
    assert again.stdout == first.stdout
    items = document_of(ran(folder, "bisect", "faster", "--json").stdout)["items"]
    assert [item["head"]["sha"][:12] for item in items] == [row.split()[0] for row in rows[:2]]
    assert [item["comparison"]["verdict"] for item in items] == ["improved", "improved"]
    assert {item["state"] for item in items} <= {"ready", "needs review"}
    assert "measure:" not in again.stderr


def test_a_commit_that_is_picked_keeps_the_users_name(tmp_path):
    """Of several commits that an item lists, only copies are measured, which no user knows."""
    repo = target(tmp_path, head={CODE: HALF})
    repo.commit({"other.py": "x = 1\n"}, "Add another module")
    repo.commit({CODE: LIGHT}, "Sum without any list")
    picked = (repo.git("rev-parse", "faster~2"), repo.head)
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        base, head = repo.git("rev-parse", "main"), clone.cherry_pick("main", picked)
        names = _names(clone, DETECTION.model_copy(update={"base": base, "head": head, "picked": picked}))
        copies = [commit.sha for commit in clone.commits(base, head)]
    assert picked[1] not in copies
    assert [names[sha] for sha in copies] == [f"commit-{sha[:12]}" for sha in picked]
