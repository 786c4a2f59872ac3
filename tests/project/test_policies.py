"""What a project's pages say about contributions, on pages of several kinds."""

from __future__ import annotations

import pytest

from tasks.project.policies import contribution_rules
from tests.support.projects import Files


def rules_in(files):
    return [(rule.about, f"{rule.path}:{rule.line}", rule.sentence) for rule in contribution_rules(Files(files))]


CONTRIBUTING = """# Contributing

Thanks for your help. We love it.

## Rules

- Please open an issue first, to discuss larger changes.
- Every commit has to be signed off (`git commit -s`),
  see the Developer Certificate of Origin.
- Performance changes come with a benchmark.

Pull requests whose description was written by an AI are closed. Agents are
welcome to read. Name no LLM as co-author in trailers.
"""


def test_sentences_have_the_line_where_they_begin():
    assert rules_in({"CONTRIBUTING.md": CONTRIBUTING}) == [
        ("issue first", "CONTRIBUTING.md:7", "Please open an issue first, to discuss larger changes."),
        (
            "sign-off",
            "CONTRIBUTING.md:8",
            "Every commit has to be signed off (`git commit -s`), see the Developer Certificate of Origin.",
        ),
        ("benchmark", "CONTRIBUTING.md:10", "Performance changes come with a benchmark."),
        ("generated text", "CONTRIBUTING.md:12", "Pull requests whose description was written by an AI are closed."),
        ("co-author", "CONTRIBUTING.md:13", "Name no LLM as co-author in trailers."),
    ]


@pytest.mark.parametrize(
    ("sentence", "about"),
    [
        ("If AI tools were used, I have disclosed which ones.", "disclosure"),
        ("Do not use AI to help write your contribution.", "generated text"),
        ("We will also close PRs with AI-written descriptions.", "generated text"),
        ("I confirm that this is not a pure code agent PR.", "generated text"),
        ("Commits with Claude in Co-authored-by cannot be merged.", "co-author"),
        ("Trailers such as Signed-off-by are needed.", "sign-off"),
        ("Ask an estate agent.", ""),
        ("Use the maintained tools to test, again and again.", ""),
        ("Run `tox` before you push.", ""),
    ],
)
def test_subject_of_a_sentence(sentence, about):
    assert [rule.about for rule in contribution_rules(Files({".github/CONTRIBUTING.md": sentence}))] == [about] * bool(
        about
    )


def test_pages_are_found_in_the_usual_folders():
    places = [
        "CONTRIBUTING.rst",
        ".github/PULL_REQUEST_TEMPLATE.md",
        "AGENTS.md",
        "docs/AI_POLICY.md",
        "doc/source/dev/contributing.rst",
    ]
    others = ["src/agents.md", "tests/CONTRIBUTING.md", "AGENTS.py"]
    found = [
        place.partition(":")[0]
        for _, place, _ in rules_in({path: f"No AI text in {path}." for path in (*places, *others)})
    ]
    assert sorted(found) == sorted(places)


def test_equal_sentences_are_listed_once():
    assert len(rules_in({"CONTRIBUTING.md": "No AI text in PRs.", "AGENTS.md": "No AI text in PRs."})) == 1
