"""Branches made in the private clone of real histories: what they hold, who made it, and what is found in them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.artifacts import Comparison, Decision, Drift, PullRequest, Scaffolding, Survey, Verdict
from tasks.errors import CherryPickError, RepositoryError
from tasks.git import Clone
from tasks.manifest.model import Optimization
from tasks.pull_request import assembling
from tasks.pull_request.assembling import StageResults
from tests.support.evidence import CPU_IMPROVED, INJECTION, SHA256, UNCHANGED
from tests.support.histories import commit, detected, history
from tests.support.untouched import untouched

if TYPE_CHECKING:
    from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

BEA = "Bea <bea@example.org>"
SLOW = "def total(numbers):\n    return sum([number for number in numbers])\n"
FAST = "def total(numbers):\n    return sum(numbers)\n"
CODE = "src/pages/sums.py"
PATH = "tests/benchmarks/test_benchmark_total.py"
BENCHMARK = b"from pages.sums import total\n\n\ndef test_benchmark_total(benchmark):\n    benchmark(total, range(9))\n"
KEPT = "# Changelog\n\nSee https://keepachangelog.com.\n\n## [Unreleased]\n\n### Changed\n\n- This.\n"
ITEM = Optimization(id="it", head="faster")


@dataclasses.dataclass
class Target:
    """A repository with an optimization on the branch `faster`, and the branch that is made of it."""

    repo: TargetRepo

    @classmethod
    def at(
        cls, folder: Path, base: dict | None = None, head: dict | None = None, message: str = "Sum without a list"
    ) -> Target:
        return cls(history(folder, {CODE: SLOW, **(base or {})}, {CODE: FAST, **(head or {})}, message))

    def upstream(self, files: dict, message: str = "More") -> str:
        self.repo.checkout("main")
        return commit(self.repo, files, message)

    def make(
        self,
        item: Optimization = ITEM,
        *,
        comparison: Comparison = CPU_IMPROVED,
        survey: Survey | None = None,
        opened: int | None = None,
        drop: bool = False,
    ):
        detection = detected(self.repo, item)
        scaffolding = Scaffolding(
            item="it", path=PATH, origin="generated", source=PATH, sha256=SHA256, made_from="recorded"
        )
        results = StageResults(detection, scaffolding, INJECTION, comparison, survey, opened)
        with Clone.open(str(self.repo.path), self.repo.path.parent / "cache") as clone:
            return assembling.assemble(item, results, clone, BEA, contents={PATH: BENCHMARK}, drop_model_authors=drop)

    def git(self, *arguments: str) -> str:
        """Ask the private clone."""
        (clone,) = (self.repo.path.parent / "cache" / "clones").glob("*.git")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments], cwd=clone, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout


def test_commits_on_top_of_upstream_stay_unchanged(tmp_path):
    target = Target.at(tmp_path)
    branch = target.make()
    assert [(each.sha, each.made) for each in branch.commits] == [(target.repo.git("rev-parse", "faster"), "kept")]
    assert branch.head == target.repo.git("rev-parse", "faster")
    assert branch.base == target.repo.git("rev-parse", "main")
    assert (branch.added, branch.changelog) == ((), "the project keeps no changelog")


def test_commits_are_put_onto_upstreams_newest_with_author_date_and_message(tmp_path):
    target = Target.at(tmp_path, message="Sum without a list\n\nA list is slow.\n")
    newest = target.upstream({"README.md": "Words.\n"})
    branch = target.make()
    (picked,) = branch.commits
    assert (picked.made, picked.source) == ("picked", target.repo.git("rev-parse", "faster"))
    shown = target.git("log", "-1", "--format=%an <%ae> %ad|%cn|%P|%B", branch.head)
    assert shown.partition("|")[0] == target.repo.git("log", "-1", "--format=%an <%ae> %ad", "faster")
    assert shown.partition("|")[2].strip() == f"Bea|{newest}|Sum without a list\n\nA list is slow."
    assert target.git("show", f"{branch.head}:README.md") == "Words.\n"


def test_the_branch_is_reproducible_and_the_repository_is_only_read(tmp_path):
    target = Target.at(tmp_path, {"CHANGELOG.md": KEPT, "tests/benchmarks/test_other.py": "def test(): pass\n"})
    target.upstream({"README.md": "Words.\n"})
    with untouched(target.repo.path):
        first = target.make()
        assert target.make() == first
    assert first.added == ("CHANGELOG.md", PATH)


def test_benchmark_and_changelog_entry_make_one_commit_by_the_user(tmp_path):
    target = Target.at(tmp_path, {"CHANGELOG.md": KEPT, "tests/benchmarks/test_other.py": "def test(): pass\n"})
    branch = target.make()
    assert [(each.title, each.author, each.made) for each in branch.commits] == [
        ("Sum without a list", "Ada", "kept"),
        ("Add a benchmark of total and a changelog entry", "Bea", "own"),
    ]
    assert target.git("show", f"{branch.head}:{PATH}").encode() == BENCHMARK
    entry = "- Improve the performance of `pages.sums.total`: sum without a list.\n"
    assert target.git("show", f"{branch.head}:CHANGELOG.md") == KEPT + entry
    assert target.git("log", "-1", "--format=%cn %cd", branch.head).startswith("Bea ")
    assert target.git("diff-tree", "--no-commit-id", "-r", "--name-only", branch.head).split() == ["CHANGELOG.md", PATH]


@pytest.mark.parametrize(
    ("setting", "has_others", "is_added"),
    [("auto", True, True), ("auto", False, False), ("always", False, True), ("never", True, False)],
)
def test_the_benchmark_is_committed_if_the_project_keeps_some_or_on_request(tmp_path, setting, has_others, is_added):
    target = Target.at(tmp_path, {"tests/benchmarks/test_other.py": "def test(): pass\n"} if has_others else {})
    branch = target.make(ITEM.model_copy(update={"commit_benchmark": setting}))
    assert (PATH in branch.added) is is_added
    assert is_added or "it is in the evidence" in branch.benchmark


def test_the_optimizations_own_changelog_entry_is_the_only_one(tmp_path):
    target = Target.at(tmp_path, {"CHANGELOG.md": KEPT}, {"CHANGELOG.md": KEPT + "- Sum without a list.\n"})
    branch = target.make()
    assert (branch.added, branch.changelog) == ((), "the optimization brings its own entry in CHANGELOG.md")


def test_there_is_no_entry_without_an_improvement(tmp_path):
    target = Target.at(tmp_path, {"CHANGELOG.md": KEPT})
    branch = target.make(comparison=UNCHANGED)
    assert (branch.added, branch.changelog) == ((), f"no entry: the comparison says {Verdict.UNCHANGED}")


def test_titles_and_sign_off_are_those_of_the_project(tmp_path):
    target = Target.at(
        tmp_path, {"CHANGELOG.md": KEPT, "CONTRIBUTING.md": "All commits must carry a Signed-off-by line.\n"}
    )
    for number in range(6):
        target.upstream({"README.md": f"{number}\n"}, f"fix: words {number}")
    branch = target.make()
    assert branch.title == "perf: sum without a list"
    assert branch.commits[-1].title == "docs: add a changelog entry for total"
    assert "Signed-off-by: Bea <bea@example.org>" in target.git("log", "-1", "--format=%B", branch.head)
    (finding,) = [each for each in branch.findings if each.about == "sign-off"]
    assert finding.fatal
    assert "Ada must add it" in finding.text


def test_merges_are_left_out_as_a_rebase_does(tmp_path):
    target = Target.at(tmp_path)
    target.upstream({"README.md": "Words.\n"})
    target.repo.checkout("faster")
    target.repo.git("merge", "--quiet", "--no-edit", "main")
    commit(target.repo, {"src/pages/more.py": "x = 1\n"}, "More sums")
    branch = target.make()
    assert [(each.title, each.made) for each in branch.commits] == [
        ("Sum without a list", "picked"),
        ("More sums", "picked"),
    ]
    assert "merge commits were left out" in branch.notes[0]
    assert target.git("diff", branch.head, "faster") == ""


def test_a_conflict_names_the_files_and_what_upstream_did(tmp_path):
    target = Target.at(tmp_path)
    target.upstream({CODE: SLOW.replace("[number for number in numbers]", "list(numbers)")})
    theirs = detected(target.repo, ITEM).commits[0]
    drift = Drift(function="pages.sums:total", change="changed", commits=(theirs,))
    survey = Survey(item="it", slug=None, drift=(drift,), conflicts=(CODE,), decision=Decision(kind="new", reason=""))
    with pytest.raises(CherryPickError) as caught:
        target.make(survey=survey)
    assert caught.value.files == (CODE,)
    assert f"conflicts in {CODE}" in str(caught.value)
    assert f"pages.sums:total was changed by {theirs.sha[:12]}" in str(caught.value)
    assert "name that branch as `head`" in str(caught.value)


def test_what_upstream_has_already_makes_no_branch(tmp_path):
    target = Target.at(tmp_path)
    target.upstream({"README.md": "Words.\n"})
    target.upstream({CODE: FAST}, "The same, by somebody else")
    with pytest.raises(RepositoryError, match="main has all of this optimization already"):
        target.make()


def folding(number: int, branch: str) -> Survey:
    pull = PullRequest(number=number, title="T", state="open", url="u", branch=branch, touches="function")
    return Survey(
        item="it",
        slug="acme/pages",
        pull_requests=(pull,),
        decision=Decision(kind="fold", into=f"#{number}", reason=""),
    )


def test_a_branch_that_goes_into_a_pull_request_is_built_on_it(tmp_path):
    target = Target.at(tmp_path)
    target.repo.branch("theirs", "main")
    tip = commit(target.repo, {"src/pages/more.py": "x = 1\n"}, "Theirs")
    target.repo.checkout("main")
    branch = target.make(survey=folding(12, "theirs"))
    assert target.git("rev-parse", f"{branch.head}^").strip() == tip
    assert branch.base == target.repo.git("rev-parse", "main")
    assert branch.onto.startswith("#12, theirs")
    with pytest.raises(RepositoryError, match="the branch of #12, gone, is not in the repository"):
        target.make(survey=folding(12, "gone"))
    assert target.make(survey=folding(12, "gone"), opened=12).onto.startswith("main")


def test_trailers_of_language_models_are_flagged_and_dropped_on_request(tmp_path):
    message = "Sum without a list\n\nWords.\n\nCo-authored-by: Claude <noreply@anthropic.com>\n"
    target = Target.at(
        tmp_path,
        {"AI_POLICY.md": "No LLM bots as co-authors: remove every Co-authored-by of an LLM.\n"},
        message=message,
    )
    branch = target.make()
    assert [(each.about, each.fatal) for each in branch.findings] == [("co-author", True)]
    assert "Claude" in target.git("log", "-1", "--format=%B", branch.head)
    dropped = target.make(drop=True)
    assert dropped.findings == ()
    assert target.git("log", "-1", "--format=%B", dropped.head).strip() == "Sum without a list\n\nWords."
    assert target.git("log", "-1", "--format=%an", dropped.head).strip() == "Ada"


def test_files_that_do_not_belong_are_found(tmp_path):
    bad = {"src/pages/sums.py.orig": SLOW, "data.bin": b"\0\1", "src/pages/other.py": "x = 1   \n"}
    branch = Target.at(tmp_path, head=bad).make()
    findings = {(each.about, each.fatal) for each in branch.findings}
    assert findings == {("scratch", True), ("binary", False), ("unrelated", False), ("whitespace", False)}
    assert [each.text for each in branch.fatal] == ["src/pages/sums.py.orig is a scratch file"]
