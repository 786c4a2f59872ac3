"""Divide a test of the project into the setup and the code that is measured."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...artifacts import WorkloadTest
from ...benchmark_tests.writing.assertions import STACK
from ...benchmark_tests.writing.needed_code import used_names
from ...benchmark_tests.writing.unused_code import without_unused
from ...benchmark_tests.writing.workload_body import OwnStatement, TestBody
from ...project.syntax import bound_names, names, outer_names, parse_or_empty

OWN_FOLDERS = {
    "tmp_path": [
        (f"tmp_path = pathlib.Path({STACK}.enter_context(tempfile.TemporaryDirectory()))", frozenset({"tmp_path"}))
    ],
    "tmpdir": [
        ('tmpdir = tmpdir_factory.mktemp("round")', frozenset({"tmpdir"})),
        (f"{STACK}.callback(tmpdir.remove)", frozenset[str]()),
    ],
}
"""pytest's fixtures that provide an empty folder: code that makes one, which the stack removes, and what it binds."""


def divided(test: str, body: TestBody, calls: Sequence[int]) -> Iterator[WorkloadTest]:
    """Yield a test divided into setup and measured code: from the first statement that calls the function on, or all.

    What is undone after the test is never measured. What only checks results, and what comes after the last call, is
    left out.
    """
    last = max(index for index, count in enumerate(calls) if count)
    counted = _without_unused(list(zip(body.statements[: last + 1], calls, strict=False)))
    kept = [each for each, _ in counted]
    first = next(index for index, (_, count) in enumerate(counted) if count)
    opened = max((index + 1 for index in range(first) if kept[index].opens), default=0)
    for start in dict.fromkeys((_start(kept, first), _start(kept, opened))):
        setup, measured = kept[:start], kept[start:]
        if any(each.fails or each.opens for each in measured):
            continue
        code, result = _with_result([each.code for each in measured])
        workload = WorkloadTest(
            test=test,
            imports=body.imports,
            definitions=body.definitions,
            setup=tuple(each.code for each in setup),
            body=code,
            result=result,
            fixtures=body.fixtures,
            marks=body.marks,
            is_closed=any(each.opens for each in setup),
            ignores_result=_ignores_value(measured[-1]),
        )
        yield without_unused(workload)


def _without_unused(counted: Sequence[tuple[OwnStatement, int]]) -> list[tuple[OwnStatement, int]]:
    """Leave out checks, and assigned values that only they used, unless one of their names is used.

    Statements that make values must call nothing, else the call alone is kept.
    """
    kept: list[tuple[OwnStatement, int]] = []
    used: set[str] = set()
    for statement, count in reversed(counted):
        (node, *_) = parse_or_empty(statement.code.encode()).body
        is_value = isinstance(node, ast.Assign) and all(isinstance(each, ast.Name) for each in node.targets)
        calls = any(isinstance(each, ast.Call) for each in ast.walk(node))
        is_needed = not statement.is_check and (not is_value or (calls and not statement.is_given))
        if count or is_needed or statement.binds & used:
            is_bare = is_value and kept and not statement.binds & used
            bare = replace(statement, code=_value_code(statement.code, node), binds=frozenset()) if is_bare else None
            kept.insert(0, (bare or statement, count))
            used |= names([node]) | outer_names([node])
    return kept


def _start(statements: Sequence[OwnStatement], first: int) -> int:
    """Return where measured code begins: the setup must not bind a name that is bound there again."""
    while True:
        bound = set[str]().union(*(each.binds for each in statements[first:]))
        bound |= outer_names(parse_or_empty(each.code.encode()) for each in statements[first:])
        earlier = [index for index in range(first) if statements[index].binds & bound]
        if not earlier:
            return first
        first = earlier[0]


def _ignores_value(last: OwnStatement) -> bool:
    """Return whether a test does not use the value of its last statement, which head may return as something else."""
    return not last.is_check and isinstance(parse_or_empty(last.code.encode()).body[0], ast.Expr)


def without_result(workload: WorkloadTest) -> WorkloadTest:
    return workload.model_copy(
        update={"body": (*workload.body, workload.result), "result": "", "ignores_result": False}
    )


def _with_result(code: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return the measured statements, and the expression that the last one evaluates or assigns."""
    *others, last = code
    (node,) = parse_or_empty(last.encode()).body
    if isinstance(node, ast.Expr):
        return tuple(others), last
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return tuple(others), _value_code(last, node)
    if isinstance(node, ast.Assign) and len(bound := bound_names([node])) == 1:
        return tuple(code), next(iter(bound))
    return tuple(code), ""


def _value_code(code: str, node: ast.stmt) -> str:
    """Return the code of what a statement assigns."""
    if not isinstance(node, ast.Assign):
        return code
    value = ast.get_source_segment(code, node.value) or ""
    # Without brackets around it, a value may not span lines.
    is_whole = len(parse_or_empty(value.encode()).body) == 1
    return value if is_whole else ast.unparse(node.value)


def with_own_folder(body: TestBody) -> TestBody:
    """Return a test whose temporary folder is a new one in every round, and is removed before the next."""
    folders = [name for name in body.fixtures if name in OWN_FOLDERS]
    is_taken = not any(each.opens for each in body.statements) and STACK in used_names(_code_of(body))
    if is_taken or not folders:
        return body
    made = (OwnStatement(code, binds=bound, opens=True) for name in folders for code, bound in OWN_FOLDERS[name])
    fixtures = dict.fromkeys(f"{name}_factory" if name == "tmpdir" else name for name in body.fixtures)
    imports = dict.fromkeys((*body.imports, *(["import pathlib", "import tempfile"] if "tmp_path" in folders else ())))
    return replace(
        body,
        imports=tuple(imports),
        statements=(*made, *body.statements),
        fixtures=tuple(name for name in fixtures if name != "tmp_path"),
    )


def _code_of(body: TestBody) -> str:
    return "\n".join((*body.definitions, *(each.code for each in body.statements)))
