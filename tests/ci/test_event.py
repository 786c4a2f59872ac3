"""The event of a workflow: what is read of it, and what is refused."""

from __future__ import annotations

import json

import pytest

from tasks.ci.event import Event
from tasks.errors import UsageError

SHA, OTHER = "a" * 40, "b" * 40
PULL = {
    "number": 7,
    "title": "Faster",
    "body": None,
    "user": {"login": "eve"},
    "base": {"sha": SHA, "repo": {"full_name": "acme/sums"}},
    "head": {"sha": OTHER, "repo": {"full_name": "eve/sums"}},
}


def environ(folder, payload, **more):
    path = folder / "event.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return {"GITHUB_EVENT_PATH": str(path), "GITHUB_REPOSITORY": "acme/sums", **more}


def test_a_pull_request(tmp_path):
    event = Event.of(environ(tmp_path, {"pull_request": PULL}, GITHUB_SERVER_URL="https://github.acme.test:8443"))
    pull = event.pull_request
    assert (event.host, event.slug) == ("github.acme.test:8443", "acme/sums")
    assert (pull.number, pull.title, pull.body, pull.base.sha, pull.head.sha) == (7, "Faster", None, SHA, OTHER)
    deleted = Event.of(environ(tmp_path, {"pull_request": {**PULL, "head": {"sha": OTHER, "repo": None}}}))
    assert (deleted.host, deleted.pull_request.head.repo) == ("github.com", None)


def test_other_events_have_no_pull_request(tmp_path):
    assert Event.of({}) is None
    assert Event.of(environ(tmp_path, {"ref": "refs/heads/main"})).pull_request is None


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("{", "Invalid JSON"),
        ({"pull_request": {**PULL, "number": 0}}, r"pull_request\.number"),
        ({"pull_request": {**PULL, "number": "7; rm -rf /"}}, r"pull_request\.number"),
        ({"pull_request": {**PULL, "head": {"sha": "--output=x", "repo": None}}}, r"pull_request\.head\.sha"),
        ({"workflow_run": {"event": "push", "head_sha": SHA, "head_repository": {"full_name": "x"}}}, "full_name"),
    ],
)
def test_an_event_that_github_would_not_write(tmp_path, payload, message):
    with pytest.raises(UsageError, match=message):
        Event.of(environ(tmp_path, payload))


def test_a_missing_file_is_one_message(tmp_path):
    variables = {"GITHUB_EVENT_PATH": str(tmp_path / "none"), "GITHUB_REPOSITORY": "acme/sums"}
    with pytest.raises(UsageError, match=r"No such file or directory\n  name the refs"):
        Event.of(variables)


def test_code_of_a_fork_is_not_run_with_secrets(tmp_path):
    variables = environ(tmp_path, {"pull_request": PULL}, GITHUB_EVENT_NAME="pull_request_target")
    with pytest.raises(UsageError, match="would run the code of a fork with the secrets"):
        Event.of(variables)
    own = {**PULL, "head": {"sha": OTHER, "repo": {"full_name": "acme/sums"}}}
    assert Event.of(environ(tmp_path, {"pull_request": own}, GITHUB_EVENT_NAME="pull_request_target"))
