"""The decision about an optimization, and how the stage copes without an answer from GitHub."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace

import pytest

from tasks.artifacts import Commit, PullRequest, Survey
from tasks.github.cache import DAY, Lookup
from tasks.github.client import GitHubRepository, NotOnGitHub
from tasks.github.search import SearchResult
from tasks.stages.survey.drift import Upstream
from tasks.stages.survey.survey import decide, survey_of
from tasks.workspace.repository import Repository, RepositoryKey
from tests.support.evidence import DETECTION, HEAD
from tests.support.github import GitHub
from tests.support.mistakes import CODE, LIGHT, compare, item, target
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

TARGET = "pagelayout.text:merge_lines"
UNCHANGED = Upstream(since="5e" * 20)
OWN = DETECTION.commits[0]
PICKED = Commit(sha="ab" * 20, title="Join once (#9)")


def pull(number: int, **fields) -> PullRequest:
    return PullRequest(
        **{
            "number": number,
            "title": "T",
            "state": "open",
            "url": "u",
            "branch": "b",
            "touches": "function",
            "functions": (TARGET,),
            **fields,
        }
    )


def decided(
    *pulls: PullRequest,
    upstream: Upstream = UNCHANGED,
    pr: int | None = None,
    rivals: dict[str, str] | None = None,
) -> str:
    decision = decide(DETECTION, upstream, pulls, pr=pr, rivals=rivals or {})
    return f"{decision.kind} {decision.into}: {decision.reason}".replace(" :", ":")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, "new: nothing else touches the same functions"),
        ({"pulls": [pull(4)]}, f"fold #4: it touches the same function, {TARGET}"),
        ({"pulls": [pull(4), pull(3, touches="branch", state="draft")]}, "fold #3: it is draft, from the branch b"),
        ({"pulls": [pull(4, touches="file", functions=())]}, "new: nothing else touches the same functions"),
        ({"pulls": [pull(4, touches="words", functions=())]}, "new: nothing else touches the same functions"),
        (
            {"pulls": [pull(4, state="merged"), pull(5, state="closed")]},
            "new: nothing else touches the same functions",
        ),
        (
            {"pulls": [pull(4, state="merged", touches="branch", same_commit=True)]},
            "skip: #4 already merged the same commits",
        ),
        (
            {"pulls": [pull(4, state="closed", touches="branch", same_commit=True)]},
            "new: nothing else touches the same functions",
        ),
        ({"pr": 7}, "fold #7: the manifest names it"),
        ({"pr": 7, "pulls": [pull(7, state="merged"), pull(4)]}, "fold #7: the manifest names it, and is merged"),
        ({"upstream": replace(UNCHANGED, since=HEAD)}, "skip: origin/main already contains it"),
        (
            {"upstream": replace(UNCHANGED, contained=(OWN,), as_commits=(PICKED,)), "pulls": [pull(4)]},
            "skip: the same patch is already in origin/main (abababababab Join once (#9))",
        ),
        (
            {"upstream": replace(UNCHANGED, arrived=True)},
            "skip: origin/main already has every changed function as it is at head",
        ),
        (
            {"rivals": {"src/pagelayout/text.py:merge_lines": "lines"}},
            f"fold lines: that item touches the same function, {TARGET}",
        ),
        (
            {"rivals": {"src/pagelayout/text.py:merge_lines": "lines"}, "pulls": [pull(4)]},
            f"fold #4: it touches the same function, {TARGET}",
        ),
        ({"rivals": {"src/pagelayout/text.py:other": "lines"}}, "new: nothing else touches the same functions"),
    ],
)
def test_the_decision(found, expected):
    found = {**found}
    assert decided(*found.pop("pulls", ()), **found) == expected


def test_one_of_two_commits_upstream_is_no_skip():
    two = DETECTION.model_copy(update={"commits": (OWN, OWN.model_copy(update={"sha": "cd" * 20}))})
    upstream = replace(UNCHANGED, contained=(OWN,), as_commits=(PICKED,))
    assert decide(two, upstream, (), pr=None, rivals={}).kind == "new"


def test_the_decision_says_that_pull_requests_are_unknown():
    decision = decide(DETECTION, UNCHANGED, None, pr=None, rivals={})
    assert decision.reason == "nothing else touches the same functions (pull requests are unknown)"


def test_an_unknown_answer_leaves_its_fields_empty():
    known = Lookup(None, None, "gh is not logged in; log in", "s")
    survey = survey_of(
        DETECTION, known, UNCHANGED, github=GitHubRepository("github.com", "acme/pagelayout"), pr=None, rivals={}
    )
    assert (survey.unknown, survey.older, survey.default_branch, survey.pull_requests) == (
        "gh is not logged in; log in",
        False,
        None,
        (),
    )
    elsewhere = survey_of(
        DETECTION,
        Lookup(None, None, "not GitHub", ""),
        UNCHANGED,
        github=NotOnGitHub("a", "b"),
        pr=None,
        rivals={},
    )
    assert (elsewhere.host, elsewhere.slug) == (None, DETECTION.slug)


def test_an_older_answer_is_used_and_marked():
    known = Lookup(SearchResult("main", None, (pull(4),)), 1.0, "no network; connect", "s")
    survey = survey_of(
        DETECTION, known, UNCHANGED, github=GitHubRepository("github.com", "acme/pagelayout"), pr=None, rivals={}
    )
    assert (survey.older, survey.decision.into, survey.unknown) == (True, "#4", "no network; connect")


def test_a_fork_is_noted():
    known = Lookup(SearchResult("main", "acme/pagelayout"), 1.0, "", "s")
    survey = survey_of(
        DETECTION, known, UNCHANGED, github=GitHubRepository("github.com", "ada/pagelayout"), pr=None, rivals={}
    )
    assert survey.notes == (
        "ada/pagelayout is a fork of acme/pagelayout: if pull requests go there, set `slug: acme/pagelayout` in the manifest.",
    )


# -- the stage, as its users run it -----------------------------------------------------------------------


@pytest.fixture
def repo(tmp_path):
    return target(tmp_path)


@pytest.fixture
def github(tmp_path, repo):
    with GitHub(tmp_path / "github") as server:
        server.repository("acme/pages", like=repo.path)
        repo.git("remote", "add", "origin", server.repositories["acme/pages"].clone_url)
        yield server


def surveyed(
    repo, *items, github: GitHub | None = None, options: tuple[str, ...] = (), code: int = 0, **variables
) -> tuple[Survey, str]:
    """Run prprep up to the survey; return that of the first item and the output."""
    items = items or (item(),)
    run = compare(repo, *items, stages=(*options, "survey"), **{**(github.environment if github else {}), **variables})
    assert run.code == code, run.output
    return Survey.read(run.state(str(items[0]["id"])) / "survey.json"), run.output


with_gh = pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")


@with_gh
def test_github_is_asked_once_a_day_and_on_demand(repo, github):
    first, output = surveyed(repo, github=github)
    assert (first.decision.kind, first.unknown, first.default_branch, first.slug) == ("new", "", "main", "acme/pages")
    assert f"searching {github.host} for pull requests of acme/pages" in output
    asked = len(github.requests)
    assert ".  survey:faster" not in surveyed(repo, github=github)[1]
    assert len(github.requests) == asked
    store = repo.path.parent / "work" / ".prprep" / "survey.json"
    written = store.parent / "faster" / "survey.json"
    before = written.read_text()
    assert ".  survey:faster" in surveyed(repo, github=github, options=("--refresh",))[1]
    assert (written.read_text(), len(github.requests)) == (before, asked + 1)

    github.repositories["acme/pages"].open("faster")
    make_older(repo, DAY + 1)
    found, output = surveyed(repo, github=github)
    assert (found.decision.kind, found.decision.into) == ("fold", "#1")
    assert ".  survey:faster" in output


def make_older(repo, seconds: float) -> None:
    """Move the times of GitHub's cached answers back."""
    kept = repo.path.parent / "work" / ".prprep" / "forge.json"
    content = json.loads(kept.read_text())
    for place in content.values():
        for entry in (*place["items"].values(), *([place["failed"]] if "failed" in place else [])):
            entry["asked"] -= seconds
    kept.write_text(json.dumps(content))


