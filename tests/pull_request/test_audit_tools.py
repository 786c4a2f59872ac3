"""A branch's code compared with the project's formatter and linter: only what it makes worse counts."""

from __future__ import annotations

import pytest

from tasks.pull_request.audit_tools import not_run, of_code
from tests.support.projects import Files

RUFF = '[project]\nname = "pages"\n[tool.ruff.lint]\nselect = ["F"]\n[tool.ruff.format]\nquote-style = "double"\n'
GOOD = 'def f():\n    return "a"\n'
SHAPELESS = "def f():\n    return  'a'\n"


def findings(before: str | None, after: str, pyproject: str = RUFF) -> list[tuple[str, str]]:
    base = Files({"pyproject.toml": pyproject, **({"a.py": before} if before else {})})
    head = Files({"pyproject.toml": pyproject, "a.py": after})
    return [
        (finding.about, finding.text) for finding in of_code(base, head, ["a.py", "notes.md"], folder="", packages=())
    ]


def test_a_file_that_is_no_longer_formatted_is_reported():
    assert findings(GOOD, SHAPELESS) == [("format", "ruff would reformat a.py")]
    assert findings(None, SHAPELESS) == [("format", "ruff would reformat a.py")]


def test_a_file_that_was_never_in_it_is_not():
    assert findings(SHAPELESS, SHAPELESS + "\n\nx  = 1\n") == []


def test_ruff_replaces_black():
    assert findings(GOOD, SHAPELESS, "[tool.black]\nline-length = 88\n") == [
        ("format", "black (here: ruff with its settings) would reformat a.py")
    ]


def test_without_a_formatter_nothing_is_reported():
    assert findings(GOOD, SHAPELESS, '[project]\nname = "pages"\n') == []


def test_only_new_findings_of_the_linter_count():
    bad = GOOD.replace('"a"', "undefined")
    assert [about for about, _ in findings(GOOD, bad)] == ["lint"]
    assert "F821" in findings(GOOD, bad)[0][1]
    assert findings(bad, bad + "\n\nx = 1\n") == []


def test_a_broken_list_of_hooks_is_reported():
    (line,) = not_run(Files({".pre-commit-config.yaml": "repos: ["}), "", base="a" * 40)
    assert "all of them (.pre-commit-config.yaml is not valid YAML)" in line


@pytest.mark.parametrize("odd", ["- 1", "repos: 3", "repos: [1, {hooks: 2}]"])
def test_what_is_no_list_of_hooks_names_none(odd):
    assert not_run(Files({".pre-commit-config.yaml": odd}), "", base="a" * 40) == ()


def test_hooks_that_were_not_run_are_named_with_the_command_that_does():
    hooks = "repos:\n- repo: x\n  hooks: [{id: ruff}, {id: mypy}, {id: codespell}]\n"
    (line,) = not_run(Files({".pre-commit-config.yaml": hooks}), "", base="a" * 40)
    assert "were not run: mypy, codespell; run `pre-commit run --from-ref aaaaaaaaaaaa --to-ref BRANCH`" in line
    assert not_run(Files({}), "", base="a" * 40) == ()
