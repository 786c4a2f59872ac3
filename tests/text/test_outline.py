from __future__ import annotations

import pytest

from tasks.text.outline import mended, outline, shifted, visible


def sections(text: str) -> list[tuple[int, str, str]]:
    read = outline(text)
    return [(section.level, section.title, read.of(section)) for section in read.sections]


def test_headings_in_fences_comments_and_quotations_begin_no_section():
    text = "top\n\n# One\n\n```\n# no\n```\n\n<!--\n# no\n-->\n\n> # no\n\n- # no\n\nTwo\n---\nend"
    assert [(level, title) for level, title, _ in sections(text)] == [(0, ""), (1, "One"), (2, "Two")]
    assert sections(text)[2][2] == "end"


def test_titles_are_words_without_markup():
    assert sections("## **What** does [this](x) `do`?")[1][1] == "What does this do?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n```py\nx", "# A\n\n```py\nx\n```"),
        ("````\n```\nx", "````\n```\nx\n````"),
        ("- ~~~\n  x\n\n# B", "- ~~~\n  x\n  ~~~\n\n# B"),
        ("> ```\n> q\n\nafter", "> ```\n> q\n> ```\n\nafter"),
        ("<!-- a\n# B", "<!-- a\n# B -->"),
        ("- <!-- a\n\n# B", "- <!-- a -->\n\n# B"),
        ("<details>\n\n# A\n", "<details>\n\n# A\n\n</details>"),
        ("<details><summary>x\n\nb", "<details><summary>x\n\nb\n\n</summary>\n</details>"),
        ("<details/>\n\nb", "<details/>\n\nb\n\n</details>"),
        ("<pre>\n# a", "<pre>\n# a</pre>"),
        ("text <b>bold\n\nmore", "text <b>bold\n\nmore\n\n</b>"),
        ("<br>\n\n<img src=x>\n\n<p>\n\ntext", "<br>\n\n<img src=x>\n\n<p>\n\ntext"),
        ("<!-- whole -->\n\n# A", "<!-- whole -->\n\n# A"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("---\nname: x\nabout: y\n---\n# A", "# A"),
        ("---\n\nonly a rule", "---\n\nonly a rule"),
        ("", ""),
    ],
)
def test_what_is_open_is_closed_and_nothing_else_changes(text, expected):
    assert mended(text) == expected
    assert mended(expected) == expected


def test_a_section_that_ends_within_a_folded_part_is_open():
    read = outline("# A\n\n<details>\n\n# B\n\n</details>\n\n# C\n")
    assert [section.is_open for section in read.sections] == [False, True, False, False]


def test_levels_move_together_and_end_at_the_sixth():
    assert (
        shifted("# a\n\n```\n# code\n```\n\n##### b\n\n###### c", 1) == "## a\n\n```\n# code\n```\n\n###### b\n\n**c**"
    )
    assert shifted("## a", 0) == "## a"


def test_what_is_seen_leaves_out_folded_parts_and_comments():
    text = "a <!-- no\nno -->\n<details>\n<summary>title</summary>\n\nno <details><summary>inner</summary>no</details>\n\n</details> b"
    assert visible(text).split() == ["a", "title", "b"]
