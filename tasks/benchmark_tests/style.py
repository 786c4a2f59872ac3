"""Learn how a project writes its tests, benchmarks first: classes, annotations, marks, fixtures."""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..project.files import TreeReader
from ..project.pytest_naming import naming_for
from ..project.syntax import last_name, postpones_annotations, string_value
from .reading import PytestFile, PytestFunction

COMMON = 0.8
"""The share of tests that must do something for it to be the project's style."""
ENOUGH = 5
"""The least number of tests that show a style, in a project without benchmarks."""
MOST_FILES = 60
PYTEST_FIXTURES = frozenset(
    {"benchmark", "self", "cls", "request", "tmp_path", "tmp_path_factory", "monkeypatch", "capsys", "caplog"}
)
"""Parameters that are no inputs of the project's own."""
BENCHMARK_MARKS = re.compile(r"^pytest\.mark\.\w*(bench|perf)\w*$")


@dataclass(frozen=True, slots=True)
class Style:
    """How tests are written; `future` means `from __future__ import annotations`, `fixtures` for inputs by fixtures."""

    in_class: bool = False
    annotated: bool = False
    future: bool = False
    marks: tuple[str, ...] = ()
    fixtures: bool = False


def style_of(tree: TreeReader, root: str) -> Style:
    """Return the style of the benchmarks in a tree, else of its tests; `root` is the benchmarks root."""
    near = root.split("/", maxsplit=1)[0] + "/"
    naming = naming_for(tree, posixpath.join(root, "x.py"))
    paths = filter(naming.is_file, tree.files())
    ordered = sorted(paths, key=lambda path: (not path.startswith(near), path))
    files = [PytestFile.of(tree.read(path) or b"", naming) for path in ordered[:MOST_FILES]]
    tests = [(file, test) for file in files for test in file.tests]
    benchmarks = [(file, test) for file, test in tests if test.is_benchmark]
    seen = benchmarks or (tests if len(tests) >= ENOUGH else [])
    return Style(
        in_class=_mostly(test.owner is not None for _, test in seen),
        annotated=_mostly(test.node.returns is not None for _, test in seen),
        future=_mostly(postpones_annotations(file.module) for file, _ in seen),
        marks=_common_marks([test for _, test in benchmarks]),
        fixtures=_mostly(takes_inputs(test) for _, test in benchmarks),
    )


def takes_inputs(test: PytestFunction) -> bool:
    """Return whether a test gets an input from a fixture of the project."""
    parametrized = {name for mark in test.node.decorator_list for name in _parametrized(mark)}
    return not parametrized.union(PYTEST_FIXTURES).issuperset(test.parameters)


def _common_marks(benchmarks: list[PytestFunction]) -> tuple[str, ...]:
    marks = [set(filter(BENCHMARK_MARKS.match, map(ast.unparse, test.marks))) for test in benchmarks]
    return tuple(sorted(set.intersection(*marks))) if len(marks) > 1 else ()


def _mostly(answers: Iterable[bool]) -> bool:
    answers = list(answers)
    return bool(answers) and sum(answers) >= COMMON * len(answers)


def _parametrized(mark: ast.expr) -> Iterator[str]:
    if isinstance(mark, ast.Call) and last_name(mark) == "parametrize" and mark.args:
        first = mark.args[0]
        for node in first.elts if isinstance(first, ast.Tuple | ast.List) else [first]:
            yield from (name.strip() for name in string_value(node).split(","))
