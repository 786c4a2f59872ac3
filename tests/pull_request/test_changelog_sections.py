"""Entries in changelogs that are one file: where a person would put them, and as that file spells its own."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tasks.pull_request.changelog_sections import follows_keep_a_changelog, keep_a_changelog, newest, plain, whatsnew

ENTRY = "Improve the performance of `pages.merge`."


def text(words: str) -> str:
    return dedent(words).lstrip("\n")


KEPT = """
    # Changelog

    ## [Unreleased]

    ### Added

    - A thing.

    ### Fixed

    - A bug.

    ## [1.0] - 2020-01-01

    ### Added

    - All.

    [Unreleased]: https://example.org
    """


def put(old: str, new: str | None, *, rst: bool = False) -> None:
    assert keep_a_changelog(text(old), ENTRY, rst=rst) == (None if new is None else text(new))


def test_a_missing_section_is_created_in_its_usual_place():
    put(KEPT, KEPT.replace("### Fixed\n", f"### Changed\n\n    - {ENTRY}\n\n    ### Fixed\n"))


def test_an_entry_goes_to_the_end_of_the_section_that_is_there():
    there = KEPT.replace("### Fixed\n\n    - A bug.", "### Changed\n\n    - This.\n    - That.")
    put(there, there.replace("- That.", f"- That.\n    - {ENTRY}"))


def test_a_file_that_has_a_section_for_performance_gets_it_there():
    used = KEPT.replace("### Added\n\n    - All.", "### Performance\n\n    * All.")
    assert f"### Performance\n\n- {ENTRY}\n" in str(keep_a_changelog(text(used), ENTRY, rst=False))


def test_an_empty_unreleased_section_gets_its_first_entry():
    empty = KEPT.replace("### Added\n\n    - A thing.\n\n    ### Fixed\n\n    - A bug.\n\n    ", "")
    put(empty, empty.replace("## [1.0]", f"### Changed\n\n    - {ENTRY}\n\n    ## [1.0]"))


def test_a_missing_unreleased_section_has_the_style_of_the_releases():
    released = "# Changelog\n\n## [1.0] - 2020-01-01\n\n### Fixed\n\n- A bug.\n"
    assert keep_a_changelog(released, ENTRY, rst=False) == released.replace(
        "## [1.0]", f"## [Unreleased]\n\n### Changed\n\n- {ENTRY}\n\n## [1.0]"
    )
    bare = released.replace("[1.0]", "1.0")
    assert "## Unreleased\n" in str(keep_a_changelog(bare, ENTRY, rst=False))


def test_links_at_the_end_of_the_file_stay_there():
    only = "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- This.\n\n[Unreleased]: https://example.org\n"
    assert keep_a_changelog(only, ENTRY, rst=False) == only.replace("- This.", f"- This.\n- {ENTRY}")


def test_headings_in_code_are_none():
    fenced = KEPT.replace("- A thing.", "- A thing.\n\n      ```\n      ## [2.0]\n      ```")
    assert "### Changed" in str(keep_a_changelog(text(fenced), ENTRY, rst=False))


def test_a_file_without_a_release_is_left_to_a_person():
    put("# Changelog\n\nSee the releases page.\n", None)


def test_restructured_text_is_spelled_as_it_spells_itself():
    before = text(
        """
        Changelog
        =========

        Unreleased
        ----------

        Fixed
        ~~~~~

        * A bug.

        1.0 (2020-01-01)
        ----------------

        Changed
        ~~~~~~~

        * All.
        """
    )
    assert f"Changed\n~~~~~~~\n\n* {ENTRY}\n\nFixed\n~~~~~" in str(keep_a_changelog(before, ENTRY, rst=True))


@pytest.mark.parametrize(
    ("before", "section", "after"),
    [
        (
            "2.0 (unreleased)\n----------------\n\n- One.\n\n1.0\n---\n\n- All.\n",
            "2.0 (unreleased)",
            "- One.\n- {}\n\n1.0\n",
        ),
        (
            "Version 2.0\n-----------\n\n-   One.\n\nVersion 1.0\n-----------\n\nReleased 2020-01-01\n\n-   All.\n",
            "Version 2.0",
            "-   One.\n-   {}\n",
        ),
        (
            "*unreleased*\n~~~~~~~~~~~~\n\nFixes:\n\n* One.\n\n1.0 - 2020-01-01\n~~~~~~~~~~~~~~~~\n\nPerformance:\n\n* All.\n",
            "*unreleased*",
            "* One.\n\nPerformance:\n\n* {}\n",
        ),
    ],
)
def test_the_next_release_is_found_without_a_convention(before, section, after):
    insertion = plain(before, ENTRY, rst=True)
    assert insertion is not None
    assert insertion[0] == section
    assert after.format(ENTRY) in insertion[1]


def test_if_the_newest_release_may_be_out_nothing_is_written():
    assert plain("1.1\n---\n\n- One.\n\n1.0\n---\n\n- All.\n", ENTRY, rst=True) is None


def test_long_entries_are_wrapped_if_the_file_wraps_its_own():
    entry = "Improve the performance of `pages.merge`, which went through all of the lines again for each of them."
    flat = "# C\n\n## [Unreleased]\n\n### Changed\n\n- This.\n"
    assert f"- {entry}\n" in str(keep_a_changelog(flat, entry, rst=False))
    wrapped = flat.replace("- This.", "- This, which\n  goes on.")
    assert "all of the lines\n  again for each of them.\n" in str(keep_a_changelog(wrapped, entry, rst=False))


def test_news_of_a_release_has_a_section_for_performance():
    before = "What's new\n==========\n\nPerformance improvements\n~~~~~~~~~~~~~~~~~~~~~~~~\n- One.\n-\n\nBug fixes\n~~~~~~~~~\n-\n"
    insertion = whatsnew(before, ENTRY, rst=True)
    assert insertion == ("Performance improvements", before.replace("- One.\n-\n", f"- One.\n- {ENTRY}\n"))
    assert whatsnew("What's new\n==========\n\n- One.\n", ENTRY, rst=True) is None


def test_the_newest_file_has_the_highest_version():
    assert newest(["w/v2.9.0.rst", "w/v2.10.0.rst", "w/index.rst"]) == "w/v2.10.0.rst"
    assert newest(["w/index.rst"]) is None


def test_the_form_is_known_without_its_name():
    assert follows_keep_a_changelog(text(KEPT), rst=False)
    assert not follows_keep_a_changelog("# C\n\n## 1.0\n\n### Enhancements\n\n- All.\n", rst=False)
