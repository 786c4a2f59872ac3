"""How `gh` is called, and what its failures mean; against a server that answers as GitHub does."""

from __future__ import annotations

import os
import shutil
import sys
import time

import pytest

from tasks.errors import GitHubError
from tasks.github.client import Client, GitHubRepository, NotOnGitHub, gh_environment, github_repository, login_stamp
from tests.support.github import GitHub
from tests.support.targets import TargetRepo

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


# -- where pull requests go ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "named", "expected"),
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
def test_the_place_is_that_of_the_remote_unless_the_manifest_names_another(remote, named, expected):
    assert github_repository(remote, named) == expected


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://gitlab.com/acme/pages.git", "gitlab.com is not GitHub"),
        ("git@gitlab.example.org:acme/pages.git", "gitlab.example.org is not GitHub"),
        ("git@bitbucket.org:acme/pages.git", "bitbucket.org is not GitHub"),
        (None, "the repository has no remote"),
        ("/srv/git/pages.git", "not one of GitHub's"),
        ("https://example.org/a/b/c.git", "not one of GitHub's"),
    ],
)
def test_what_is_not_on_github_says_so(remote, told):
    found = github_repository(remote, None)
    assert isinstance(found, NotOnGitHub)
    assert told in found.what
    assert found.hint


def test_a_host_that_the_user_names_for_gh_stands_in_for_a_missing_remote(monkeypatch):
    monkeypatch.setenv("GH_HOST", "ghe.corp")
    assert str(github_repository(None, "acme/pages")) == "ghe.corp/acme/pages"
    assert str(github_repository("git@github.com:acme/pages.git", None)) == "acme/pages"


# -- the client -----------------------------------------------------------------------------------------


@with_gh
def test_graphql_and_rest_answer(client, github):
    github.repositories["acme/pages"].git("branch", "faster")
    assert client.graphql(VIEWER, "x") == ({"viewer": {"login": "ada"}}, [])
    assert client.rest("repos/acme/pages", "x")["default_branch"] == "main"
    assert client.login() == "ada"
    assert client.version().startswith("2.")
    assert {path for _, path, _ in github.requests} == {"/api/graphql", "/api/v3/repos/acme/pages"}


@with_gh
def test_an_answer_in_part_comes_with_its_errors(client):
    data, (error,) = client.graphql(
        '{viewer{login} repository(owner:"acme",name:"pages"){pullRequest(number:7){title}}}', "x"
    )
    assert data == {"viewer": {"login": "ada"}, "repository": {"pullRequest": None}}
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["repository", "pullRequest"])


@with_gh
@pytest.mark.parametrize(
    ("trouble", "what", "now"),
    [
        ("401", "refuses the login of gh (HTTP 401)", "gh auth login --hostname"),
        ("403", "may not read pull requests of acme/pages", "use a token that may"),
        ("rate limit", "takes no more requests for now (rate limit)", "--refresh"),
        ("graphql rate limit", "takes no more requests for now (rate limit)", "--refresh"),
        ("404", "acme/pages is not there, or the login of gh may not see it", "correct `slug:`"),
        ("502", "is in trouble (HTTP 5xx)", "--refresh"),
        ("not JSON", "what came back is no answer of GitHub's", "--refresh"),
        ("cut short", "what came back is no answer of GitHub's", "--refresh"),
    ],
)
def test_trouble_is_told_with_the_way_out(client, github, trouble, what, now):
    github.break_down(trouble)
    with pytest.raises(GitHubError) as caught:
        client.graphql(VIEWER, "acme/pages")
    assert what in caught.value.what
    assert now in caught.value.hint
    assert "ghp_" not in str(caught.value)


@with_gh
def test_a_server_that_hangs_is_given_up(github):
    github.break_down("hang")
    with pytest.raises(GitHubError, match=r"did not answer within 0\.5 s"):
        Client(github.host, limit=0.5).graphql(VIEWER, "x")


@with_gh
def test_a_host_that_is_not_there_cannot_be_reached(client, monkeypatch):
    with pytest.raises(GitHubError, match="localhost:9 cannot be reached"):
        Client("localhost:9").graphql(VIEWER, "x")


@with_gh
def test_a_certificate_that_is_not_trusted_is_told(client, github, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    with pytest.raises(GitHubError, match="certificate that this machine does not trust"):
        client.graphql(VIEWER, "x")


@with_gh
def test_who_is_not_logged_in_is_told_without_the_network(client, github, monkeypatch):
    client.demand_login("x")
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
    with pytest.raises(GitHubError, match="gh is not logged in to localhost") as caught:
        client.demand_login("x")
    assert caught.value.hint == f"run `gh auth login --hostname {github.host}`"
    assert github.requests == []


def test_a_missing_gh_is_told(client, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for ask in (client.version, lambda: client.demand_login("x"), lambda: client.graphql(VIEWER, "x")):
        with pytest.raises(GitHubError, match=r"cannot be run: `gh .*` was not found") as caught:
            ask()
        assert "install gh" in caught.value.hint


def test_gh_is_given_nothing_to_ask_page_or_colour_with(monkeypatch):
    for name in ("GH_REPO", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_PAGER", "GH_DEBUG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("GH_HOST", "elsewhere.example")
    monkeypatch.setenv("GH_TOKEN", "t")
    given = gh_environment("ghe.corp")
    assert {"GH_REPO", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_PAGER", "GH_DEBUG"}.isdisjoint(given)
    assert (given["GH_HOST"], given["GH_PROMPT_DISABLED"], given["GH_TOKEN"]) == ("ghe.corp", "1", "t")


def test_gh_has_no_terminal_and_no_repository(client, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    told = "import json,os,sys;print(json.dumps({'stdin':sys.stdin.read(),'tty':os.isatty(0),'cwd':os.getcwd(),'session':os.getsid(0)==os.getpid()}))"
    program.write_text(f"#!{sys.executable}\n{told}\n")
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
