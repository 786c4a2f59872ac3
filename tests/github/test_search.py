"""The real gh against a small GitHub server with real git histories."""

import shutil

import pytest

from tasks.errors import GitHubError
from tasks.github.client import Client, GitHubRepository
from tasks.github.search import SEARCH_RESULT, PullRequestSearch, SearchedFunction, SearchQuery, SearchResult
from tests.support.github import GitHub
from tests.support.targets import TargetRepo

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")]
TABLES = "def rows(page):\n    return [row for row in page]\n\n\ndef columns(page):\n    return [column for column in page]\n"
EXTRACT = SearchedFunction("pages.tables:rows", ("pages/tables.py",), ("rows",))
QUERY = SearchQuery(branch="faster", functions=(EXTRACT,), files=("pages/tables.py",), since="2020-01-01T00:00:00Z")


@pytest.fixture
def repo(tmp_path):
    repo = TargetRepo(tmp_path / "target", {"pages/tables.py": TABLES, "notes.txt": "one\n"})
    branches = {
        "faster": {"pages/tables.py": TABLES.replace("[row for row in page]", "list(page)")},
        "same-function": {"pages/tables.py": TABLES.replace("row for row in page", "row for row in page if row")},
        "same-file": {
            "pages/tables.py": TABLES.replace("column for column in page", "column for column in page if column")
        },
        "elsewhere": {"notes.txt": "two\n"},
        "gone": {"pages/tables.py": TABLES[TABLES.index("def columns") :]},
    }
    for name, files in branches.items():
        repo.branch(name, "main")
        repo.commit(files, name)
    repo.checkout("main")
    return repo


@pytest.fixture
def github(tmp_path, monkeypatch, repo):
    with GitHub(tmp_path / "github") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def pages(github, repo):
    return github.repository("acme/pages", like=repo.path)


def search(github: GitHub, *queries: SearchQuery, slug: str = "acme/pages") -> list[SearchResult]:
    by_item = {f"item{number}": query for number, query in enumerate(queries)}
    return list(PullRequestSearch(Client(github.host), GitHubRepository(github.host, slug), by_item).results().values())


def summary(result: SearchResult) -> list[tuple[int, str, str]]:
    return [(each.number, each.state, each.touches) for each in result.pull_requests]


def test_no_pull_request_takes_one_request(github, pages):
    (result,) = search(github, QUERY)
    assert result == SearchResult(default_branch="main")
    assert [path for _, path, _ in github.requests] == ["/api/graphql"]


def test_the_same_branch_in_every_state(github, pages):
    pages.open("faster", title="Copy rows at once", author="grace", draft=True)
    (result,) = search(github, QUERY)
    (pull,) = result.pull_requests
    assert (pull.number, pull.state, pull.touches, pull.functions) == (1, "draft", "branch", ("pages.tables:rows",))
    assert (pull.title, pull.author, pull.branch, pull.url) == (
        "Copy rows at once",
        "grace",
        "faster",
        f"{pages.url}/pull/1",
    )
    pages.number(1).is_draft = False
    assert summary(search(github, QUERY)[0]) == [(1, "open", "branch")]
    pages.end(1)
    assert summary(search(github, QUERY)[0]) == [(1, "closed", "branch")]
    pages.open("faster")
    pages.end(2, merged=True)
    assert summary(search(github, QUERY)[0]) == [(2, "merged", "branch"), (1, "closed", "branch")]


def test_a_branch_of_the_same_name_without_a_common_file_is_unrelated(github, pages):
    pages.open("elsewhere")
    (result,) = search(
        github, SearchQuery(branch="elsewhere", functions=(EXTRACT,), files=("pages/tables.py",), since=QUERY.since)
    )
    assert result.pull_requests == ()


def test_same_function_and_same_file(github, pages):
    pages.open("same-file")
    pages.open("same-function")
    pages.open("elsewhere")
    pages.open("gone")
    (result,) = search(github, QUERY)
    assert summary(result) == [(4, "open", "function"), (2, "open", "function"), (1, "open", "file")]
    assert [each.functions for each in result.pull_requests] == [("pages.tables:rows",), ("pages.tables:rows",), ()]


