"""Write a benchmark's text in the style of a project: in a class, annotated, with marks, its input from a fixture."""

import ast
import re
import textwrap
from collections.abc import Iterable, Sequence
from functools import partial

from ...project.pytest_naming import DEFAULT, Naming
from ...project.syntax import Function, indented, names, parameter_names
from ..style import Style
from .recorded_code import SPACES

CASES = "recorded"
"""The parameter of a benchmark that is written with several cases."""
TYPICAL, LARGEST = "typical", "largest"
"""The functions that return them."""
FIXTURE = "BenchmarkFixture"
TYPES = {
    "benchmark": (FIXTURE, (f"from pytest_benchmark.fixture import {FIXTURE}",)),
    "tmp_path": ("Path", ("from pathlib import Path",)),
    "monkeypatch": ("pytest.MonkeyPatch", ("import pytest",)),
    "request": ("pytest.FixtureRequest", ("import pytest",)),
    CASES: ("Callable[[], list[Any]]", ("from collections.abc import Callable", "from typing import Any")),
}
ANY = "Any", ("from typing import Any",)
_FIXTURE = re.compile(r"^(@pytest\.fixture.*\ndef \w+)\(([^)\n]*)\):$", re.MULTILINE)
_INNER = re.compile(r"^(    (?:async )?def (?:run|call)\(\)):$", re.MULTILINE)
_CASE = re.compile(rf"^(def (?:{TYPICAL}|{LARGEST})\(\)):$", re.MULTILINE)
_NAME = re.compile(r"(?<=def )test_(\w+)(?=\()")
_SIGNATURE = re.compile(r"^((?:@.+\n)*)def (test_benchmark_\w+)\((benchmark[^)\n]*)\):$", re.MULTILINE)


def named(text: str, naming: Naming) -> str:
    """Rename the written tests, which may come from a template of the user's, so that pytest collects them."""
    return _NAME.sub(lambda match: naming.function(match[1]), text)


def styled(text: str, style: Style, naming: Naming = DEFAULT) -> str:
    """Write a benchmark's text in a style; anything but a plain test function stays as it is."""
    if _SIGNATURE.search(text) and style.fixtures:
        text = with_fixture(text)
    signature = _SIGNATURE.search(text)
    if signature is None:
        return text
    decorators, name, parameters = signature[1], signature[2], signature[3].split(", ")
    before, body = text[: signature.start()], text[signature.end() :]
    fixture = _FIXTURE.search(text)
    imports = ["from __future__ import annotations"] if style.future else []
    if style.marks or fixture:
        imports.append("import pytest")
    for_annotations: list[str] = []
    returns = ""
    if style.annotated:
        annotated = [*parameters, *(filter(None, fixture[2].split(", ")) if fixture else ())]
        for_annotations = [line for parameter in annotated for line in TYPES.get(parameter, ANY)[1]]
        parameters, returns = _annotated(parameters), " -> None"
        body = _INNER.sub(r"\1 -> object:", body)
        before = _FIXTURE.sub(_annotated_fixture, _CASE.sub(r"\1 -> list[Any]:", before))
    own = ["self"] if style.in_class else []
    marks = "".join(f"@{mark}\n" for mark in style.marks)
    function = f"{marks}{decorators}def {name}({', '.join([*own, *parameters])}){returns}:{body}"
    if style.in_class:
        words = "".join(word.title() for word in name.removeprefix("test_").split("_"))
        before += f"class {naming.class_(words)}:\n"
        function = indented(function) + "\n"
    if not style.future:
        imports, for_annotations = imports + for_annotations, []
    return _with_imports(before + function, imports, for_annotations)


def with_docstring_of(text: str, width: int) -> str:
    """Wrap the paragraphs of a benchmark's own docstring at another width."""
    first = ast.parse(text).body[0]
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return text
    lines = text.splitlines(keepends=True)
    own = "".join(lines[: first.end_lineno])
    fill = partial(textwrap.fill, width=width, break_long_words=False, break_on_hyphens=False)
    paragraphs = "\n\n".join(map(fill, own.rstrip("\n").removesuffix('"""').rstrip("\n").split("\n\n")))
    ending = '\n"""\n' if "\n" in paragraphs else '"""\n'
    return paragraphs + ending + "".join(lines[first.end_lineno :])


