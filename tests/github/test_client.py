"""The real gh against a small GitHub server."""

import os
import shutil
import sys
import time

import pytest

from tasks.errors import GitHubError
from tasks.github.client import Client, GitHubRepository, NotOnGitHub, gh_environment, github_repository, login_stamp
from tests.support.github import GitHub
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

with_gh = pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")
VIEWER = "{viewer{login}}"


@pytest.fixture
def github(tmp_path, monkeypatch):
    repo = TargetRepo(tmp_path / "target", {"a.py": "a = 1\n"})
    with GitHub(tmp_path / "github") as server:
        server.repository("acme/pages", like=repo.path)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def client(github):
    return Client(github.host)


# -- the repository -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "slug", "expected"),
    [
        ("git@github.com:acme/pages.git", None, GitHubRepository("github.com", "acme/pages")),
        ("https://github.com/acme/pages", None, GitHubRepository("github.com", "acme/pages")),
        ("ssh://git@ssh.github.com:443/acme/pages.git", None, GitHubRepository("github.com", "acme/pages")),
        ("https://ada:secret@ghe.corp:8443/acme/pages.git", None, GitHubRepository("ghe.corp:8443", "acme/pages")),
        ("ssh://git@ghe.corp:2222/acme/pages.git", None, GitHubRepository("ghe.corp", "acme/pages")),
        ("git@github.com:ada/pages.git", "acme/pages", GitHubRepository("github.com", "acme/pages")),
        ("git@ghe.corp:ada/pages.git", "acme/pages", GitHubRepository("ghe.corp", "acme/pages")),
        (None, "acme/pages", GitHubRepository("github.com", "acme/pages")),
        ("/srv/git/pages.git", "acme/pages", GitHubRepository("github.com", "acme/pages")),
    ],
)
def test_the_repository_is_the_remote_unless_the_manifest_names_another(remote, slug, expected):
    assert github_repository(remote, slug) == expected


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        ("https://gitlab.com/acme/pages.git", "gitlab.com is not GitHub"),
        ("git@gitlab.example.org:acme/pages.git", "gitlab.example.org is not GitHub"),
        ("git@bitbucket.org:acme/pages.git", "bitbucket.org is not GitHub"),
        (None, "has no remote on GitHub"),
        ("/srv/git/pages.git", "a remote that is not on GitHub"),
        ("https://example.org/a/b/c.git", "a remote that is not on GitHub"),
    ],
)
def test_other_remotes_are_not_on_github(remote, message):
    repository = github_repository(remote, None)
    assert isinstance(repository, NotOnGitHub)
    assert message in repository.what
    assert repository.hint


def test_gh_host_is_used_without_a_remote(monkeypatch):
    monkeypatch.setenv("GH_HOST", "ghe.corp")
    assert str(github_repository(None, "acme/pages")) == "ghe.corp/acme/pages"
    assert str(github_repository("git@github.com:acme/pages.git", None)) == "acme/pages"


# -- the client -----------------------------------------------------------------------------------------


@with_gh
def test_graphql_and_rest(client, github):
    github.repositories["acme/pages"].git("branch", "faster")
    assert client.graphql(VIEWER, "x") == ({"viewer": {"login": "ada"}}, [])
    assert client.rest("repos/acme/pages", "x")["default_branch"] == "main"
    assert client.login() == "ada"
    assert client.version().startswith("2.")
    assert {path for _, path, _ in github.requests} == {"/api/graphql", "/api/v3/repos/acme/pages"}


@with_gh
def test_a_partial_response_has_its_errors(client):
    data, (error,) = client.graphql(
        '{viewer{login} repository(owner:"acme",name:"pages"){pullRequest(number:7){title}}}', "x"
    )
    assert data == {"viewer": {"login": "ada"}, "repository": {"pullRequest": None}}
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["repository", "pullRequest"])


