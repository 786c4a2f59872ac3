"""See how a project writes its tests, benchmarks first: classes, annotations, marks, fixtures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..project.pytest_config import is_test_file, python_files

if TYPE_CHECKING:
    from ..project.files import Project

Function = ast.FunctionDef | ast.AsyncFunctionDef

MOST = 0.8
"""Share of a project's tests from which what they do is its style."""
ENOUGH = 5
"""Tests from which there is a style, where none of them is a benchmark."""
FILES = 60
PYTEST_OWN = frozenset(
    {"benchmark", "self", "cls", "request", "tmp_path", "tmp_path_factory", "monkeypatch", "capsys", "caplog"}
)
"""Parameters of tests that say nothing of how a project makes its inputs."""
MARKS = re.compile(r"^pytest\.mark\.\w*(bench|perf)\w*$")


@dataclass(frozen=True, slots=True)
class Style:
    """How tests are written: in classes, annotated, with `from __future__ import annotations`, with marks, with inputs by fixtures."""

    in_class: bool = False
    annotated: bool = False
    future: bool = False
    marks: tuple[str, ...] = ()
    fixtures: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    node: Function
    in_class: bool
    future: bool

    @property
    def is_benchmark(self) -> bool:
        return any(argument.arg == "benchmark" for argument in self.node.args.args)

    @property
    def marks(self) -> set[str]:
        return {text for decorator in self.node.decorator_list if MARKS.match(text := ast.unparse(decorator))}


def style_of(project: Project, root: str) -> Style:
    """Return the style of the benchmarks in the project's tree, else of its tests; `root` is the benchmarks root."""
    near = root.split("/", maxsplit=1)[0] + "/"
    tree, patterns = project.tree, python_files(project)
    paths = sorted(
        (path for path in tree.files() if is_test_file(path, patterns)),
        key=lambda path: (not path.startswith(near), path),
    )
    tests = [test for path in paths[:FILES] for test in _tests(tree.read(path) or b"")]
    benchmarks = [test for test in tests if test.is_benchmark]
    seen = benchmarks or (tests if len(tests) >= ENOUGH else [])
    return Style(
        in_class=_mostly(test.in_class for test in seen),
        annotated=_mostly(test.node.returns is not None for test in seen),
        future=_mostly(test.future for test in seen),
        marks=tuple(sorted(set.intersection(*(test.marks for test in benchmarks)))) if len(benchmarks) > 1 else (),
        fixtures=_mostly(takes_inputs(test.node) for test in benchmarks),
    )


def _tests(source: bytes) -> Iterator[_Seen]:
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in module.body)
    for node in module.body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, Function) and inner.name.startswith("test"):
                yield _Seen(inner, isinstance(node, ast.ClassDef), future)


def _mostly(answers: Iterable[bool]) -> bool:
    told = list(answers)
    return bool(told) and sum(told) >= MOST * len(told)


def takes_inputs(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a test gets an input from a fixture: a parameter that is neither pytest's nor one of `parametrize`."""
    given = {
        name.strip()
        for decorator in test.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("parametrize") and decorator.args
        for name in _argument_names(decorator.args[0])
    }
    return any(
        each.arg not in given | PYTEST_OWN for each in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)
    )


def _argument_names(node: ast.expr) -> Sequence[str]:
    names = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return [part for each in names if isinstance(each, ast.Constant) for part in str(each.value).split(",")]