def _annotated(parameters: Iterable[str]) -> list[str]:
    return [name if ":" in name else f"{name}: {TYPES.get(name, ANY)[0]}" for name in parameters]


def _annotated_fixture(match: re.Match[str]) -> str:
    return f"{match[1]}({', '.join(_annotated(filter(None, match[2].split(', '))))}) -> Any:"


def _with_imports(text: str, lines: Sequence[str], for_annotations: Sequence[str]) -> str:
    """Add imports after the file's docstring, and those of annotations after all others, for type checkers only."""
    body = ast.parse(text).body
    end = body[0].end_lineno or 0 if isinstance(body[0], ast.Expr) else 0
    last = max([end, *(node.end_lineno or 0 for node in body if isinstance(node, ast.Import | ast.ImportFrom))])
    rows = text.splitlines()
    plain, guarded = ([line for line in dict.fromkeys(each) if line not in rows] for each in (lines, for_annotations))
    block = ["", "if TYPE_CHECKING:", *(f"    {line}" for line in guarded)] if guarded else []
    plain += ["from typing import TYPE_CHECKING"] if guarded else []
    return "\n".join([*rows[:end], *([""] if plain else []), *plain, *rows[end:last], *block, *rows[last:]]) + "\n"


def with_fixture(text: str) -> str:
    """Move the code that makes a benchmark's only input into a fixture of the input's name; else change nothing."""
    functions = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    test = next((node for node in functions if node.name.startswith("test_benchmark_")), None)
    if test is None:
        return text
    start = 0 if ast.get_docstring(test) is None else 1
    end = next((index for index, node in enumerate(test.body) if _measures(node)), start)
    setup, rest = test.body[start:end], test.body[end:]
    name = _only_input(setup, rest)
    parameters = parameter_names(test.args)
    if not name or "monkeypatch" in parameters:
        return text
    lines = text.splitlines()
    needed = [each for each in parameters if each != "benchmark" and each in names(setup)]
    body = lines[setup[0].lineno - 1 : setup[-1].end_lineno]
    last = setup[-1].lineno - setup[0].lineno
    body[last] = body[last].replace(f"{name} = ", "return ", 1)
    fixture = ["@pytest.fixture", f"def {name}({', '.join(needed)}):", *body]
    decorators = [f"@{ast.unparse(each)}" for each in test.decorator_list]
    top = min([test.lineno, *(each.lineno for each in test.decorator_list)]) - 1
    if needed == [CASES]:
        head = f"@pytest.fixture(params=[{TYPICAL}, {LARGEST}])"
        fixture, decorators = [head, f"def {name}(request):", f"{SPACES}return request.param()"], []
    remaining = [each for each in parameters if each not in needed or each in names(rest)]
    signature = [f"def {test.name}({', '.join([*remaining, name])}):", *lines[test.lineno : setup[0].lineno - 1]]
    tail = "\n".join(lines[setup[-1].end_lineno :]).lstrip("\n")
    return "\n".join([*lines[:top], *fixture, "", "", *decorators, *signature, tail]) + "\n"


def _only_input(setup: Sequence[ast.stmt], rest: Sequence[ast.stmt]) -> str:
    """Return the variable that the setup assigns last, if the rest uses no other of its variables; else ""."""
    last = setup[-1] if setup else None
    name = ast.unparse(last.targets[0]) if isinstance(last, ast.Assign) else ""
    return name if names(setup, ast.Store) & names(rest) == {name} else ""


def _measures(node: ast.stmt) -> bool:
    """Return whether a statement is the measured function, or the call of the fixture."""
    return isinstance(node, Function) or (isinstance(node, ast.Expr) and "benchmark" in names([node]))