@with_gh
def test_an_older_answer_is_used_while_github_does_not_answer(repo, github):
    github.repositories["acme/pages"].open("faster")
    surveyed(repo, github=github)
    make_older(repo, 3 * DAY)
    github.break_down("502")
    found, output = surveyed(repo, github=github)
    assert (found.decision.into, found.older) == ("#1", True)
    assert "has an internal problem (HTTP 5xx)" in found.unknown
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 3 * DAY))
    assert f"its answer of {day}" in output
    assert f"the search of {day}" in (repo.path.parent / "work" / ".codeflash" / "report.md").read_text()
    asked = len(github.requests)
    assert ".  survey:faster" not in surveyed(repo, github=github)[1]
    assert len(github.requests) == asked


@with_gh
def test_a_forge_in_trouble_is_asked_once_for_all_items(repo, github):
    repo.branch("other", "main")
    repo.commit({"textkit/more.py": "def more():\n    return 1\n"}, "More")
    repo.checkout("main")
    github.break_down("502")
    found, output = surveyed(repo, item(), item("other"), github=github)
    assert "has an internal problem" in found.unknown
    assert len(github.requests) == 1
    assert output.count(f"searching {github.host}") == 1


@with_gh
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"GH_ENTERPRISE_TOKEN": ""}, "gh is not logged in to localhost"),
        ({"GH_ENTERPRISE_TOKEN": "ghp_wrong"}, "rejects the login of gh (HTTP 401)"),
    ],
)
def test_a_login_that_is_missing_or_wrong_is_unknown_and_the_run_continues(repo, github, variables, message):
    found, _ = surveyed(repo, github=github, **variables)
    assert message in found.unknown
    assert found.decision.kind == "new"
    assert surveyed(repo, github=github)[0].unknown == ("" if not variables["GH_ENTERPRISE_TOKEN"] else found.unknown)


