"""Find the statements that a change touched, and how many of them a benchmark executes."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping

from .syntax import Function, parse

LineRange = tuple[int, int]
"""First and last line of a statement; of a compound one, of its head."""


def changed_statements(before: bytes, after: bytes, path: str, names: Iterable[str]) -> tuple[LineRange, ...]:
    """Return the statements of functions (by qualified name) of one file that differ from the file as it was before.

    Of a function that only lost lines, all statements: to reach it is to reach the change. Raise SourceError where the
    running Python cannot read the file.
    """
    touched = _touched(before, after)
    found: list[LineRange] = []
    for function in _functions(parse(after, path), frozenset(names)):
        statements = list(_statements(function))
        changed = [span for span in statements if touched & set(range(span[0], span[1] + 1))]
        found += changed or statements
    return tuple(sorted(set(found)))


def executed(statements: Mapping[str, tuple[LineRange, ...]], lines: Mapping[str, Iterable[int]]) -> tuple[int, int]:
    """Count statements and those of them of which a line was executed."""
    total = sum(len(spans) for spans in statements.values())
    seen = {path: set(numbers) for path, numbers in lines.items()}
    done = sum(
        bool(seen.get(path, set()) & set(range(first, last + 1)))
        for path, spans in statements.items()
        for first, last in spans
    )
    return total, done


def line_numbers(statements: Mapping[str, tuple[LineRange, ...]]) -> dict[str, tuple[int, ...]]:
    return {
        path: tuple(line for first, last in spans for line in range(first, last + 1))
        for path, spans in statements.items()
    }


def _touched(before: bytes, after: bytes) -> set[int]:
    """Return the lines of a file that are not as they were, 1-based."""
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    return {
        line
        for kind, _, _, first, last in matcher.get_opcodes()
        if kind != "equal"
        for line in range(first + 1, last + 1)
    }


def _functions(module: ast.Module, names: frozenset[str]) -> Iterator[Function]:
    waiting: list[tuple[ast.AST, str]] = [(module, "")]
    while waiting:
        node, scope = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, Function | ast.ClassDef):
                if isinstance(child, Function) and scope + child.name in names:
                    yield child
                inner = f"{scope}{child.name}."
            waiting.append((child, inner))


def _statements(function: Function) -> Iterator[LineRange]:
    """Yield what a function executes line by line: no docstring, and of what it defines inside only that it does so."""
    waiting: list[ast.stmt] = (
        function.body[1:] if ast.get_docstring(function, clean=False) is not None else list(function.body)
    )
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.Global | ast.Nonlocal | Function | ast.ClassDef | ast.Pass):
            continue
        inner = list(_inner(statement))
        waiting += inner
        last = min((each.lineno for each in inner), default=(statement.end_lineno or statement.lineno) + 1) - 1
        if not isinstance(statement, ast.Try):
            yield statement.lineno, max(statement.lineno, last)


def _inner(statement: ast.stmt) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body