def test_merged_pull_requests_come_from_the_file_history(github, pages):
    pages.open("same-function")
    pages.end(1, merged=True)
    assert summary(search(github, QUERY)[0]) == [(1, "merged", "function")]
    later = SearchQuery(branch="faster", functions=(EXTRACT,), files=QUERY.files, since="2090-01-01T00:00:00Z")
    assert summary(search(github, later)[0]) == []


def test_a_mention_of_the_function(github, pages):
    pages.open("elsewhere", title="Notes", body="About `rows`, which is slow.")
    pages.end(1)
    pages.open("elsewhere", title="Borrows a column")
    pages.end(2)
    assert summary(search(github, QUERY)[0]) == [(1, "closed", "words")]


def test_the_same_commit_on_another_branch(github, pages, repo):
    pages.git("branch", "renamed", "faster")
    pages.open("renamed")
    query = SearchQuery(
        branch="faster",
        commit=repo.git("rev-parse", "faster"),
        functions=(EXTRACT,),
        files=QUERY.files,
        since=QUERY.since,
    )
    (pull,) = search(github, query)[0].pull_requests
    assert (pull.branch, pull.touches, pull.same_commit) == ("renamed", "branch", True)
    pages.open("same-function")
    assert [each.same_commit for each in search(github, query)[0].pull_requests] == [True, False]


def test_the_number_in_the_manifest_is_always_related(github, pages):
    pages.open("elsewhere")
    query = SearchQuery(number=1, functions=(EXTRACT,), files=QUERY.files, since=QUERY.since)
    assert summary(search(github, query)[0]) == [(1, "open", "branch")]


def test_a_missing_number_is_noted(github, pages):
    query = SearchQuery(number=7, functions=(EXTRACT,), files=QUERY.files, since=QUERY.since)
    (result,) = search(github, query)
    assert result.pull_requests == ()
    assert result.notes == (f"#7, named in the manifest, is not a pull request of {github.host}/acme/pages.",)


def test_ten_items_take_one_request(github, pages):
    pages.open("same-function")
    results = search(github, *[QUERY] * 12)
    assert [summary(result) for result in results] == [[(1, "open", "function")]] * 12
    paths = [path for _, path, _ in github.requests]
    assert paths == ["/api/graphql"] * 2 + ["/api/v3/repos/acme/pages/pulls/1/files?per_page=100", "/api/graphql"]


def test_more_than_a_hundred_open_pull_requests(github, pages):
    pages.open("same-function")
    commit = pages.commit("elsewhere")
    for number in range(101):
        pages.git("update-ref", f"refs/heads/other{number}", commit)
        pages.open(f"other{number}")
    assert summary(search(github, QUERY)[0]) == [(1, "open", "function")]
    assert [path for _, path, _ in github.requests].count("/api/graphql") == 3


def test_the_parent_of_a_fork(github, pages, repo):
    github.repository("ada/pages", like=repo.path, parent=pages)
    assert search(github, QUERY, slug="ada/pages")[0].parent == "acme/pages"


def test_names_with_quotes(github, pages):
    odd = SearchQuery(
        branch='a"b\\c',
        functions=(SearchedFunction("x:y", ('a"b.py',), ('ro"ws',)),),
        files=('a"b.py',),
        since=QUERY.since,
    )
    assert search(github, odd)[0].pull_requests == ()


def test_a_missing_repository_raises(github, pages):
    with pytest.raises(GitHubError, match="acme/none does not exist, or the login of gh may not see it"):
        search(github, QUERY, slug="acme/none")


def test_without_patches_only_the_file_is_known(github, pages, monkeypatch):
    pages.open("same-function")
    monkeypatch.setattr(Client, "rest", lambda self, path, about: self.graphql("{nothing}", about))
    (result,) = search(github, QUERY)
    assert summary(result) == [(1, "open", "file")]
    assert "Not all pull requests could be checked" in result.notes[0]


def test_a_result_round_trips(github, pages):
    pages.open("same-function")
    (result,) = search(github, QUERY)
    assert SEARCH_RESULT.validate_python(SEARCH_RESULT.dump_python(result, mode="json")) == result
