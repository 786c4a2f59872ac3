"""Titles of commits and pull requests, as the project's own are."""

from __future__ import annotations

import pytest

from tasks.artifacts import Commit
from tasks.body.commit_words import title_sentence
from tasks.body.titles import is_conventional, own_title, pull_request_title

CONVENTIONAL = (
    "fix: a bug",
    "feat(api): more",
    "chore: less",
    "docs: words",
    "Merge branch 'x'",
    "test: it",
    "ci!: all",
)
PLAIN = ("Fix a bug", "Add more", "Remove less", "Write words", "fix: one of them", "Test it")


def test_most_of_the_newest_titles_decide():
    assert is_conventional(CONVENTIONAL)
    assert not is_conventional(PLAIN)
    assert not is_conventional(CONVENTIONAL[:3])
    assert not is_conventional(())


@pytest.mark.parametrize(
    ("title", "titles", "made"),
    [
        ("Sum in C", CONVENTIONAL, "perf: sum in C"),
        ("JSON is read late", CONVENTIONAL, "perf: JSON is read late"),
        ("perf(sums): sum in C", CONVENTIONAL, "perf(sums): sum in C"),
        ("Sum in C", PLAIN, "Sum in C"),
    ],
)
def test_a_pull_request_is_titled_as_the_project_titles_commits(title, titles, made):
    assert pull_request_title(title, conventional=is_conventional(titles)) == made


@pytest.mark.parametrize(
    ("measures", "entry", "titles", "made"),
    [
        (True, False, PLAIN, "Add a benchmark of total"),
        (True, True, PLAIN, "Add a benchmark of total and a changelog entry"),
        (False, True, PLAIN, "Add a changelog entry for total"),
        (True, True, CONVENTIONAL, "test: add a benchmark of total and a changelog entry"),
        (True, False, (*CONVENTIONAL, "tests: more"), "tests: add a benchmark of total"),
        (False, True, CONVENTIONAL, "docs: add a changelog entry for total"),
    ],
)
def test_our_own_commit_is_titled_likewise(measures, entry, titles, made):
    assert own_title("total", benchmark=measures, entry=entry, titles=titles) == made


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        *((each, each) for each in ("optimize the parser", "cache rows", "reuse a chosen row", "speed up sums")),
        ("\u26a1\ufe0f Speed up sums", "Speed up sums"),
        (":racehorse: :zap: cache rows", "cache rows"),
        ("\U0001f680 perf(sums): cache rows", "cache rows"),
    ],
)
def test_only_signs_and_a_prefix_are_cut_off_a_title(title, sentence):
    assert title_sentence(Commit(sha="a" * 40, title=title, message="", author="A")) == sentence
