"""Real ruff, with the settings that real projects have."""

from __future__ import annotations

import pytest

from tasks.project import formatting
from tasks.project.formatting import formatted
from tests.support.projects import project

TEXT = "import sys\nimport pages\nimport os\n\nVALUES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']\nprint(os, sys, pages)\n"
PATH = "tests/benchmarks/test_benchmark_x.py"


def written(tmp_path, files):
    return formatted(TEXT, PATH, project(tmp_path, files), first_party=("pages",))


def test_default_is_ruffs_format_with_sorted_imports(tmp_path):
    text, violations = written(tmp_path, {"pyproject.toml": ""})
    assert text.startswith('import os\nimport sys\n\nimport pages\n\nVALUES = [\n    "one",\n')
    assert violations == ()


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "[tool.ruff]\nline-length = 120\n"},
        {"ruff.toml": "line-length = 120\n"},
        {"pyproject.toml": "[tool.black]\nline-length = 120\n"},
        {"setup.cfg": "[isort]\nline_length = 120\n"},
    ],
    ids=["ruff in pyproject", "ruff.toml", "black", "isort"],
)
def test_the_projects_line_length_is_kept(tmp_path, files):
    assert '\nVALUES = ["one", "two", "three"' in written(tmp_path, files)[0]


def test_skip_string_normalization_of_black_is_honored(tmp_path):
    text, _ = written(tmp_path, {"pyproject.toml": "[tool.black]\nskip-string-normalization = true\n"})
    assert "'one'," in text


def test_remaining_violations_are_returned(tmp_path):
    text, violations = written(tmp_path, {"pyproject.toml": '[tool.ruff]\nlint.select = ["I", "T20"]\n'})
    assert text.startswith("import os\nimport sys\n\nimport pages\n")
    assert len(violations) == 1
    assert violations[0].startswith("line ")
    assert "T201" in violations[0]


def test_per_file_settings_apply(tmp_path):
    files = {"pyproject.toml": '[tool.ruff]\nlint.select = ["T20"]\nlint.per-file-ignores = {"tests/**" = ["T20"]}\n'}
    assert written(tmp_path, files)[1] == ()


@pytest.mark.parametrize("broken", ["[tool.ruff]\nline-length = 'x'\n", "[tool.ruff]\nno-such-option = 1\n"])
def test_text_stays_if_ruff_cannot_read_the_settings(tmp_path, broken):
    assert written(tmp_path, {"pyproject.toml": broken}) == (TEXT, ())


def test_text_stays_without_ruff(tmp_path, monkeypatch):
    monkeypatch.setattr(formatting, "ruff_program", lambda: str(tmp_path / "no-ruff"))
    assert written(tmp_path, {"pyproject.toml": ""}) == (TEXT, ())
