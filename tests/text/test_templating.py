from __future__ import annotations

import pytest

from tasks.errors import TemplateError
from tasks.storage.paths import shipped_templates
from tasks.text.templating import fill, used


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()

    def write(name: str, text: str):
        (folder / name).write_text(text, encoding="utf-8")
        return folder

    return write


def failure(*arguments, **named) -> str:
    with pytest.raises(TemplateError) as caught:
        fill(*arguments, **named)
    return str(caught.value)


@pytest.mark.parametrize("spelled", ["{{ SUMMARY_BULLETS }}", "{{SUMMARY_BULLETS}}", "{{-SUMMARY_BULLETS -}}"])
def test_spaces_in_placeholders_do_not_matter(own, spelled):
    assert fill("a.j2", {"SUMMARY_BULLETS": "- x"}, own("a.j2", spelled)) == "- x"


def test_a_value_is_never_read_as_a_template(own):
    folder = own("a.j2", "{{ X }}")
    assert (
        fill("a.j2", {"X": "{{ 7 * 7 }}{% include 'b.j2' %}{# c #}"}, folder)
        == "{{ 7 * 7 }}{% include 'b.j2' %}{# c #}"
    )


def test_a_users_template_replaces_the_shipped_one(own):
    folder = own("summary.md.j2", "mine")
    assert fill("summary.md.j2", {}, folder) == "mine"
    assert fill("summary.md.j2", {"bullets": ["a"], "further_commits": 0, "by_person": False}) == "- a\n"


def test_an_unknown_placeholder_is_reported_with_its_line_and_similar_names(own):
    folder = own("a.j2", "one\ntwo {{ SUMARY_BULLETS }}\n")
    assert failure("a.j2", {"SUMMARY_BULLETS": "", "BASE_REF": ""}, folder) == (
        f"{folder}/a.j2:2: the placeholder `SUMARY_BULLETS` has no value\n  did you mean `SUMMARY_BULLETS`?"
    )


def test_a_placeholder_without_similar_names_gets_the_list(own):
    folder = own("a.j2", "{{ nothing_like_it }}")
    assert failure("a.j2", {"RUNNER": "", "BASE_REF": ""}, folder) == (
        f"{folder}/a.j2:1: the placeholder `nothing_like_it` has no value\n  known placeholders: BASE_REF, RUNNER"
    )


def test_an_unknown_placeholder_in_an_included_template(own):
    own("inner.j2", "\n\n{{ RUNER }}")
    folder = own("a.j2", '{% include "inner.j2" %}')
    assert failure("a.j2", {"RUNNER": ""}, folder).startswith(
        f"{folder}/inner.j2:3: the placeholder `RUNER` has no value\n"
    )


def test_an_unknown_attribute(own):
    folder = own("a.j2", "{{ item.nothing }}")
    assert (
        failure("a.j2", {"item": {}}, folder)
        == f"{folder}/a.j2:1: a placeholder has no value: 'dict object' has no attribute 'nothing'"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n{% if x %}\n", "Unexpected end of template"),
        ("a\n{{ x | nothing }}", "No filter named 'nothing'"),
        ("a\n{{ x / 0 }}", "ZeroDivisionError"),
        ("a\n{% include 'a.j2' %}", "RecursionError"),
        ("a\n{{ X.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
    ],
)
def test_mistakes_in_a_template_are_reported_with_their_line(own, text, expected):
    folder = own("a.j2", text)
    message = failure("a.j2", {"x": 1, "X": "s"}, folder)
    assert message.startswith(f"{folder}/a.j2:2: ")
    assert expected in message


def test_a_missing_template_with_a_similar_name(own):
    folder = own("a.j2", '{% include "sumary.md.j2" %}')
    assert failure("a.j2", {}, folder) == "a.j2: there is no template `sumary.md.j2`\n  did you mean `summary.md.j2`?"
    assert "looked in" in failure("zzzzzz", {}, folder)


def test_values_are_finished_but_not_the_text_of_the_template(own):
    folder = own("a.j2", "plain {{ X }} {{ 'c' }}")
    assert fill("a.j2", {"X": "a"}, folder, finish=lambda value: f"<{value}>") == "plain <a> <c>"
    assert "the placeholder `Z` has no value" in failure("a.j2", {"X": 1}, own("a.j2", "{{ Z }}"), finish=str)


def test_used_follows_includes_and_prefers_own_templates(own):
    shipped = shipped_templates()
    folder = own("headline.md.j2", '{% include "mine.md.j2" %}')
    own("mine.md.j2", "x")
    names = used("pr-body-cpu.md.j2", folder)
    assert {
        folder / "headline.md.j2",
        folder / "mine.md.j2",
        shipped / "pr-body.md.j2",
        shipped / "pr-body-cpu.md.j2",
    } <= set(names)
    assert shipped / "headline.md.j2" not in names
    assert used("benchmark_cpu.py.j2") == (shipped / "benchmark_cpu.py.j2",)


def test_a_computed_include_can_read_every_template(own):
    folder = own("a.j2", "{% include name ~ '.j2' %}")
    assert set(used("a.j2", folder)) >= {shipped_templates() / "changelog.md.j2", folder / "a.j2"}


def test_templates_that_include_each_other(own):
    own("b.j2", '{% include "a.j2" %}')
    folder = own("a.j2", '{% include "b.j2" %}')
    assert used("a.j2", folder) == (folder / "a.j2", folder / "b.j2")
