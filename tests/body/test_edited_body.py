"""What a person may do to a body that was rendered, and what keeps it from going out."""

from __future__ import annotations

from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.body.claims import CitableEvidence
from tasks.body.edited_body import GAP, objections
from tasks.stages.render.render import bounded
from tests.support.evidence import CPU_IMPROVED, ITEM, Case

RENDERED = bounded(Case().evidence, None).text
BOXES = "- [ ] I have read the rules\n- [x] Tests pass\n"


def objections_to(edited, rendered=RENDERED, template=""):
    return list(objections(rendered, edited, CitableEvidence(CPU_IMPROVED, rendered), template))


def test_a_body_as_it_was_rendered_may_go():
    assert objections_to(RENDERED) == []


def test_a_gap_has_to_be_filled_and_may_be():
    gapped = bounded(Case(item=ITEM.model_copy(update={"summary": ("human",)})).evidence, None).text
    assert GAP in gapped
    assert objections_to(gapped, gapped) == ["it still has a gap that a person must fill"]
    filled = "\n".join(
        "Lines are joined once, as I found while profiling." if GAP in line else line for line in gapped.splitlines()
    )
    assert objections_to(filled, gapped) == []


@pytest.mark.parametrize(
    "edited",
    [BOXES.replace("[ ]", "[x]"), BOXES.replace("[ ]", "[X]"), BOXES.replace("[x]", "[ ]"), BOXES + "Thanks to #12.\n"],
)
def test_boxes_and_text_may_be_changed(edited):
    assert objections_to(edited, BOXES) == []


@pytest.mark.parametrize(
    ("added", "figure"),
    [
        ("It is 3.5x faster.", "3.5x"),
        ("Saves 12 MiB.", "12 MiB"),
        ("Now takes 0.4 ms.", "0.4 ms"),
        ("A gain of 55 % in all.", "55 %"),
    ],
)
def test_figures_that_nothing_holds_may_not_be_added(added, figure):
    (objection,) = objections_to(f"{RENDERED}\n{added}\n")
    assert objection == f"text was added: a number that is not in the evidence ({figure}): {added}"


@pytest.mark.parametrize(
    "added",
    [
        "It is 1.26x faster.",
        "Saves 3.136 ms a call.",
        "A gain of 20.9 %.",
        "See `x -n 3` and https://example.org/50.",
    ],
)
def test_figures_that_the_evidence_holds_may_be_repeated(added):
    assert objections_to(f"{RENDERED}\n{added}\n") == []


def test_what_was_measured_stays():
    table_row = next(line for line in RENDERED.splitlines() if line.startswith("| time |"))
    assert objections_to(RENDERED.replace(table_row + "\n", ""))[0].startswith("this line was removed or changed: | ")
    changed = objections_to(RENDERED.replace("11.85 ms", "1.85 ms"))
    assert any("(1.85 ms)" in each for each in changed)
    assert any(each.startswith("this line was removed or changed") for each in changed)


LINES = RENDERED.split("\n")
TITLE, HEADLINE = LINES[0], LINES[2]
RESULTS = LINES.index("## Results")


def with_lines(*added: str, at: int = RESULTS, around: int = 0, after: tuple[str, ...] = ()) -> str:
    """Insert lines before a line of the body, and `after` once `around` more lines have followed."""
    return "\n".join([*LINES[:at], *added, *LINES[at : at + around], *after, *LINES[at + around :]])


@pytest.mark.parametrize(
    "opening",
    [
        "<!--", "<!-- see below", "```", "~~~", "<details>\n", "<details><summary>All</summary>\n", "<del>\n",
        "<sub>\n", "<pre>", "<script>", "<style>", "<textarea>", "<![CDATA[", "<?php", "<!DOCTYPE", "<template>\n",
        "<select>\n", "<svg>\n", "<picture>\n", "<div hidden>\n", "<table><tr><td>\n", "<dialog>\n", "<b><!--",
        "> ```\n<!--",
    ],
)  # fmt: skip
def test_results_cannot_be_hidden_or_folded(opening):
    (first, *_) = objections_to(with_lines(opening))
    assert first == "this line is no longer shown as it was (hidden, folded, struck out or quoted): ## Results"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<!--", "-->"),
        ("```", "```"),
        ("<details>\n", "\n</details>"),
        ("<details open>\n", "\n</details>"),
        ("<del>\n", "\n</del>"),
        ("<s>\n", "\n</s>"),
    ],
)
def test_results_cannot_be_hidden_between_two_lines(before, after):
    objection = objections_to(with_lines(before, around=10, after=(after,)))[0]
    assert objection.startswith("this line is no longer shown as it was")


