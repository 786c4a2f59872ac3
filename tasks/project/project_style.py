"""See how a project writes its tests, benchmarks first, and write a benchmark so: classes, annotations, marks, fixtures."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .fixture_style import takes_inputs, with_fixture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .project_files import TreeReader

Function = ast.FunctionDef | ast.AsyncFunctionDef

MOST = 0.8
"""Share of a project's tests from which what they do is its style."""
ENOUGH = 5
"""Tests from which there is a style, where none of them is a benchmark."""
FILES = 60
MARKS = re.compile(r"^pytest\.mark\.\w*(bench|perf)\w*$")
FIXTURE = "BenchmarkFixture"
TYPES = {
    "benchmark": (FIXTURE, (f"from pytest_benchmark.fixture import {FIXTURE}",)),
    "tmp_path": ("Path", ("from pathlib import Path",)),
    "monkeypatch": ("pytest.MonkeyPatch", ("import pytest",)),
    "request": ("pytest.FixtureRequest", ("import pytest",)),
    "recorded": ("Callable[[], list[Any]]", ("from collections.abc import Callable", "from typing import Any")),
}
ANY = "Any", ("from typing import Any",)
_FIXTURE = re.compile(r"^(@pytest\.fixture.*\ndef \w+)\(([^)\n]*)\):$", re.MULTILINE)
_INNER = re.compile(r"^(    (?:async )?def (?:run|call)\(\)):$", re.MULTILINE)
_CASE = re.compile(r"^(def (?:typical|largest)\(\)):$", re.MULTILINE)
_SIGNATURE = re.compile(r"^((?:@.+\n)*)def (test_benchmark_\w+)\((benchmark[^)\n]*)\):$", re.MULTILINE)


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


def style_of(tree: TreeReader, root: str) -> Style:
    """Look at the project's benchmarks, where it has some, else at its tests; `root` is its folder of benchmarks."""
    near = root.split("/", maxsplit=1)[0] + "/"
    paths = sorted((path for path in tree.files() if _is_test(path)), key=lambda path: (not path.startswith(near), path))
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


def styled(text: str, style: Style) -> str:
    """Write a benchmark's text in a style; one that is no plain test function stays as it is."""
    if _SIGNATURE.search(text) and style.fixtures:
        text = with_fixture(text)
    signature = _SIGNATURE.search(text)
    if signature is None:
        return text
    decorators, name, parameters = signature[1], signature[2], signature[3].split(", ")
    fixture = _FIXTURE.search(text)
    imports = ["from __future__ import annotations"] if style.future else []
    if style.marks or fixture:
        imports.append("import pytest")
    annotated = [*parameters, *(filter(None, fixture[2].split(", ")) if fixture else ())] if style.annotated else []
    for_annotations = [line for parameter in annotated for line in TYPES.get(parameter, ANY)[1]]
    if style.annotated:
        parameters = [f"{parameter}: {TYPES.get(parameter, ANY)[0]}" for parameter in parameters]
    words = ["self", *parameters] if style.in_class else parameters
    line = f"def {name}({', '.join(words)}){' -> None' if style.annotated else ''}:"
    function = "".join(f"@{mark}\n" for mark in style.marks) + decorators + line + text[signature.end() :]
    before = text[: signature.start()]
    if style.annotated:
        function = _INNER.sub(r"\1 -> object:", function)
        before = _FIXTURE.sub(_annotated_fixture, _CASE.sub(r"\1 -> list[Any]:", before))
    if style.in_class:
        before += f"class Test{''.join(word.title() for word in name.removeprefix('test_').split('_'))}:\n"
        function = _indented(function)
    if not style.future:
        imports, for_annotations = imports + for_annotations, []
    return _with_imports(before + function, imports, for_annotations)


def _annotated_fixture(found: re.Match[str]) -> str:
    parameters = [f"{name}: {TYPES.get(name, ANY)[0]}" for name in filter(None, found[2].split(", "))]
    return f"{found[1]}({', '.join(parameters)}) -> Any:"


def _with_imports(text: str, lines: Sequence[str], for_annotations: Sequence[str]) -> str:
    """Put imports after the file's docstring, and those that annotations alone need after all others, for type checkers only.

    Those that are there already are left out.
    """
    body = ast.parse(text).body
    end = body[0].end_lineno or 0 if isinstance(body[0], ast.Expr) else 0
    last = max([end, *(node.end_lineno or 0 for node in body if isinstance(node, ast.Import | ast.ImportFrom))])
    there = set(text.splitlines())
    plain, guarded = ([line for line in dict.fromkeys(each) if line not in there] for each in (lines, for_annotations))
    block = ["", "if TYPE_CHECKING:", *(f"    {line}" for line in guarded)] if guarded else []
    plain += ["from typing import TYPE_CHECKING"] if guarded else []
    told = text.splitlines()
    return "\n".join([*told[:end], *([""] if plain else []), *plain, *told[end:last], *block, *told[last:]]) + "\n"


def _indented(code: str) -> str:
    """Indent a definition by one level, all but the inside of strings that span lines."""
    inside = {
        number
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno
        for number in range(node.lineno + 1, (node.end_lineno or 0) + 1)
    }
    lines = enumerate(code.splitlines(), 1)
    return "\n".join(line if number in inside or not line.strip() else f"    {line}" for number, line in lines) + "\n"


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


def _is_test(path: str) -> bool:
    name = posixpath.basename(path)
    return name.endswith(".py") and (name.startswith(("test_", "bench")) or name.endswith("_test.py"))
