"""What GitHub is asked about optimizations, and what its answers say; the real gh against a server with real histories."""

from __future__ import annotations

import shutil

import pytest

from tasks.errors import GitHubError
from tasks.github.client import Client, GitHubRepository
from tasks.github.search import PullRequestSearch, SearchedFunction, SearchQuery, SearchResult
from tests.support.github import GitHub
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")
TABLES = "def rows(page):\n    return [row for row in page]\n\n\ndef columns(page):\n    return [column for column in page]\n"
EXTRACT = SearchedFunction("pages.tables:rows", ("pages/tables.py",), ("rows",))
QUESTION = SearchQuery(branch="faster", functions=(EXTRACT,), files=("pages/tables.py",), since="2020-01-01T00:00:00Z")


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


def ask(github: GitHub, *questions: SearchQuery, slug: str = "acme/pages") -> list[SearchResult]:
    named = {f"item{number}": question for number, question in enumerate(questions)}
    return list(PullRequestSearch(Client(github.host), GitHubRepository(github.host, slug), named).answers().values())


def told(answer: SearchResult) -> list[tuple[int, str, str]]:
    return [(each.number, each.state, each.touches) for each in answer.pull_requests]


def test_no_pull_request_is_none_in_one_request(github, pages):
    (answer,) = ask(github, QUESTION)
    assert answer == SearchResult(default_branch="main")
    assert [path for _, path, _ in github.requests] == ["/api/graphql"]


def test_one_of_the_same_branch_is_found_in_every_state(github, pages):
    pages.open("faster", title="Copy rows at once", author="grace", draft=True)
    (answer,) = ask(github, QUESTION)
    (found,) = answer.pull_requests
    assert (found.number, found.state, found.touches, found.functions) == (1, "draft", "branch", ("pages.tables:rows",))
    assert (found.title, found.author, found.branch, found.url) == (
        "Copy rows at once",
        "grace",
        "faster",
        f"{pages.url}/pull/1",
    )
    pages.number(1).is_draft = False
    assert told(ask(github, QUESTION)[0]) == [(1, "open", "branch")]
    pages.end(1)
    assert told(ask(github, QUESTION)[0]) == [(1, "closed", "branch")]
    pages.open("faster")
    pages.end(2, merged=True)
    assert told(ask(github, QUESTION)[0]) == [(2, "merged", "branch"), (1, "closed", "branch")]


def test_a_branch_of_the_same_name_that_is_about_something_else_is_not_it(github, pages):
    pages.open("elsewhere")
    (answer,) = ask(
        github, SearchQuery(branch="elsewhere", functions=(EXTRACT,), files=("pages/tables.py",), since=QUESTION.since)
    )
    assert answer.pull_requests == ()


def test_the_function_is_told_from_the_file(github, pages):
    pages.open("same-file")
    pages.open("same-function")
    pages.open("elsewhere")
    pages.open("gone")
    (answer,) = ask(github, QUESTION)
    assert told(answer) == [(4, "open", "function"), (2, "open", "function"), (1, "open", "file")]
    assert [each.functions for each in answer.pull_requests] == [("pages.tables:rows",), ("pages.tables:rows",), ()]


def test_what_was_merged_into_the_file_is_found_by_its_history(github, pages):
    pages.open("same-function")
    pages.end(1, merged=True)
    assert told(ask(github, QUESTION)[0]) == [(1, "merged", "function")]
    later = SearchQuery(branch="faster", functions=(EXTRACT,), files=QUESTION.files, since="2090-01-01T00:00:00Z")
    assert told(ask(github, later)[0]) == []


def test_one_that_mentions_the_function_is_found_by_words(github, pages):
    pages.open("elsewhere", title="Notes", body="About `rows`, which is slow.")
    pages.end(1)
    pages.open("elsewhere", title="Borrows a column")
    pages.end(2)
    assert told(ask(github, QUESTION)[0]) == [(1, "closed", "words")]


def test_the_same_commit_is_found_under_another_branch(github, pages, repo):
    pages.git("branch", "renamed", "faster")
    pages.open("renamed")
    question = SearchQuery(
        branch="faster",
        commit=repo.git("rev-parse", "faster"),
        functions=(EXTRACT,),
        files=QUESTION.files,
        since=QUESTION.since,
    )
    (found,) = ask(github, question)[0].pull_requests
    assert (found.branch, found.touches, found.same_commit) == ("renamed", "branch", True)
    pages.open("same-function")
    assert [each.same_commit for each in ask(github, question)[0].pull_requests] == [True, False]


def test_the_number_of_the_manifest_is_found_whatever_it_is_about(github, pages):
    pages.open("elsewhere")
    question = SearchQuery(number=1, functions=(EXTRACT,), files=QUESTION.files, since=QUESTION.since)
    assert told(ask(github, question)[0]) == [(1, "open", "branch")]


def test_a_number_that_is_not_there_is_said(github, pages):
    question = SearchQuery(number=7, functions=(EXTRACT,), files=QUESTION.files, since=QUESTION.since)
    (answer,) = ask(github, question)
    assert answer.pull_requests == ()
    assert answer.notes == (f"#7, which the manifest names, is not a pull request of {github.host}/acme/pages.",)


def test_many_items_take_one_request_for_ten_of_them(github, pages):
    pages.open("same-function")
    answers = ask(github, *[QUESTION] * 12)
    assert [told(answer) for answer in answers] == [[(1, "open", "function")]] * 12
    asked = [path for _, path, _ in github.requests]
    assert asked == ["/api/graphql"] * 2 + ["/api/v3/repos/acme/pages/pulls/1/files?per_page=100", "/api/graphql"]


def test_more_than_a_hundred_open_ones_are_looked_through(github, pages):
    pages.open("same-function")
    commit = pages.commit("elsewhere")
    for number in range(101):
        pages.git("update-ref", f"refs/heads/other{number}", commit)
        pages.open(f"other{number}")
    assert told(ask(github, QUESTION)[0]) == [(1, "open", "function")]
    assert [path for _, path, _ in github.requests].count("/api/graphql") == 3


def test_a_fork_names_its_parent(github, pages, repo):
    github.repository("ada/pages", like=repo.path, parent=pages)
    assert ask(github, QUESTION, slug="ada/pages")[0].parent == "acme/pages"


def test_names_with_quotes_do_no_harm(github, pages):
    odd = SearchQuery(
        branch='a"b\\c',
        functions=(SearchedFunction("x:y", ('a"b.py',), ('ro"ws',)),),
        files=('a"b.py',),
        since=QUESTION.since,
    )
    assert ask(github, odd)[0].pull_requests == ()


def test_a_repository_that_is_not_there_is_an_error(github, pages):
    with pytest.raises(GitHubError, match="acme/none is not there, or the login of gh may not see it"):
        ask(github, QUESTION, slug="acme/none")


def test_patches_that_cannot_be_had_leave_the_file(github, pages, monkeypatch):
    pages.open("same-function")
    monkeypatch.setattr(Client, "rest", lambda self, path, about: self.graphql("{nothing}", about))
    (answer,) = ask(github, QUESTION)
    assert told(answer) == [(1, "open", "file")]
    assert "Which functions the pull requests touch could not be asked in full" in answer.notes[0]


def test_an_answer_is_kept_and_read_back(github, pages):
    pages.open("same-function")
    (answer,) = ask(github, QUESTION)
    assert SearchResult.loaded(answer.dumped()) == answer
