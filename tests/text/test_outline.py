from __future__ import annotations

import pytest

from tasks.text.outline import SHELLS, code_blocks, outline, shifted, visible


def sections(text: str) -> list[tuple[int, str, str]]:
    read = outline(text)
    return [(section.level, section.title, read.text_of(section)) for section in read.sections]


def test_headings_in_fences_comments_and_quotations_begin_no_section():
    text = "top\n\n# One\n\n```\n# no\n```\n\n<!--\n# no\n-->\n\n> # no\n\n- # no\n\nTwo\n---\nend"
    assert [(level, title) for level, title, _ in sections(text)] == [(0, ""), (1, "One"), (2, "Two")]
    assert sections(text)[2][2] == "end"


def test_titles_are_words_without_markup():
    assert sections("## **What** does [this](x) `do`?")[1][1] == "What does this do?"


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


@pytest.mark.slow
def test_emphasis_nested_thousands_of_levels_deep():
    text = "## " + "**a " * 3000 + "b**" * 3000
    assert outline(text).sections[1].heading.line == 1


def test_headings_in_quotations_and_lists_stay_as_they_are():
    assert shifted("> # a\n\n- # b", 1) == "> # a\n\n- # b"


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```sh\nls\n```\n", ("ls\n",)),
        ("~~~ bash title=x\nls\n\ncd ..\n~~~\n", ("ls\n\ncd ..\n",)),
        ("```python\nprint()\n```\n", ()),
        ("```\nls\n```\n", ()),
        ("    ls\n", ()),
        ("- one:\n\n  ```sh\n  ls\n  ```\n", ("ls\n",)),
        ("> ```sh\n> ls\n> ```\n", ("ls\n",)),
        ("<details>\n<summary>More</summary>\n\n```sh\nls\n```\n\n</details>\n", ("ls\n",)),
        ("````text\n```sh\nls\n```\n````\n", ()),
        ("<!--\n```sh\nls\n```\n-->\n", ()),
        ("```sh\na\n```\n\ntext `b`\n\n```shell\nc\n```\n", ("a\n", "c\n")),
    ],
)
def test_code_blocks_that_a_reader_sees(text, blocks):
    assert code_blocks(text, SHELLS) == blocks
