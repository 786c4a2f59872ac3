from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.text import markdown
from tasks.text.markdown import Markdown

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "<script>alert(1)</script>",
    "</details><img src=x onerror=alert(1)>",
    "<!-- hidden",
    "a | b | c",
    "| a |\n|---|\n| b |",
    "# heading",
    "- item\n- item",
    "1. one",
    "> quote",
    "text\n---",
    "text\n===",
    "```\ncode",
    "~~~\ncode",
    "`open",
    "``a` b",
    "![image](https://example.org/x.png)",
    "[link](javascript:alert(1))",
    "<https://example.org>",
    "&lt;b&gt; &#60;b&#62;",
    "back\\slash \\* \\",
    "*a* **b** _c_ __d__ ~~e~~ $f$",
    "    indented code",
    "{{ 7 * 7 }} {% raw %}",
]


def kinds(rendered: str) -> set[str]:
    """Return the types of all tokens that a parser sees, except the code tags that `code` writes itself."""
    tokens = GITHUB.parse(rendered)
    children = [child for token in tokens for child in token.children or []]
    own = {"<code>", "</code>"}
    return {token.type for token in tokens} | {
        child.type for child in children if not (child.type == "html_inline" and child.content in own)
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_one_paragraph_with_the_same_text(text):
    rendered = markdown.escape(text)
    assert kinds(rendered) == {"paragraph_open", "inline", "paragraph_close", "text"} | (
        {"text_special"} & kinds(rendered)
    )
    assert GITHUB.render(rendered).count("\n") == 1
    shown = "".join(child.content for token in GITHUB.parse(rendered) for child in token.children or [])
    assert shown.replace("\u200b", "") == " ".join(text.split())


@given(st.text(max_size=60))
def test_any_text_is_escaped_to_plain_text(text):
    allowed = {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}
    assert kinds(markdown.escape(text)) <= allowed
    assert kinds(markdown.inline(text, emphasis=False)) <= allowed | {"code_inline"}


@given(st.lists(st.text(alphabet="a|\\`*_<>&# @1\n", max_size=12), min_size=3, max_size=3))
def test_any_cells_make_one_table_with_all_cells(cells):
    table = markdown.table(
        ["a", "b", "c"], [cells, [markdown.code(cell) for cell in cells], [markdown.inline(cell) for cell in cells]]
    )
    types = [token.type for token in GITHUB.parse(table)]
    assert types[0] == "table_open"
    assert types[-1] == "table_close"
    assert (types.count("tr_open"), types.count("td_open")) == (4, 9)


@given(st.text(alphabet="a`|\\*<& \n~", max_size=30))
def test_a_code_span_shows_its_text_alone(text):
    shown = " ".join(markdown.plain(text).split())
    if shown and "|" not in shown:
        (child,) = GITHUB.parse(markdown.code(text))[1].children
        assert (child.type, child.content) == ("code_inline", shown)


@given(st.text(alphabet="a`~ \n<", max_size=40))
def test_no_text_closes_its_fence(text):
    fenced, after = (
        GITHUB.parse(markdown.fenced(text) + "\n\nafter")[0],
        GITHUB.parse(markdown.fenced(text) + "\n\nafter")[-2],
    )
    assert (fenced.type, after.content) == ("fence", "after")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thanks @ada and @org/team", "thanks @&#8203;ada and @&#8203;org/team"),
        ("mail ada@example.org", "mail ada@example.org"),
        ("fixes #12", "fixes #&#8203;12"),
        ("Closes: acme/pagelayout#7", "Closes: acme/pagelayout#&#8203;7"),
        ("resolves GH-3", "resolves GH-&#8203;3"),
        ("see https://github.com/a/b/issues/1", "see https://&#8203;github.com/a/b/issues/1"),
        ("see https://github.com/a/b/pull/1#x", "see https://&#8203;github.com/a/b/pull/1#x"),
        ("see https://numpy.org/doc", "see https://numpy.org/doc"),
    ],
)
def test_mentions_and_issues_are_broken(text, expected):
    assert markdown.escape(text) == expected
    assert markdown.inline(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "cleared"),
        ("abc\u202edef\u2066", "abcdef"),
        ("a\x00b\x08c\x7f", "abc"),
        ("zero\u200bwidth", "zerowidth"),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
        ("Größe – naïve 日本", "Größe – naïve 日本"),
    ],
)
def test_terminal_escapes_and_invisible_characters_are_dropped(text, expected):
    assert markdown.plain(text) == expected


def test_prose_with_code_spans_stays_readable():
    text = "Use `dict.fromkeys` in merge_lines (O(n)), see `a_b | c`; *much* less, x -> y & z"
    assert (
        markdown.inline(text)
        == "Use `dict.fromkeys` in merge_lines (O(n)), see <code>a_b &#124; c</code>; *much* less, x -> y & z"
    )
    assert markdown.inline("*much*", emphasis=False) == "\\*much\\*"
    assert markdown.inline("**Bold** start") == "**Bold** start"


def test_prose_keeps_only_paragraphs_lists_and_fences():
    text = "Why:\n\n# Not a heading\n- one `x`\n- two <b>\n  1. inner\n\n```python\nx = '```'\n# fixes #1\n```\nafter\n---\n| a |\n|---|"
    rendered = markdown.prose(text)
    assert kinds(rendered) & {"heading_open", "hr", "table_open", "html_block", "html_inline"} == set()
    fence = next(token for token in GITHUB.parse(rendered) if token.type == "fence")
    assert (fence.info, fence.content) == ("python", "x = '```'\n# fixes #1\n")
    assert {"bullet_list_open", "ordered_list_open"} <= kinds(rendered)


def test_tidy_leaves_fences_alone():
    assert markdown.tidy("a\n\n\n\nb\n```\nc\n\n\nd\n```\n\n\ne\n") == "a\n\nb\n```\nc\n\n\nd\n```\n\ne"


def test_an_open_fence_is_closed():
    assert markdown.prose("```\nopen <b>") == "```\nopen <b>\n```"


def test_finished_markdown_is_not_escaped_again():
    assert markdown.finished(Markdown("**a**")) == "**a**"
    assert markdown.finished("**a**") == "\\*\\*a\\*\\*"
    assert markdown.finished(12) == "12"


def test_shorten_cuts_at_a_word():
    assert markdown.shorten("one two three", 9) == "one two…"
    assert markdown.shorten("one two", 9) == "one two"
    assert re.fullmatch(r"a{8}…", markdown.shorten("a" * 20, 9))
