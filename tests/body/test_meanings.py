from __future__ import annotations

import pytest

from tasks.body.meanings import Meaning, meaning_of


@pytest.mark.parametrize(
    ("title", "meaning"),
    [
        ("Summary", Meaning.DESCRIPTION),
        ("PR summary", Meaning.DESCRIPTION),
        ("What does this PR do?", Meaning.DESCRIPTION),
        ("Why", Meaning.DESCRIPTION),
        ("What is fixed, in brief: a description", Meaning.DESCRIPTION),
        ("What does this implement/fix? Explain your changes.", Meaning.DESCRIPTION),
        ("Branch description", Meaning.DESCRIPTION),
        ("Changes", Meaning.DESCRIPTION),
        ("Technical details", Meaning.DESCRIPTION),
        ("Type of change", Meaning.TYPE),
        ("Kind of change", Meaning.TYPE),
        ("Testing", Meaning.TESTS),
        ("How has this been tested?", Meaning.TESTS),
        ("Test plan", Meaning.TESTS),
        ("Checks and tests", Meaning.TESTS),
        ("Benchmarks", Meaning.BENCHMARK),
        ("Performance impact", Meaning.BENCHMARK),
        ("Results", Meaning.BENCHMARK),
        ("How to reproduce", Meaning.REPRODUCTION),
        ("Environment", Meaning.ENVIRONMENT),
        ("Release note (optional)", Meaning.CHANGELOG),
        ("CHANGELOG", Meaning.CHANGELOG),
        ("Checklist", Meaning.CHECKLIST),
        ("Pull Request Check List", Meaning.CHECKLIST),
        ("TODO", Meaning.CHECKLIST),
        ("Before submitting", Meaning.CHECKLIST),
        ("Issue reference", Meaning.ISSUE),
        ("Issues and PRs that this refers to", Meaning.ISSUE),
        ("Trac ticket number", Meaning.ISSUE),
        ("Related issue(s)", Meaning.ISSUE),
        ("AI Disclosure", Meaning.DISCLOSURE),
        ("AI?", Meaning.DISCLOSURE),
        ("AI usage disclosure (REQUIRED)", Meaning.DISCLOSURE),
        ("Author attestation", Meaning.DISCLOSURE),
        ("Agent Drafting Metadata", Meaning.DISCLOSURE),
        ("First time committer introduction", Meaning.OTHER),
        ("Any other comments?", Meaning.OTHER),
        ("For reviewers", Meaning.OTHER),
        ("Screenshots", Meaning.OTHER),
        ("Zeitgeist", Meaning.OTHER),
        ("\N{ROCKET} What changed", Meaning.DESCRIPTION),
    ],
)
def test_headings_are_read_by_their_words(title, meaning):
    assert meaning_of(title) is meaning
