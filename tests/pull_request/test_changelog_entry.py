"""The words of changelog entries: what users notice, no number, in the form that the project has."""

from __future__ import annotations

import pytest

from tasks.project.files import Project
from tasks.pull_request.changelog_entry import sentence, write
from tasks.pull_request.fragments import ChangelogEntry
from tests.support.projects import Files

MERGE = "pages.text:Page.merge"


@pytest.mark.parametrize(
    ("title", "domains", "entry"),
    [
        ("Join the lines once", ["cpu"], "Improve the performance of `pages.text.Page.merge`: join the lines once."),
        ("Join the lines once.", ["mem"], "Reduce the peak memory of `pages.text.Page.merge`: join the lines once."),
        ("NumPy does the sum", ["cpu"], "Improve the performance of `pages.text.Page.merge`: NumPy does the sum."),
        ("perf(text): speed up merge (#12)", ["cpu"], "Speed up `merge`."),
        ("Make merge() faster", ["cpu"], "Make `merge` faster."),
        ("merged lines are cached", ["cpu"], "Merged lines are cached."),
        ("import yaml late", ["struct"], "Reduce the import time of `pages.text.Page.merge`: import yaml late."),
    ],
)
def test_the_title_becomes_a_sentence_for_users(title, domains, entry):
    assert sentence(title, MERGE, domains) == (entry, ())


def test_users_know_functions_by_the_name_that_definitions_share():
    assert sentence("Speed up show", "pages.text:show.register(int)", ["cpu"]) == ("Speed up `show`.", ())
    entry, _ = sentence("Keep the list", "pages.text:Page.rows.setter", ["cpu"])
    assert entry == "Improve the performance of `pages.text.Page.rows`: keep the list."


@pytest.mark.parametrize(
    "title",
    ["Make merge 2.5x faster", "Merge 30% faster", "merge: 3-fold speed-up", "Save 12 ms in merge", "Halve 40 MiB"],
)
def test_numbers_of_gains_are_left_out_and_pointed_at(title):
    entry, (todo,) = sentence(title, MERGE, ["cpu"])
    assert entry == "Improve the performance of `pages.text.Page.merge`."
    assert "the changelog entry does not" in todo


def test_numbers_that_are_no_gains_stay():
    assert sentence("Speed up merge for Python 3.12", MERGE, ["cpu"]) == ("Speed up `merge` for Python 3.12.", ())


def test_without_a_function_the_entry_is_the_title():
    assert sentence("Sum in C", None, []) == ("Sum in C.", ())


def edit(kind: str, files: dict[str, str]):
    return write(Project(Files(files)), kind, ChangelogEntry("it", "Speed up `merge`."))


def test_each_kind_of_changelog_gets_its_own_form():
    assert edit("towncrier news/", {"pyproject.toml": "[tool.towncrier]\n"}).files == {
        "news/+perf-it.feature.rst": "Speed up ``merge``.\n"
    }
    assert list(edit("scriv changelog.d/", {}).files) == ["changelog.d/perf-it.rst"]
    assert next(iter(edit("blurb Misc/NEWS.d/next/", {}).files)).startswith("Misc/NEWS.d/next/Library/")
    changelog = edit(
        "keep-a-changelog CHANGELOG.md", {"CHANGELOG.md": "# C\n\n## [Unreleased]\n\n### Changed\n\n- This.\n"}
    )
    assert changelog.files["CHANGELOG.md"].endswith("- This.\n- Speed up `merge`.\n")
    news = edit(
        "whatsnew docs/whatsnew/",
        {"docs/whatsnew/v1.9.rst": "", "docs/whatsnew/v1.10.rst": "Performance\n-----------\n\n- This.\n"},
    )
    assert list(news.files) == ["docs/whatsnew/v1.10.rst"]
    assert news.todos == ("check that 'Performance' in docs/whatsnew/v1.10.rst is about the next release",)


def test_if_the_place_is_unclear_a_person_gets_the_sentence():
    left = edit("plain CHANGES.rst", {"CHANGES.rst": "1.1\n---\n\n- This.\n\n1.0\n---\n\n- All.\n"})
    assert (left.files, left.todos) == (
        {},
        ("CHANGES.rst does not say what is unreleased: add this where it belongs: Speed up ``merge``.",),
    )
    assert (
        "has no file for the next release" in edit("whatsnew docs/whatsnew/", {"docs/whatsnew/index.rst": ""}).todos[0]
    )


def test_a_file_in_the_form_of_keep_a_changelog_is_treated_as_one():
    released = "# Change Log\n\n## [1.0] - 2020-01-01\n\n### Fixed\n\n- A bug.\n"
    assert (
        "## [Unreleased]\n\n### Changed\n\n- Speed up `merge`.\n"
        in edit("plain CHANGELOG.md", {"CHANGELOG.md": released}).files["CHANGELOG.md"]
    )
