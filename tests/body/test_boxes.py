from __future__ import annotations

import pytest

from tasks.body.boxes import Proofs, tick_proved

ALL = Proofs(tests_pass=True, benchmark_added=True, results_shown=True, improved=True, changelog_changed=True)
NAME = ".github/PULL_REQUEST_TEMPLATE.md"


def ticked(statement: str, proofs: Proofs = ALL, heading: str = "Checklist") -> bool:
    text, todos = tick_proved(f"## {heading}\n\n- [ ] {statement}\n", proofs, name=NAME)
    assert ("[x]" in text) is (not todos)
    return "[x]" in text


@pytest.mark.parametrize(
    ("statement", "proof"),
    [
        ("Tests pass", "tests_pass"),
        ("All existing tests are passing.", "tests_pass"),
        ("New and existing unit tests pass locally with my changes", "tests_pass"),
        ("A benchmark was added", "benchmark_added"),
        ("Added benchmarks", "benchmark_added"),
        ("Benchmark results are included below", "results_shown"),
        ("**Changelog** entry added", "changelog_changed"),
    ],
)
def test_a_statement_is_ticked_only_by_its_proof(statement, proof):
    assert ticked(statement)
    assert ticked(statement, Proofs(**{proof: True}))
    assert not ticked(statement, Proofs(**{name: name != proof for name in Proofs.__slots__}))


@pytest.mark.parametrize(
    "statement",
    [
        "I have run the tests and they pass",
        "I've added benchmarks",
        "I have read the contributing guide",
        "I agree to the code of conduct",
        "I am a person and wrote this",
        "This was made with AI",
        "No AI tools were used",
        "CLA signed",
        "A human reviewed every line",
        "Code has been reviewed",
        "Tests added and passing",
        "Tests pass and documentation is updated",
        "Test coverage is 100%",
        "GitHub Actions have all passed",
        "Documentation updated",
        "closes #xxxx",
        "Benchmark results are better than anything",
        "Performance improvement",
    ],
)
def test_attestations_and_unproved_statements_are_never_ticked(statement):
    assert not ticked(statement)


def test_the_verdict_ticks_the_kind_of_change_and_its_alternatives_are_no_todos():
    template = "## Type of change\n\n- [ ] Bug fix\n- [ ] Performance improvement\n- [ ] New feature\n"
    assert tick_proved(template, ALL, name=NAME) == (template.replace("- [ ] Perf", "- [x] Perf").strip("\n"), ())
    text, todos = tick_proved(template, Proofs(tests_pass=True), name=NAME)
    assert (text, len(todos)) == (template.strip("\n"), 3)


def test_only_real_boxes_are_ticked():
    template = "<!--\n- [ ] Tests pass\n-->\n\n```\n- [ ] Tests pass\n```\n\n- [x] Tests pass\n\nText [ ] Tests pass\n\n1. [ ] Tests pass\n   * [ ] Tests pass"
    text, todos = tick_proved(template, ALL, name=NAME)
    assert text == template.replace("1. [ ]", "1. [x]").replace("* [ ]", "* [x]")
    assert len(todos) == 1
    assert "Text [ ] Tests pass" in todos[0]


def test_everything_else_is_a_todo_with_its_place():
    template = (
        "## Issue\n\n## AI disclosure\n\n<!-- which tools? -->\n\n## Screenshots\n\n## Summary\n\n[Describe this, please.]\n\n"
        "## Checklist\n\n- [ ] I have read the [guide](x)\n  - [ ] and *understood* it\n"
    )
    assert tick_proved(template, ALL, name=NAME)[1] == (
        f"name the issue, or say that there is none, under “Issue” ({NAME})",
        f"answer “AI disclosure” ({NAME})",
        f"fill in “Screenshots” if it applies ({NAME})",
        f"the template's own text is still there; delete it if it is only a prompt: “[Describe this, please.]” ({NAME})",
        f"tick if true: “I have read the guide” ({NAME})",
        f"tick if true: “and understood it” ({NAME})",
    )
