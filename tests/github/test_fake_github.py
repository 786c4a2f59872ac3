"""The server that stands for GitHub in tests answers the real `gh` and the real git as GitHub does."""

import json
import os
import shutil
import subprocess

import pytest

from tests.support.github import TOKEN, GitHub, Refused
from tests.support.targets import ISOLATED, TargetRepo

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")]


@pytest.fixture
def target(tmp_path):
    repo = TargetRepo(tmp_path / "target", {"a.py": "def f():\n    return 1\n", "b.py": ""})
    repo.branch("faster")
    repo.commit({"a.py": "def f():\n    return 2\n"}, "Faster")
    repo.branch("other", "main")
    repo.commit({"b.py": "x = 1\n"}, "Other")
    repo.checkout("main")
    return repo


@pytest.fixture
def github(tmp_path, target):
    with GitHub(tmp_path / "github") as server:
        server.repository("acme/pages", like=target.path)
        yield server


class Client:
    """The real gh, for one repository."""

    def __init__(self, github: GitHub) -> None:
        self.github = github

    def run(self, *arguments: str, repository: str = "acme/pages") -> subprocess.CompletedProcess[str]:
        named = [] if arguments[0] in {"api", "auth"} else ["-R", f"{self.github.host}/{repository}"]
        environment = {**os.environ, **self.github.environment, "GH_PROMPT_DISABLED": "1"}
        return subprocess.run(
            ["gh", *arguments, *named], env=environment, capture_output=True, text=True, check=False, cwd="/"
        )

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str):
        return json.loads(self(*arguments))


@pytest.fixture
def gh(github):
    return Client(github)


def test_create_edit_list_and_view(gh, github):
    url = gh(
        "pr", "create", "--head", "faster", "--title", "Make f faster", "--body", "It was slow.", "--draft"
    ).strip()
    assert url == f"https://{github.host}/acme/pages/pull/1"
    gh("pr", "edit", "1", "--title", "Make f much faster", "--body", "It is not.")
    gh("pr", "ready", "1")
    (pull,) = gh.json(
        "pr",
        "list",
        "--state",
        "all",
        "--search",
        "much",
        "--json",
        "number,title,body,state,isDraft,files,author,headRefName",
    )
    assert (pull["number"], pull["title"], pull["body"]) == (1, "Make f much faster", "It is not.")
    assert (pull["state"], pull["isDraft"], pull["author"]["login"], pull["headRefName"]) == (
        "OPEN",
        False,
        "ada",
        "faster",
    )
    assert [file["path"] for file in pull["files"]] == ["a.py"]
    assert gh.json("pr", "list", "--state", "all", "--search", "nothing-of-the-kind", "--json", "number") == []
    assert "+    return 2" in gh("pr", "diff", "1")
    (file,) = gh.json("api", "repos/acme/pages/pulls/1/files")
    assert (file["filename"], file["patch"]) == ("a.py", "@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2")


def test_create_and_edit_by_rest(gh, github):
    created = gh.json(
        "api", "repos/acme/pages/pulls", "-f", "title=T", "-f", "head=faster", "-f", "base=main", "-f", "body=B"
    )
    assert (created["number"], created["state"], created["head"]["sha"]) == (
        1,
        "open",
        github.repositories["acme/pages"].commit("faster"),
    )
    gh("api", "-X", "PATCH", "repos/acme/pages/pulls/1", "-f", "state=closed")
    assert gh.json("api", "repos/acme/pages/pulls") == []
    (closed,) = gh.json("api", "repos/acme/pages/pulls?state=all&head=acme:faster")
    assert (closed["state"], closed["merged_at"]) == ("closed", None)