@pytest.mark.parametrize("line", ["> Old results:", "- Old results:", "[^1]:", "[^1]: old", "[old]: x", "~old"])
def test_the_headline_cannot_be_drawn_into_something_else(line):
    following = "\nold~" if line == "~old" else ""
    assert objections_to(f"{line}\n{HEADLINE}{following}\n" + RENDERED.partition(f"{HEADLINE}\n")[2])


@pytest.mark.parametrize(
    "change", ["~~{}~~", "<!-- {} -->", "`{}`", "    {}", "{}\n===", "> {}", "<sub>{}</sub>", "\\{}"]
)
def test_a_line_cannot_be_marked_up_differently(change):
    assert objections_to(RENDERED.replace(HEADLINE, change.format(HEADLINE)))


def test_the_comment_with_the_title_is_the_only_hidden_one():
    """It may be removed; another one, and a second or edited title, are refused."""
    assert TITLE == "<!-- Title: Merge lines without copying the page -->"
    assert objections_to(RENDERED.removeprefix(TITLE)) == []
    (edited,) = objections_to(RENDERED.replace(TITLE, "<!-- Title: Merge lines 1000x faster -->"))
    assert edited.startswith("the title is edited in the manifest (`title:`), not here: <!-- Title: Merge lines 1000x")
    for added in (TITLE, "<!-- 1000x faster -->", "<!-- Title: x -->", f"{TITLE[:-4]} 1000x -->", "<!-- Title: x"):
        for edit in (f"{added}\n\n{RENDERED}", f"{RENDERED}\n{added}\n", with_lines("", added, "")):
            assert objections_to(edit)


@pytest.mark.parametrize(
    "disguised",
    [
        "`1000x` faster", "&#49;&#48;00x faster", "1e3x faster", "10<b></b>00x", "10<!-- -->00x", "1**0**00x",
        "1[000](u)x", "A thousand times faster", "Twice as fast", "Half the time", "a tenth of the time",
        "by a factor of ten", "tenfold", "an order of magnitude", "\uff11\uff10\uff10\uff10x",
        "\U0001d7cf\U0001d7ce\U0001d7ce\u00d7", "10\u200b00x", "10\u0445 faster", "\u0661\u0660x", "1OOx",
        "2^10x", "10kx", "x10 faster", "1\ufe0f\u20e30\ufe0f\u20e3x", ":one::zero:x", "10\u00b3x",
        "1000. x faster", "Calls: 1203 -> 411", "1203 calls instead of 411", "1000\ntimes faster",
        "1000<br>times faster", "# 1000x", "> 1000x faster", "| speed |\n|---|\n| 1000 |",
        "```\n1000x faster\n```", "![1000x](u)", "![chart](u)", "<img src=u>", "$1000\\times$",
        "```mermaid\npie\n```", "\u202ex0001", "&#x202e;x0001", "https://e.org/1000x-faster", "up-to-1000x",
        "#1000 times faster", "1/10 of the time", "99,9 percent", "1 000x", "1'000x", "390K less memory",
        "<span>1000</span>x", "ten percent", "1.26.5x", "Speedup: 11.85", "5,000 ops/sec", "1000×faster",
        "\u00d71000", "\U0001f51fx faster", "½ the time", "100:1", "2m30s", "dozens of times faster",
        "% less: 50", "1·000x", "#1000%", "https://github.com/user-attachments/assets/0f0f",
        "https://github.com/a/b/assets/1/0f0f",
        "1000 mal schneller", "mille fois plus rapide", "1000 раз быстрее", "千倍", "Ⅹ times faster", "1871 \u279c 313",
        "\\_1000x faster", "Faster1000x", "umpteen times faster", "It was 30 days, it is one", "97,9 Prozent weniger",
        '[docs](https://x.org "1000x faster")', "x<sup>1000</sup>", "from a minute to a second", "1000\u2800x",
        "- 1000\n- x", "1000|x", "1000\u2613", "12k ops", "quarter of the memory", "```\n1000 mal\n```",
    ],
)  # fmt: skip
def test_no_figure_can_be_added_in_disguise(disguised):
    assert objections_to(with_lines("", disguised, ""))


