"""Find the statements that a change touched, and count those that a benchmark executes."""

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping

from ..syntax import Function, parse, statements_of, without_docstring

LineRange = tuple[int, int]
"""First and last line of a statement, or of a compound statement's head."""


def changed_statements(before: bytes, after: bytes, path: str, names: Iterable[str]) -> tuple[LineRange, ...]:
    """Return the statements of functions (by qualified name) of one file that differ from the file before.

    A function that only lost lines counts with all its statements: reaching it is reaching the change. Raise
    SourceError if the running Python cannot parse the file.
    """
    touched = _touched_lines(before, after)
    statements: set[LineRange] = set()
    for function in _functions(parse(after, path), frozenset(names)):
        ranges = set(_statements(function))
        statements |= {each for each in ranges if not touched.isdisjoint(_lines(each))} or ranges
    return tuple(sorted(statements))


def executed(statements: Mapping[str, tuple[LineRange, ...]], lines: Mapping[str, Iterable[int]]) -> tuple[int, int]:
    """Count the statements, and those with a line that was executed."""
    seen = {path: set(numbers) for path, numbers in lines.items()}
    reached = [
        not seen.get(path, set()).isdisjoint(_lines(each)) for path, ranges in statements.items() for each in ranges
    ]
    return len(reached), sum(reached)


def line_numbers(statements: Mapping[str, tuple[LineRange, ...]]) -> dict[str, tuple[int, ...]]:
    return {path: tuple(line for each in ranges for line in _lines(each)) for path, ranges in statements.items()}


def _lines(span: LineRange) -> range:
    return range(span[0], span[1] + 1)


def _touched_lines(before: bytes, after: bytes) -> set[int]:
    matcher = difflib.SequenceMatcher(a=before.splitlines(), b=after.splitlines(), autojunk=False)
    changed = (range(first + 1, last + 1) for kind, _, _, first, last in matcher.get_opcodes() if kind != "equal")
    return {line for lines in changed for line in lines}


def _functions(node: ast.AST, names: frozenset[str], scope: str = "") -> Iterator[Function]:
    for child in statements_of(node):
        if isinstance(child, Function) and scope + child.name in names:
            yield child
        inner = f"{scope}{child.name}." if isinstance(child, Function | ast.ClassDef) else scope
        yield from _functions(child, names, inner)


def _statements(function: Function) -> Iterator[LineRange]:
    """Yield what a function executes line by line, without its docstring and the definitions inside it."""
    pending = [*without_docstring(function)]
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.Global | ast.Nonlocal | Function | ast.ClassDef | ast.Pass):
            continue
        inner = list(statements_of(statement))
        pending += inner
        last = min((each.lineno for each in inner), default=(statement.end_lineno or statement.lineno) + 1) - 1
        if not isinstance(statement, ast.Try):
            yield statement.lineno, max(statement.lineno, last)
