"""Which pull requests are measured, and the reason that is given."""

from __future__ import annotations

import pytest

from tasks.artifacts import Commit
from tasks.ci.trigger import Trigger, by_claims
from tasks.ref_comparison.sides import Sides
from tasks.workspace.repository import Repository, RepositoryKey
from tests.support.targets import TargetRepo


@pytest.mark.parametrize(
    ("title", "body", "commits", "why"),
    [
        ("perf: read once", "", (), "it claims a speed-up: its title begins with perf"),
        ("Make parse() faster", "", (), 'it claims a speed-up: "faster" in its title'),
        ("Rewrite parse()", "It is now\n3.1x faster.", (), 'it claims a speed-up: "3.1x faster" in its message'),
        ("Rewrite parse()", "", ("Tidy", "Cache the headers"), "commit 111111111111 claims a speed-up: "),
    ],
)
def test_a_claim_is_measured(title, body, commits, why):
    decision = by_claims(title, body, [Commit(sha=str(n) * 40, title=each) for n, each in enumerate(commits)])
    assert decision.measures
    assert decision.why.startswith(why)


@pytest.mark.parametrize("title", ["Fix the parser", "docs: explain performance", "", "Bump faster-lib from 1 to 2"])
def test_no_claim_is_not_measured(title):
    decision = by_claims(title, "- [ ] I ran the performance tests", [Commit(sha="1" * 40, title="Fix it")])
    assert not decision.measures
    assert decision.why.startswith("neither title, body nor commits claim a speed-up")


def test_paths_always_and_no_commits(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {"src/a.py": "1\n", "docs/b.md": "b\n"})
    repo.branch("change")
    repo.commit({"src/deep/a.py": "2\n"}, "Change")
    repository = Repository(RepositoryKey(str(repo.path), None, None), folder=repo.path, cache=tmp_path / "cache")
    sides = Sides.from_merge_base(repository, "main", "change")

    def decide(*paths, always=False, of=sides):
        decision = Trigger(always, paths).decide(of, "Change", "")
        return decision.measures, decision.why

    assert decide("docs/**", "src/**/*.py") == (True, "it changes src/deep/a.py")
    assert decide("src") == (True, "it changes src/deep/a.py")
    assert decide("docs/**", "*.py") == (False, "it changes none of the files that --paths names")
    assert decide("docs/**", always=True) == (True, "--always is set")
    assert not decide()[0]
    same = Sides.from_merge_base(repository, "change", "main")
    assert decide(always=True, of=same) == (False, "head has no commits that base does not have")