def test_without_gh_it_is_unknown_and_git_answers_all_the_same(repo, github, tmp_path):
    repo.checkout("main")
    repo.commit({"README": "a\n"}, "Begin")
    repo.git("cherry-pick", "faster")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(shutil.which(name))
    found, _ = surveyed(repo, github=github, PATH=str(programs))
    assert "gh, GitHub's command line, cannot be run: `gh auth token" in found.unknown
    assert "install gh" in found.unknown
    assert found.decision.kind == "skip"


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        (None, "the repository has no remote on GitHub"),
        ("https://gitlab.com/acme/pages.git", "gitlab.com is not GitHub"),
        ("/srv/pages.git", "a remote that is not on GitHub"),
    ],
)
def test_what_is_not_on_github_is_not_asked(repo, remote, message):
    if remote:
        repo.git("remote", "add", "origin", remote)
    found, _ = surveyed(repo)
    assert message in found.unknown
    assert not (repo.path.parent / "work" / ".prprep" / "forge.json").exists()
    assert ".  survey:faster" not in surveyed(repo)[1]


def test_pull_requests_go_to_the_remote_that_upstream_is_a_branch_of(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {"a.py": "a = 1\n"})
    repo.git("remote", "add", "origin", "git@github.com:ada/pages.git")
    repo.git("remote", "add", "acme", "git@github.com:acme/pages.git")
    for upstream, slug in {
        None: "ada/pages",
        "main": "ada/pages",
        "acme/main": "acme/pages",
        "perf/main": "ada/pages",
    }.items():
        assert Repository(
            RepositoryKey("repo", upstream, None), folder=tmp_path, cache=tmp_path
        ).github == GitHubRepository("github.com", slug)


@with_gh
def test_items_of_two_repositories_go_to_their_own(repo, github, tmp_path):
    github.repository("acme/books", like=repo.path)
    github.repositories["acme/books"].open("faster")
    second = {**item(), "id": "books", "repo": "../repo", "slug": "acme/books"}
    found, _ = surveyed(repo, {**item(), "slug": "acme/pages"}, second, github=github)
    assert (found.slug, found.pull_requests) == ("acme/pages", ())
    other = Survey.read(repo.path.parent / "work" / ".prprep" / "books" / "survey.json")
    assert (other.slug, other.decision.into) == ("acme/books", "#1")


def test_items_that_change_the_same_function_are_folded_into_the_first(repo):
    repo.branch("again", "main")
    repo.commit({CODE: LIGHT.replace("sum(range(size))", "size * (size - 1) // 2")}, "Closed form")
    repo.checkout("main")
    first, _ = surveyed(repo, item(), item("again"))
    assert first.decision.kind == "new"
    second = Survey.read(repo.path.parent / "work" / ".prprep" / "again" / "survey.json")
    assert (second.decision.kind, second.decision.into) == ("fold", "faster")
    assert second.decision.reason == "that item touches the same function, textkit:total"
