from __future__ import annotations

import pytest

from tasks.errors import TemplateError
from tasks.storage.paths import shipped_templates
from tasks.text.templating import fill, used


@pytest.fixture
def shadows(tmp_path):
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
def test_a_placeholder_is_filled_however_it_is_spaced(shadows, spelled):
    assert fill("a.j2", {"SUMMARY_BULLETS": "- x"}, shadows("a.j2", spelled)) == "- x"


def test_a_value_is_never_read_as_a_template(shadows):
    folder = shadows("a.j2", "{{ X }}")
    assert (
        fill("a.j2", {"X": "{{ 7 * 7 }}{% include 'b.j2' %}{# c #}"}, folder)
        == "{{ 7 * 7 }}{% include 'b.j2' %}{# c #}"
    )


def test_a_users_template_comes_before_the_shipped_one(shadows):
    folder = shadows("summary.md.j2", "mine")
    assert fill("summary.md.j2", {}, folder) == "mine"
    assert fill("summary.md.j2", {"bullets": ["a"], "further_commits": 0, "by_person": False}) == "- a\n"


def test_an_unknown_placeholder_is_named_with_its_line_and_near_names(shadows):
    folder = shadows("a.j2", "one\ntwo {{ SUMARY_BULLETS }}\n")
    assert failure("a.j2", {"SUMMARY_BULLETS": "", "BASE_REF": ""}, folder) == (
        f"{folder}/a.j2:2: nothing fills the placeholder `SUMARY_BULLETS`\n  did you mean `SUMMARY_BULLETS`?"
    )


def test_a_placeholder_like_no_other_gets_the_list(shadows):
    folder = shadows("a.j2", "{{ nothing_like_it }}")
    assert failure("a.j2", {"RUNNER": "", "BASE_REF": ""}, folder) == (
        f"{folder}/a.j2:1: nothing fills the placeholder `nothing_like_it`\n  there are: BASE_REF, RUNNER"
    )


def test_an_unknown_placeholder_in_an_included_template_is_placed_there(shadows):
    shadows("inner.j2", "\n\n{{ RUNER }}")
    folder = shadows("a.j2", '{% include "inner.j2" %}')
    assert failure("a.j2", {"RUNNER": ""}, folder).startswith(
        f"{folder}/inner.j2:3: nothing fills the placeholder `RUNER`\n"
    )


def test_an_unknown_attribute_is_an_error_too(shadows):
    folder = shadows("a.j2", "{{ item.nothing }}")
    assert (
        failure("a.j2", {"item": {}}, folder)
        == f"{folder}/a.j2:1: nothing fills this placeholder: 'dict object' has no attribute 'nothing'"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n{% if x %}\n", "Unexpected end of template"),
        ("a\n{{ x | nothing }}", "No filter named 'nothing'"),
        ("a\n{{ x / 0 }}", "ZeroDivisionError"),
        ("a\n{% include 'a.j2' %}", "RecursionError"),
        ("a\n{{ X.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
    ],
)
def test_what_is_wrong_with_a_template_is_told_with_its_line(shadows, text, told):
    folder = shadows("a.j2", text)
    message = failure("a.j2", {"x": 1, "X": "s"}, folder)
    assert message.startswith(f"{folder}/a.j2:2: ")
    assert told in message


def test_a_missing_template_names_a_near_one(shadows):
    folder = shadows("a.j2", '{% include "sumary.md.j2" %}')
    assert failure("a.j2", {}, folder) == "a.j2: there is no template `sumary.md.j2`\n  did you mean `summary.md.j2`?"
    assert "looked in" in failure("zzzzzz", {}, folder)


def test_values_are_finished_before_they_are_printed_and_text_of_the_template_is_not(shadows):
    folder = shadows("a.j2", "plain {{ X }} {{ 'c' }}")
    assert fill("a.j2", {"X": "a"}, folder, finish=lambda value: f"<{value}>") == "plain <a> <c>"
    assert "nothing fills the placeholder `Z`" in failure("a.j2", {"X": 1}, shadows("a.j2", "{{ Z }}"), finish=str)


def test_used_follows_includes_and_shadows(shadows):
    shipped = shipped_templates()
    folder = shadows("headline.md.j2", '{% include "mine.md.j2" %}')
    shadows("mine.md.j2", "x")
    names = used("pr-body-cpu.md.j2", folder)
    assert {
        folder / "headline.md.j2",
        folder / "mine.md.j2",
        shipped / "pr-body.md.j2",
        shipped / "pr-body-cpu.md.j2",
    } <= set(names)
    assert shipped / "headline.md.j2" not in names
    assert used("benchmark_cpu.py.j2") == (shipped / "benchmark_cpu.py.j2",)


def test_an_include_by_a_computed_name_can_read_every_template(shadows):
    folder = shadows("a.j2", "{% include name ~ '.j2' %}")
    assert set(used("a.j2", folder)) >= {shipped_templates() / "changelog.md.j2", folder / "a.j2"}


def test_templates_that_include_each_other_end(shadows):
    shadows("b.j2", '{% include "a.j2" %}')
    folder = shadows("a.j2", '{% include "b.j2" %}')
    assert used("a.j2", folder) == (folder / "a.j2", folder / "b.j2")