@pytest.mark.parametrize(
    "words",
    [
        "Thanks to #12 and Bea! \U0001f680", "Closes #4.", "I used Claude Sonnet 4.5 for this.",
        "See [the docs](https://x.org/a_b).", "1. one\n2. two", "- one\n- two",
        "**Note**: the loop was `quadratic`, O(n^2).", "## Related issue\n\nNone.", "> said Bea",
        "`dict[str, <T>]` and a < b", "Für Ünal – “so it is” …", "```python\nprint(1)\n```",
        "See https://github.com/a/b/issues/12.", "Called several times a page, a second cache helps.",
        "It is 1.26x faster.", "Tested on Ubuntu 22.04, with numpy>=1.77.", "`x[77]` is the last.", "2. Read RFC 2119.",
    ],
)  # fmt: skip
def test_words_may_be_added(words):
    assert objections_to(with_lines("", words, "")) == []


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("Closes #", "Closes #12", True),
        ("**Issue**:", "**Issue**: none", True),
        ("- Reviewer:", "- Reviewer: Bea", True),
        ("Gain:", "Gain: 40x", False),
        ("Tests pass", "Tests pass never", False),
        ("It takes 5 s:", "It takes 5 s: or less", False),
    ],
)
def test_lines_of_a_template_that_wait_for_more_may_be_completed(before, after, allowed):
    edited, rendered = f"{after}\n\n{RENDERED}", f"{before}\n\n{RENDERED}"
    assert (not objections_to(edited, rendered, template=f"## Issue\n\n{before}\n")) is allowed
    assert objections_to(edited, rendered)


def test_line_ends_and_empty_lines_may_change():
    assert objections_to(RENDERED.replace("\n", "\r\n")) == []
    assert objections_to(RENDERED.replace("\n\n", "\n\n\n").replace("```\n\n\n", "```\n\n")) == []


class Words(HTMLParser):
    """Every word that GitHub shows, with the elements around it that fold, strike or hide it."""

    HIDE = frozenset(
        {"details", "del", "s", "sub", "sup", "template", "select", "script", "style", "svg", "dialog", "title"}
    )

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.words: list[tuple[str, tuple[str, ...]]] = []
        self._open: list[str] = []
        options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options=options))

    def handle_starttag(self, tag: str, _: object) -> None:
        self._open += [tag] if tag in self.HIDE else []

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self.words += [(word, tuple(self._open)) for word in data.split()]


SHOWN = Words(RENDERED).words
PIECES = st.sampled_from(
    [
        "<!--", "-->", "<!-->", "--!>", "```", "~~~", "~~", "~", "`", "<details>", "</details>", "<summary>", "<del>",
        "</del>", "<b>", "[^1]:", "[a]:", "[", "](", ")", "> ", "- ", "1. ", "    ", "\n", "\n\n", "===", "---", "***",
        "|", "\\", "<", ">", "&lt;", "$$", "<pre>", "<script>", '<a href="', '"', "<?", "<![CDATA[", "word", " ", "*",
        "_", "#", "<template>", "<select>", "\t",
    ]
)  # fmt: skip
EDITS = st.lists(
    st.tuples(st.integers(0, len(LINES)), st.lists(PIECES, min_size=1, max_size=8).map("".join)), max_size=3
)


@pytest.mark.slow
@given(EDITS)
@example([(RESULTS, "<!--")])
@example([(0, "[^1]: word")])
@example([(0, "~"), (1, "~")])
@example([(RESULTS, "<b><!--"), (RESULTS + 4, "--!>-->")])
def test_what_may_be_published_shows_every_word_that_was_rendered(edits):
    lines = list(LINES)
    for position, text in sorted(edits, reverse=True):
        lines.insert(position, text)
    edited = "\n".join(lines)
    if objections_to(edited):
        return
    rest = iter(Words(edited).words)
    missing = [word for word in SHOWN if word not in rest]
    assert missing == [], edited
