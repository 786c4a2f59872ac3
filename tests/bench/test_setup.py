"""What a failed benchmark is explained by, in real trees and environments."""

from __future__ import annotations

import pytest

from tests.support.mistakes import BENCHMARK, CODE, HEAVY, LIGHT, PYPROJECT, compare, item
from tests.support.targets import TargetRepo

MODULES = '[submodule "core"]\n\tpath = textkit/vendored\n\turl = ../core\n'


@pytest.mark.slow(0.1)
def test_modules_of_the_repository_are_never_to_be_installed_from_an_index(tmp_path):
    imports = "from {} import total\n\n\ndef test_total(benchmark):\n    benchmark(total)\n"
    files = {
        "pyproject.toml": PYPROJECT,
        ".gitmodules": MODULES,
        CODE: HEAVY,
        "libs/app/app/__init__.py": "total = 1\n",
        BENCHMARK: imports.format("textkit.vendored.core"),
        "tests/benchmarks/test_app.py": imports.format("app"),
        "tests/benchmarks/test_own.py": imports.format("textkit.gone"),
    }
    repo = TargetRepo(tmp_path / "repo", files)
    repo.branch("faster")
    repo.commit({CODE: LIGHT})
    benchmarks = {"app": "tests/benchmarks/test_app.py", "own": "tests/benchmarks/test_own.py"}
    items = [item(), *(item(id=name, benchmark=path) for name, path in benchmarks.items())]
    run = compare(repo, *items, stages=("lint",))
    for cause in (
        "`textkit.vendored` is in the submodule textkit/vendored, which is empty in the measured trees",
        "`app` is libs/app/app/__init__.py of the repository, whose folder is not on the import path",
        "`textkit.gone` is a module of the project that this side does not have",
    ):
        assert cause in run.output
    assert "install: [" not in run.output
