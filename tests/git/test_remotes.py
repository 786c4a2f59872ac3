from __future__ import annotations

import pytest

from tasks.git.remotes import branch_head, is_branch_name
from tests.support.targets import TargetRepo


@pytest.mark.parametrize("name", ["perf/total", "a", "perf-1.2", "häuser", "x@y"])
def test_branch_names(name):
    assert is_branch_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "*", "perf/*", "a b", "", "@{-1}", "-x", "a..b", "a.lock", "/a", "a/", "a//b", "a~1", "a^", "a:b", "a?", "[a]",
        "a\\b", "a\n", ".a", "a.", "a@{1}",
    ],
)  # fmt: skip
def test_no_branch_names(name):
    assert not is_branch_name(name)


def test_the_head_of_a_branch_is_not_that_of_another_one(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {"a": "1\n"})
    repo.git("update-ref", "refs/odd/refs/heads/perf", "main")
    assert branch_head(str(repo.path), "main", folder=tmp_path) == repo.head
    assert [branch_head(str(repo.path), name, folder=tmp_path) for name in ("*", "m?in", "perf", "ain")] == [None] * 4