@with_gh
@pytest.mark.parametrize(
    ("trouble", "what", "hint"),
    [
        ("401", "rejects the login of gh (HTTP 401)", "gh auth login --hostname"),
        ("403", "may not read pull requests of acme/pages", "use a token that may"),
        ("rate limit", "accepts no more requests for now (rate limit)", "--refresh"),
        ("graphql rate limit", "accepts no more requests for now (rate limit)", "--refresh"),
        ("404", "acme/pages does not exist, or the login of gh may not see it", "correct `slug:`"),
        ("502", "has an internal problem (HTTP 5xx)", "--refresh"),
        ("not JSON", "the response does not come from GitHub", "--refresh"),
        ("cut short", "the response does not come from GitHub", "--refresh"),
    ],
)
def test_failures_are_explained_with_a_hint(client, github, trouble, what, hint):
    github.break_down(trouble)
    with pytest.raises(GitHubError) as caught:
        client.graphql(VIEWER, "acme/pages")
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert "ghp_" not in str(caught.value)


@with_gh
def test_a_server_that_hangs_times_out(github):
    github.break_down("hang")
    with pytest.raises(GitHubError, match=r"did not answer within 0\.5 s"):
        Client(github.host, timeout=0.5).graphql(VIEWER, "x")


@with_gh
def test_a_missing_host_cannot_be_reached(client):
    with pytest.raises(GitHubError, match="localhost:9 cannot be reached"):
        Client("localhost:9").graphql(VIEWER, "x")


@with_gh
def test_an_untrusted_certificate_is_explained(client, github, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    with pytest.raises(GitHubError, match="does not trust the certificate"):
        client.graphql(VIEWER, "x")


@with_gh
def test_a_missing_login_is_reported_without_network(client, github, monkeypatch):
    client.require_login("x")
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
    with pytest.raises(GitHubError, match="gh is not logged in to localhost") as caught:
        client.require_login("x")
    assert caught.value.hint == f"run `gh auth login --hostname {github.host}`"
    assert github.requests == []


def test_a_missing_gh_is_reported(client, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (client.version, lambda: client.require_login("x"), lambda: client.graphql(VIEWER, "x")):
        with pytest.raises(GitHubError, match=r"cannot be run: `gh .*` was not found") as caught:
            call()
        assert "install gh" in caught.value.hint


def test_the_environment_does_not_let_gh_prompt_page_or_colour(monkeypatch):
    for name in ("GH_REPO", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_PAGER", "GH_DEBUG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("GH_HOST", "elsewhere.example")
    monkeypatch.setenv("GH_TOKEN", "t")
    environment = gh_environment("ghe.corp")
    assert {"GH_REPO", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_PAGER", "GH_DEBUG"}.isdisjoint(environment)
    assert (environment["GH_HOST"], environment["GH_PROMPT_DISABLED"], environment["GH_TOKEN"]) == (
        "ghe.corp",
        "1",
        "t",
    )


def test_gh_runs_without_terminal_and_repository(client, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    script = "import json,os,sys;print(json.dumps({'stdin':sys.stdin.read(),'tty':os.isatty(0),'cwd':os.getcwd(),'session':os.getsid(0)==os.getpid()}))"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert client.rest("anything", "x") == {"stdin": "", "tty": False, "cwd": "/", "session": True}


def test_a_login_changes_the_stamp(tmp_path, monkeypatch):
    monkeypatch.setenv("GH_CONFIG_DIR", str(tmp_path))
    first = login_stamp()
    assert login_stamp() == first
    (tmp_path / "hosts.yml").write_text("github.com:\n  user: ada\n")
    second = login_stamp()
    monkeypatch.setenv("GH_TOKEN", "t")
    third = login_stamp()
    monkeypatch.setenv("GH_TOKEN", "another")
    assert (len({first, second, third}), login_stamp()) == (3, third)
    os.utime(tmp_path / "hosts.yml", (time.time() - 9, time.time() - 9))
    assert login_stamp() != third
