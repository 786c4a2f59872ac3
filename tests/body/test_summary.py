"""What a body says in the words of commits, and what it leaves out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts import Commit
from tasks.body import summary
from tasks.body.claims import claims, unproven, without_claims
from tasks.body.composing import compose
from tasks.body.placeholders import FULL
from tests.support.evidence import CPU_IMPROVED, DETECTION, HEAD, INCONCLUSIVE, ITEM, REGRESSED, Case

TOOL = """⚡️ Speed up function `merge_lines` by 17,500% in PR #1 (`perf/all`)

The optimized code achieves a **17,500% speedup** by joining once.

**Key changes:**

1. **One join**: Lines are collected in a list
   and joined at the end.
2. The runtime falls from 2.1 s to 12 ms.
3. All 212 existing tests pass.

---

<!-- TOOL: {"speedup": "17500x"}
of two lines -->
<details><summary>Test results</summary>

| Test | Status |
|---|---|
| a | 12 ms instead of 2.1 s |

</details>

Co-authored-by: tool[bot] <bot@example.org>
"""


def commit(message: str, title: str = "") -> Commit:
    return Commit(sha=HEAD, title=title or message.partition("\n")[0], message=message)


def case_of(*messages: str, comparison=CPU_IMPROVED) -> Case:
    commits = tuple(map(commit, messages))
    return Case(comparison, detection=DETECTION.model_copy(update={"commits": commits}))


def bullets_of(*messages: str, comparison=CPU_IMPROVED) -> list[str]:
    return list(summary.summary_of(case_of(*messages, comparison=comparison).evidence).bullets)


def test_a_tools_commit_keeps_its_mechanism_and_loses_its_claims():
    case = case_of(TOOL)
    result = summary.summary_of(case.evidence)
    assert result.bullets == (
        "Speed up function `merge_lines`",
        "One join: Lines are collected in a list and joined at the end.",
    )
    assert result.left_out == (
        (
            "“⚡️ Speed up function `merge_lines` by 17,500% in PR #1 (`perf/all`)”: a number that is not in the "
            "evidence (17,500%)"
        ),
        "“The runtime falls from 2.1 s to 12 ms.”: a number that is not in the evidence (2.1 s)",
        "“All 212 existing tests pass.”: says what only a measurement or the tests can show",
    )
    body = compose(case.evidence, FULL, None).text
    assert not [
        claim for claim in ("17,500", "17500", "2.1 s", "TOOL", "bot@", "existing tests pass.") if claim in body
    ]


@pytest.mark.parametrize("comparison", [REGRESSED, INCONCLUSIVE])
def test_no_improvement_is_claimed_below_another_verdict(comparison):
    result = summary.summary_of(case_of(TOOL, comparison=comparison).evidence)
    assert result.bullets == ("One join: Lines are collected in a list and joined at the end.",)
    assert f"claims an improvement (“Speed”), but the verdict is {comparison.verdict}" in result.left_out[0]
    (fallback,) = bullets_of("Make merging much faster\n", comparison=comparison)
    assert fallback == "Changes `pagelayout.text:merge_lines`"


def test_the_performance_commit_leads_and_merges_and_fixups_stay_away():
    titles = [
        "Add tests for merge_lines",
        "Merge branch 'main' into perf/lines",
        "Rename a variable",
        "perf(text): join the lines of a page once",
        "fixup! perf(text): join the lines of a page once",
        "squash! Rename a variable",
        "Merge pull request #4 from acme/lines",
        "Address review comments",
    ]
    result = summary.summary_of(case_of(*titles).evidence)
    assert result.bullets == ("Join the lines of a page once", "Rename a variable")
    assert result.further_commits == 2


SQUASHED = """Join lines once (#12) [skip ci]

* Do not copy the page
* fix lint
* Merge branch 'main' into perf/lines
* wip
* fixup! Do not copy the page
* Update tests/test_text.py
* Apply suggestions from code review
* Revert "Do not copy the page"
* Release page images early

---------

BREAKING CHANGE: none
"""


def test_the_list_of_a_squashed_merge_is_read_like_its_commits():
    assert bullets_of(SQUASHED) == ["Join lines once", "Do not copy the page", "Release page images early"]


def test_a_title_that_begins_with_merge_is_no_merge():
    assert bullets_of("Merge lines without copying the page", "Merge two dictionaries at once") == [
        "Merge lines without copying the page",
        "Merge two dictionaries at once",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "-----", "=====", "***", "* * *", "———", "<!-- note -->", "<!-- never closed", "## Heading", "| a | b |",
        "Changes:", "Signed-off-by: Ada <a@b.c>", "Co-Authored-By: X <x@y.z>", "Co-authored-by:X <x@y.z>",
        "Reviewed-by: B", "Change-Id: Ia1b2", "(cherry picked from commit abc1234)", "Fixes #3, closes acme/x#4",
        "Closes: https://github.com/a/b/issues/4", "Refs #9", "https://example.org/x",
        "🤖 Generated with [A Tool](https://example.org)", "Conflicts:", "This reverts commit abc1234.", "…", "12.",
    ],
)  # fmt: skip
def test_what_is_no_sentence_is_no_bullet(line):
    sentences = ["Join once"] if line == "<!-- never closed" else ["Join once", "The page was copied for every line."]
    assert bullets_of(f"Join once\n\n{line}\n\nThe page was copied\nfor every line.\n\n{line}\n") == sentences
    assert bullets_of(f"Join once\n\n- {line}\n") == ["Join once"]


@pytest.mark.parametrize(
    "title",
    [
        "Merge branch 'main' of https://example.org/a", "Merge branch main into x", "Merge remote-tracking branch 'origin/main'",
        "Merge tag v1.2", "Merge commit 'abcdef1'", "Merge upstream/main", "Merge origin/main into perf", "Merge main", "Merge PR #12",
        "Merge abcdef1 into 1234567", "Merge in changes from main", "Merged in perf/lines (pull request #3)", "Merged PR 12: lines",
        "Merge feature/x into develop", "Merge changes from main", "Merge latest main", "Merge branches 'a' and 'b'",
    ],
)  # fmt: skip
def test_merges_are_no_bullets(title):
    assert bullets_of("Join once", title) == ["Join once"]


@pytest.mark.parametrize(
    "title",
    [
        "Merge chunks into one buffer", "Merge in one pass", "Merge tag lists lazily", "Merge main loops", "Merge branch nodes once",
        "Merge commit objects in bulk", "Merge changes from both passes", "Merge upstream rows at once",
    ],
)  # fmt: skip
def test_other_titles_that_begin_with_merge_are_bullets(title):
    assert bullets_of(title) == [title]


def test_sentences_are_whole_or_left_out():
    long = "It " + "really " * 60 + "matters."
    assert bullets_of(
        f"Join once\n\n- The page was copied for every\n  line of it. {long}\n- {long}\n- Now it is not\n"
    ) == [
        "Join once",
        "The page was copied for every line of it.",
        "Now it is not",
    ]


@pytest.mark.parametrize(
    ("sentence", "stays"),
    [
        ("Time falls by 20.9 %.", True),
        ("It is 1.26x faster.", True),
        ("It is 3x faster.", False),
        ("Calls went down from 1203 to 411.", False),
        ("Score 2.14→1.83.", False),
        ("Twice as fast.", False),
        ("Measured on my laptop.", False),
        ("Tested locally, zero regressions.", False),
        ("There is no change in behaviour.", False),
        ("Vorher 1203 Aufrufe, jetzt 411.", False),
        ("Mille fois plus rapide.", False),
        ("The results are bit-for-bit the same.", False),
        ("It makes lookups O(1) instead of O(n).", True),
        ("A cache keeps the last 128 pages.", True),
        ("Much faster on Python 3.12.7.", True),
    ],
)
def test_a_sentence_stays_if_the_evidence_holds_it(sentence, stays):
    result = summary.summary_of(case_of(f"Join once\n\n{sentence}\n").evidence)
    assert (result.bullets[1:] == (sentence,)) is stays
    assert bool(result.left_out) is not stays


@pytest.mark.parametrize(
    ("title", "shortened"),
    [
        ("Reduce parsing from 17 ms to 3 ms in f", "Reduce parsing in f"),
        ("Make f 10x faster", "Make f faster"),
        ("Speed up f (3.5x)", "Speed up f"),
        ("Speed up f by a factor of 12", "Speed up f"),
        ("Speed up f by up to ~40 %", "Speed up f"),
        ("Join lines: 40% less memory", "Join lines: less memory"),
        ("1000x", ""),
        ("Score 2.14→1.83", ""),
        ("Join lines once", "Join lines once"),
        ('Revert "Speed up f by 40%"', 'Revert "Speed up f"'),
    ],
)
def test_titles_lose_their_claims(title, shortened):
    item = ITEM.model_copy(update={"title": title})
    assert summary.title_of(Case(item=item).evidence) == (shortened or "merge_lines")


def test_bullets_of_the_manifest_are_kept_and_titles_of_commits_still_checked():
    case = case_of("Speed up f 90x")
    evidence = Case(item=ITEM.model_copy(update={"summary": ("Mine.",)}), detection=case.detection).evidence
    result = summary.summary_of(evidence)
    assert (result.bullets, len(result.left_out)) == (("Mine.",), 1)
    assert summary.commit_titles(evidence) == ((HEAD, "Speed up f"),)


PIECES = st.sampled_from(
    [
        "Join once", "the loop", "is", "faster", "by", "from", "to", "17,500%", "1e3x", "12 ms", "411", "calls",
        "twice", "in half", ".", ". ", "\n", "\n\n", "- ", "* ", "1. ", "<!--", "-->", "---\n", "**", "`", "(", ")",
        "→", "10", "x", " ", " ", "Fixes #3\n", "# ", "| ", "Co-authored-by: A <a@b>\n", "```\n", "ten times", "20.9 %",
        "[a](b)", "&#49;", "\u200b", "Merge branch 'x'\n", "fixup! ",
    ]
)  # fmt: skip
MESSAGES = st.lists(PIECES, min_size=1, max_size=25).map("".join)


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.sampled_from([CPU_IMPROVED, REGRESSED]))
def test_no_message_leads_to_a_claim_that_the_evidence_does_not_hold(messages, comparison):
    evidence = case_of(*messages, comparison=comparison).evidence
    result = summary.summary_of(evidence)
    titles = [title for _, title in summary.commit_titles(evidence)]
    for text in (*result.bullets, summary.title_of(evidence), *titles):
        shown = re.sub(r"&amp;(?=#)", "&", text).replace("&#8203;", "").replace("\\", "")
        assert list(unproven(shown, summary.citable(evidence))) == [], (messages, text)
        assert "\n" not in text
        assert text in titles or not re.match(r"&lt;!--|Co-authored-by", text)
    assert 1 <= len(result.bullets) <= 3


@pytest.mark.parametrize(
    ("title", "left"),
    [
        ("Performance improvements: 1.07x - 8.4x (#315)", "Performance improvements (#315)"),
        ("Speed up parsing: 3x / 4x [perf]", "Speed up parsing [perf]"),
        ("Keep the fast-path - avoid copies", "Keep the fast-path - avoid copies"),
        ("Cache patterns - 40% less time - by default", "Cache patterns - less time - by default"),
        ("Speed up loading, 300ms → 20ms, on Linux", "Speed up loading, on Linux"),
        ("Speed up sorting by 3x, 4x, and 5x or more!", "Speed up sorting!"),
        ("Speed up parsing by between 10 and 20 percent", "Speed up parsing"),
        ("“3x” faster sorting", "faster sorting"),
        ("Cache patterns - (3x) - by default", "Cache patterns - by default"),
        ("Speed up by 3x :func:`parse`, .NET", "Speed up :func:`parse`, .NET"),
        ("Cache patterns: (3x), on Linux", "Cache patterns, on Linux"),
        ("Cut 200 ms off startup", ""),
        ("perf: halve the time of parsing", ""),
    ],
)
def test_nothing_is_left_of_what_joined_amounts(title, left):
    assert without_claims(title) == left


@given(MESSAGES)
def test_a_title_without_claims_has_none(title):
    assert claims(without_claims(title)) == ()
