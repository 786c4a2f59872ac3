from __future__ import annotations

from tasks.artifacts import ContributionRule
from tasks.body.house_rules import refusals, to_review, todos


def rule(sentence: str, about: str = "generated text") -> ContributionRule:
    return ContributionRule(path="CONTRIBUTING.md", line=12, about=about, sentence=sentence)


REFUSED = rule("Please do not let an LLM write the description of your pull request.")


def test_sentences_that_bind_the_text_are_refusals():
    binding = [
        "PR text made by AI will be closed.",
        "An AI-written pull request isn't welcome.",
        "Only humans may write descriptions, no LLM.",
    ]
    free = [
        "Code by an AI must be understood by you.",
        "We like descriptions, AI or not written: no.",
        "AI text in pull requests is fine with us.",
    ]
    binding += ["No LLM-generated text is welcome here.", "AI-written PRs may only be opened by maintainers."]
    assert sorted(each.sentence for each in refusals(tuple(map(rule, binding)))) == sorted(binding)
    assert (
        refusals(
            (
                rule("We can't tell whether a pull request was written by an LLM."),
                rule("Use AI not only to write, also for PRs."),
            )
        )
        == ()
    )
    assert refusals((rule("AI pull requests are rejected."), REFUSED))[0] == REFUSED
    assert refusals((rule(free[0]), rule(free[2]), rule(binding[0], "disclosure"))) == ()


def test_a_refusal_is_quoted_with_its_place_unless_a_person_writes():
    (review,) = to_review((REFUSED,), by_person=False)
    assert f"“{REFUSED.sentence}” (CONTRIBUTING.md, line 12)" in review
    assert "`summary: human`" in review
    assert to_review((REFUSED,), by_person=True) == ()
    assert to_review((), by_person=False) == ()


def test_at_most_two_refusals_are_quoted():
    (review,) = to_review((REFUSED,) * 4, by_person=False)
    assert review.count("line 12") == 2
    assert "and 2 more in the report" in review


def test_disclosure_sign_off_and_issues_are_left_to_a_person():
    rules = (
        rule("State the LLM that you used.", "disclosure"),
        rule("Use git commit -s.", "sign-off"),
        rule("Open an issue first.", "issue first"),
    )
    assert list(todos((*rules, REFUSED))) == [
        "disclose, in one line of your own, whether models were used: “State the LLM that you used.” (CONTRIBUTING.md, line 12)",
        "sign the commits off: “Use git commit -s.” (CONTRIBUTING.md, line 12)",
        "make sure that there is an issue: “Open an issue first.” (CONTRIBUTING.md, line 12)",
    ]
