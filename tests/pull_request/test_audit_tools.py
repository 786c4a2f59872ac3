"""A branch's code held against the project's formatter and linter: only what it makes worse counts."""

from __future__ import annotations

import pytest

from tasks.pull_request.audit_tools import not_run, of_code
from tests.support.projects import Files

RUFF = '[project]\nname = "pages"\n[tool.ruff.lint]\nselect = ["F"]\n[tool.ruff.format]\nquote-style = "double"\n'
GOOD = 'def f():\n    return "a"\n'
SHAPELESS = "def f():\n    return  'a'\n"


def found(before: str | None, after: str, pyproject: str = RUFF) -> list[tuple[str, str]]:
    base = Files({"pyproject.toml": pyproject, **({"a.py": before} if before else {})})
    head = Files({"pyproject.toml": pyproject, "a.py": after})
    return [
        (finding.about, finding.text) for finding in of_code(base, head, ["a.py", "notes.md"], folder="", packages=())
    ]


def test_a_file_that_leaves_the_formatters_form_is_told():
    assert found(GOOD, SHAPELESS) == [("format", "ruff would reformat a.py")]
    assert found(None, SHAPELESS) == [("format", "ruff would reformat a.py")]


def test_a_file_that_was_never_in_it_is_not():
    assert found(SHAPELESS, SHAPELESS + "\n\nx  = 1\n") == []


def test_black_is_stood_for_where_the_project_uses_it():
    assert found(GOOD, SHAPELESS, "[tool.black]\nline-length = 88\n") == [
        ("format", "black (here: ruff with its settings) would reformat a.py")
    ]


def test_a_project_without_a_formatter_is_held_to_none():
    assert found(GOOD, SHAPELESS, '[project]\nname = "pages"\n') == []


def test_what_the_linter_finds_counts_only_where_it_is_new():
    bad = GOOD.replace('"a"', "undefined")
    assert [about for about, _ in found(GOOD, bad)] == ["lint"]
    assert "F821" in found(GOOD, bad)[0][1]
    assert found(bad, bad + "\n\nx = 1\n") == []


def test_a_broken_list_of_hooks_is_told():
    (told,) = not_run(Files({".pre-commit-config.yaml": "repos: ["}), "", base="a" * 40)
    assert "all of them (.pre-commit-config.yaml is not valid YAML)" in told


@pytest.mark.parametrize("odd", ["- 1", "repos: 3", "repos: [1, {hooks: 2}]"])
def test_what_is_no_list_of_hooks_names_none(odd):
    assert not_run(Files({".pre-commit-config.yaml": odd}), "", base="a" * 40) == ()


def test_hooks_that_were_not_run_are_named_with_the_command_that_does():
    hooks = "repos:\n- repo: x\n  hooks: [{id: ruff}, {id: mypy}, {id: codespell}]\n"
    (told,) = not_run(Files({".pre-commit-config.yaml": hooks}), "", base="a" * 40)
    assert "were not run: mypy, codespell; run `pre-commit run --from-ref aaaaaaaaaaaa --to-ref BRANCH`" in told
    assert not_run(Files({}), "", base="a" * 40) == ()
