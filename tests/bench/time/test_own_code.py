"""What a change of a file's own code can affect, in its own file and in the others of both trees."""

from __future__ import annotations

import pytest

from tasks.artifacts import DefinitionPlace
from tasks.bench.request import ChangedDefinition
from tasks.bench.time.own_code import affected_by
from tests.support.pairs import pair

SIZES = "src/project/sizes.py"
OWN = DefinitionPlace(SIZES, "<module>", (1, 3))
CODE = "\nimport re\nOLDEST = SIZE\ndef user(): return SIZE\ndef plain(): return 1\n"


def affected(tmp_path, files, *, base=OWN):
    sides = {"base": f"SIZE = 1{CODE}", "head": f"import new\nSIZE = 2{CODE}"}
    trees = {side: {SIZES: code, "tests/test_other.py": "SIZE = 3\n", **files} for side, code in sides.items()}
    return affected_by(pair(tmp_path, **trees), ChangedDefinition("project.sizes:<module>", base=base, head=OWN))


def test_functions_of_the_file_are_those_of_each_side(tmp_path):
    found = affected(tmp_path, {"src/project/other.py": "import re, new\nSIZES = [user()]\n"})
    assert (found.base, found.head, found.names) == ({4}, {5}, {"SIZE", "OLDEST"})


@pytest.mark.parametrize(
    "files",
    [
        {"src/project/other.py": "from .sizes import SIZE\n"},
        {"src/project/other.py": "from . import sizes\ndef oldest(): return sizes.OLDEST\n"},
        {"tests/test_benchmark.py": "from project.sizes import SIZE\n\ndef test(benchmark): benchmark(range, SIZE)\n"},
        {"src/project/fast.pyx": "from project.sizes cimport SIZE\n"},
    ],
    ids=["import", "attribute", "benchmark", "cython"],
)
def test_what_another_file_uses_may_affect_anything(tmp_path, files):
    assert affected(tmp_path, files) is None


def test_a_new_file_affects_no_function_that_did_not_change(tmp_path):
    assert affected(tmp_path, {}, base=None) == (set(), set(), set())


def test_a_file_that_cannot_be_read_may_affect_anything(tmp_path):
    assert affected(tmp_path, {SIZES: "SIZE ="}) is None
