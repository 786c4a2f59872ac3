"""Write what a benchmark is called with as a fixture, in a project whose benchmarks get their inputs so."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PYTEST_OWN = frozenset({"benchmark", "self", "cls", "request", "tmp_path", "tmp_path_factory", "monkeypatch", "capsys", "caplog"})
"""Parameters of tests that say nothing of how a project makes its inputs."""
CASES = "recorded"
"""The parameter of a benchmark that was written with several cases."""
_SPACES = "    "


def takes_inputs(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a test gets an input from a fixture: a parameter that is neither pytest's nor one of `parametrize`."""
    given = {
        name.strip()
        for decorator in test.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("parametrize") and decorator.args
        for name in _argument_names(decorator.args[0])
    }
    return any(each.arg not in given | PYTEST_OWN for each in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs))


def _argument_names(node: ast.expr) -> Sequence[str]:
    names = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return [part for each in names if isinstance(each, ast.Constant) for part in str(each.value).split(",")]


def with_fixture(text: str) -> str:
    """Move what makes a written benchmark's one input into a fixture of the input's name; another text stays as it is."""
    module = ast.parse(text)
    test = next((node for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")), None)
    if test is None:
        return text
    start = 1 if ast.get_docstring(test) is not None else 0
    end = next((at for at, node in enumerate(test.body) if _measures(node)), start)
    setup, rest = test.body[start:end], test.body[end:]
    made = {name.id for node in setup for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    inputs = made & _loaded(rest)
    parameters = [each.arg for each in test.args.args]
    last = setup[-1] if setup else None
    if len(inputs) != 1 or not isinstance(last, ast.Assign) or ast.unparse(last.targets[0]) not in inputs or "monkeypatch" in parameters:
        return text
    name, lines = inputs.pop(), text.splitlines()
    needed = [each for each in parameters if each != "benchmark" and each in _loaded(setup)]
    value = lines[last.value.lineno - 1][last.value.col_offset :]
    body = [*lines[setup[0].lineno - 1 : last.lineno - 1], f"{_SPACES}return {value}", *lines[last.lineno : last.end_lineno]]
    fixture = ["@pytest.fixture", f"def {name}({', '.join(needed)}):", *body]
    if needed == [CASES]:
        cases = ast.unparse(test.decorator_list[0].args[1]) if isinstance(test.decorator_list[0], ast.Call) else "[]"
        fixture = [f"@pytest.fixture(params={cases})", f"def {name}(request):", f"{_SPACES}return request.param()"]
    kept = [each for each in parameters if each not in needed or each in _loaded(rest)]
    top = test.decorator_list[0].lineno - 1 if test.decorator_list else test.lineno - 1
    decorators = [] if needed == [CASES] else lines[top : test.lineno - 1]
    head = [*decorators, f"def {test.name}({', '.join([*kept, name])}):", *lines[test.lineno : setup[0].lineno - 1]]
    tail = lines[last.end_lineno or last.lineno :]
    while tail and not tail[0].strip():
        tail = tail[1:]
    return "\n".join([*lines[:top], *fixture, "", "", *head, *tail]) + "\n"


def _measures(node: ast.stmt) -> bool:
    """Tell the function that is measured, or the call of the fixture itself, from what comes before."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (isinstance(node, ast.Expr) and "benchmark" in _loaded([node]))


def _loaded(nodes: Sequence[ast.stmt]) -> set[str]:
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
