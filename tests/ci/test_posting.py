"""The comment of `prprep ci` on a pull request: the real gh against a server."""

from __future__ import annotations

import json
import shutil

import pytest

from tasks.artifacts import Verdict
from tasks.ci.event import Event, EventPullRequest, WorkflowRun
from tasks.ci.posting import MARKER, post
from tasks.errors import PrprepError
from tests.ci.test_summary import measured, result, time
from tests.support.github import GitHub
from tests.support.github_state import Comment
from tests.support.targets import TargetRepo

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")]

SLUG = "acme/sums"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Two pull requests: #1 of the repository's own branch, #2 of eve's fork."""
    folder = tmp_path_factory.mktemp("posting")
    repo = TargetRepo(folder / "repo", {"a.py": "1\n"})
    for name in ("own", "fork"):
        repo.branch(name, "main")
        repo.commit({"a.py": f"{name}\n"}, name)
    with GitHub(folder / "github") as server:
        repository = server.repository(SLUG, like=repo.path)
        repository.open("own")
        repository.open("fork", head_owner="eve")
        yield server


@pytest.fixture
def github(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.login, server.may_comment = "ada", True
    for pull in pulls(server):
        pull.comments.clear()


def pulls(github):
    return github.repositories[SLUG].pull_requests


def own_event(github):
    pull = EventPullRequest.model_validate_json(json.dumps(pulls(github)[0].rest()))
    return Event(github.host, SLUG, pull, None)


def run_event(github, **more):
    fields = {
        "event": "pull_request",
        "head_sha": pulls(github)[1].head_oid,
        "head_repository": {"full_name": "eve/sums"},
    }
    return Event(github.host, SLUG, None, WorkflowRun.model_validate({**fields, **more}))


def found(pull, **more):
    improved = measured("improved", time(0.03, 0.01, Verdict.IMPROVED))
    return result(improved).model_copy(update={"number": pull.number, "head": pull.head_oid, **more})


def test_one_comment_is_updated_in_place_and_those_of_others_stay(github):
    pull = pulls(github)[0]
    github.login = "github-actions[bot]"
    others = [Comment(number, "eve", f"{MARKER}\nmine" if number == 3 else "hello") for number in range(1, 102)]
    pull.comments += others
    before = [each.body for each in others]
    address = post(found(pull), own_event(github))
    assert address.endswith("/pull/1#issuecomment-102")
    assert "faster" in pull.comments[101].body
    slower = result(measured("regressed", time(0.01, 0.03, Verdict.REGRESSED)))
    again = post(slower.model_copy(update={"number": 1, "head": pull.head_oid}), own_event(github))
    assert (again, len(pull.comments)) == (address, 102)
    assert pull.comments[101].body.startswith(f"{MARKER}\n### prprep: regressed\n")
    assert [each.body for each in others] == before


def test_that_nothing_was_measured_only_replaces_an_older_result(github):
    pull = pulls(github)[0]
    nothing = found(pull, benchmarks=(), why="it changes none")
    assert post(nothing, own_event(github)) == ""
    assert pull.comments == []
    post(found(pull), own_event(github))
    post(nothing, own_event(github))
    assert [each.body for each in pull.comments] == [
        f"{MARKER}\n### prprep: not measured\n\nNothing was measured: it changes none.\n"
    ]


def test_without_permission_gh_is_quoted(github):
    github.may_comment = False
    with pytest.raises(
        PrprepError,
        match=r"gh api repos/acme/sums/issues/1/comments: .*Resource not accessible by integration.*HTTP 403",
    ):
        post(found(pulls(github)[0]), own_event(github))


def test_the_second_workflow_posts_for_a_fork(github):
    pull = pulls(github)[1]
    assert post(found(pull), run_event(github)).endswith("/pull/2#issuecomment-1")
    assert "the fork's code, which could have changed them" in pull.comments[0].body


@pytest.mark.parametrize(
    ("changes", "run", "message"),
    [
        ({"number": 1}, {}, "#1 is not at the commit that was measured"),
        ({"head": "0" * 40}, {}, "#2 is not at the commit that was measured"),
        ({}, {"head_sha": "0" * 40}, "#2 is not at the commit that was measured, 000000000000"),
        ({}, {"head_repository": {"full_name": "mallory/sums"}}, "#2 is not at the commit"),
        ({"number": 99}, {}, "HTTP 404|does not exist"),
        ({"number": None}, {}, "not about a pull request of acme/sums"),
        ({"repository": "acme/other"}, {}, "not about a pull request of acme/sums"),
        ({}, {"event": "push"}, "was started by push, not by a pull request"),
    ],
)
def test_a_result_about_something_else_is_not_posted(github, changes, run, message):
    with pytest.raises(PrprepError, match=message):
        post(found(pulls(github)[1], **changes), run_event(github, **run))
    assert [each for pull in pulls(github) for each in pull.comments] == []


def test_a_result_of_another_pull_request_is_not_posted(github):
    with pytest.raises(PrprepError, match=r"not about commit .* of #1"):
        post(found(pulls(github)[1]), own_event(github))
    with pytest.raises(PrprepError, match="names no pull request"):
        post(found(pulls(github)[0]), Event(github.host, SLUG, None, None))
