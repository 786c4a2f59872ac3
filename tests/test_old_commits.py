"""Commits of years ago, of a project that lists its requirements without a lock file, and that today does not build."""

from __future__ import annotations

import pytest

from tests.support.mistakes import BENCHMARK, CODE, MEASURES, compare, is_improved, item
from tests.support.projects import POETRY
from tests.support.targets import TargetRepo

CALLS = """
import httpx

assert httpx.AsyncClient(app=print)  # later versions do not know this keyword


def total(size=1000):
    return sum({numbers})
"""
PYPROJECT = f"""
{POETRY}
[tool.poetry]
name = "textkit"
version = "1"
authors = []
description = '''Sums
of numbers'''
[tool.poetry.dependencies]
python = ">=3.9"
httpx = "*"
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "pytest.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore::requests.RequestsDependencyWarning\n",
    "requirements.txt": "-e .\n\n# Documentation\nmkdocs\n\n# Tests\nrequests\n",
    CODE: CALLS.format(numbers="[list(range(size)) for _ in range(20)][0]"),
    BENCHMARK: MEASURES,
}


@pytest.mark.slow
def test_old_commits_are_measured_with_the_packages_of_their_time(tmp_path):
    repo = TargetRepo(tmp_path / "repo")
    repo._clock = 1_700_000_000
    repo.commit(FILES)
    repo.branch("faster")
    repo.commit({CODE: CALLS.format(numbers="range(size)")})
    run = compare(repo, item())
    comparison = run.comparison()
    assert is_improved(comparison)
    assert comparison.repairs == ()
    for side in (comparison.base, comparison.head):
        assert {"httpx==0.25.1", "requests==2.31.0", "pytest==7.4.3"} <= set(side.packages)
    note = "Only packages that were uploaded until 2023-11-14 (the date of the commits) are used."
    assert note in comparison.notes
    assert note in run.body()
    assert "# this Python needs the project's dependencies as of 2023-11-14" in run.body()