def test_rejected_requests(gh, github):
    repository = github.repositories["acme/pages"]
    repository.open("faster")
    with pytest.raises(Refused, match="already exists"):
        repository.open("faster")
    with pytest.raises(Refused, match="No commits between"):
        repository.open("main")
    with pytest.raises(Refused, match="can't be blank"):
        repository.open("nothing")
    assert (
        "already exists"
        in gh.run("api", "repos/acme/pages/pulls", "-f", "title=T", "-f", "head=faster", "-f", "base=main").stderr
    )
    assert "Could not resolve to a Repository" in gh.run("pr", "list", repository="acme/none").stderr
    assert "HTTP 404" in gh.run("api", "repos/acme/none").stderr
    assert "Cannot query field 'colour'" in gh.run("api", "graphql", "-f", "query={viewer{colour}}").stderr


def test_a_merge_commit_leads_to_its_pull_request(gh, github):
    repository = github.repositories["acme/pages"]
    repository.open("faster", title="Faster")
    repository.open("other")
    repository.end(1, merged=True)
    repository.end(2)
    assert [each["state"] for each in gh.json("pr", "list", "--state", "all", "--json", "state")] == [
        "CLOSED",
        "MERGED",
    ]
    assert repository.git("show", "main:a.py") == "def f():\n    return 2\n"
    query = (
        '{repository(owner:"acme",name:"pages"){defaultBranchRef{name target{... on Commit{history(first:1,path:"a.py")'
        "{nodes{associatedPullRequests(first:2){nodes{number merged}}}}}}}}}"
    )
    branch = gh.json("api", "graphql", "-f", f"query={query}")["data"]["repository"]["defaultBranchRef"]
    assert branch["name"] == "main"
    assert branch["target"]["history"]["nodes"] == [
        {"associatedPullRequests": {"nodes": [{"number": 1, "merged": True}]}}
    ]


def test_blobs_of_a_head(gh, github):
    head = github.repositories["acme/pages"].open("faster").head_oid
    query = f'{{repository(owner:"acme",name:"pages"){{object(expression:"{head}:a.py"){{... on Blob{{text}}}}}}}}'
    assert gh.json("api", "graphql", "-f", f"query={query}")["data"]["repository"]["object"] == {
        "text": "def f():\n    return 2\n"
    }


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("401", "Bad credentials (HTTP 401)"),
        ("403", "not accessible by personal access token (HTTP 403)"),
        ("rate limit", "API rate limit exceeded for user ID 1. (HTTP 403)"),
        ("graphql rate limit", "API rate limit exceeded"),
        ("404", "HTTP 404"),
        ("502", "HTTP 502"),
        ("cut short", "unexpected end of JSON input"),
    ],
)
def test_a_failing_server(gh, github, trouble, message):
    github.break_down(trouble)
    done = gh.run("api", "graphql", "-f", "query={viewer{login}}")
    assert done.returncode != 0
    assert message in done.stderr
    github.break_down(None)
    assert gh.json("api", "graphql", "-f", "query={viewer{login}}") == {"data": {"viewer": {"login": "ada"}}}


def test_a_wrong_token_is_rejected(gh, github, monkeypatch):
    wrong = github.environment | {"GH_ENTERPRISE_TOKEN": "ghp_wrong"}
    monkeypatch.setattr(GitHub, "environment", wrong)
    assert "HTTP 401" in gh.run("api", "user").stderr


def test_git_clones_and_pushes(github, target, tmp_path):
    repository = github.repositories["acme/pages"]
    environment = {**os.environ, **ISOLATED, **github.environment, "GIT_TERMINAL_PROMPT": "0"}

    def git(*arguments: str, folder=tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    cloned = git("clone", repository.clone_url, "clone")
    assert cloned.returncode == 0, cloned.stderr
    assert git("push", "origin", "HEAD:refs/heads/mine", folder=tmp_path / "clone").returncode != 0
    with_token = repository.clone_url.replace("https://", f"https://ada:{TOKEN}@")
    pushed = git("push", with_token, "HEAD:refs/heads/mine", folder=tmp_path / "clone")
    assert pushed.returncode == 0, pushed.stderr
    assert repository.commit("mine") == target.git("rev-parse", "main")
