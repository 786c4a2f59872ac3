"""Find the statements that a change touched, and count those that a benchmark executes."""

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from ..syntax import Function, Scope, parse, statements_of, without_docstring
from .definition_names import function_of
from .definitions import definitions

LineRange = tuple[int, int]
"""First and last line of a statement, or of a compound statement's header."""


class DefinitionText(NamedTuple):
    """A definition: the file that it is in, and its lines there."""

    source: bytes
    path: str
    lines: LineRange


class _Step(NamedTuple):
    """A statement of a function: the blocks around it, and its code without the blocks in it."""

    blocks: tuple[str, ...]
    code: str
    lines: LineRange

    @property
    def key(self) -> tuple[tuple[str, ...], str]:
        return self.blocks, self.code


def changed_statements(own: DefinitionText, other: DefinitionText | None) -> tuple[LineRange, ...]:
    """Return the statements of a function of one side that the function of the `other` side does not have.

    Comments, layout, and the function's file and lines do not matter. If the functions differ in another way, such as
    a decorator or a statement that was removed, all statements count: reaching the function is reaching the change. If
    there is no other side, those of inner functions count too. Raise SourceError if the running Python cannot parse the
    file.
    """
    node = _node(own)
    if node is None:
        return ()
    if other is None:
        inner = (each for each in ast.walk(node) if isinstance(each, Function))
        scopes = [node, *(each for each in inner if each is not node)]
        return tuple(sorted(step.lines for scope in scopes for step in _steps_of(scope)))
    steps, counterpart = _steps_of(node), _node(other)
    before = [step.key for step in _steps_of(counterpart)] if counterpart else []
    matcher = SequenceMatcher(None, before, [step.key for step in steps], autojunk=False)
    parts = (steps[first:last] for kind, _, _, first, last in matcher.get_opcodes() if kind != "equal")
    touched = [step.lines for part in parts for step in part]
    if not touched and _code(own) != _code(other):
        touched = [step.lines for step in steps]
    return tuple(sorted(touched))


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


def _node(text: DefinitionText) -> Scope | None:
    """Return the function or class at these lines; for a lambda that is assigned to a name, a function like it."""
    return _scopes(text.source, text.path).get(text.lines)


@lru_cache(maxsize=4)  # all changed definitions of a file are looked up one after the other
def _scopes(source: bytes, path: str) -> dict[LineRange, Scope]:
    """Return the functions and classes of a file by their lines, the outermost if several have the same."""
    scopes: dict[LineRange, Scope] = {}
    for node in ast.walk(parse(source, path)):
        scope = node if isinstance(node, Scope) else function_of(node) if isinstance(node, ast.stmt) else None
        if scope:
            first = min([scope.lineno, *(each.lineno for each in scope.decorator_list)])
            scopes.setdefault((first, scope.end_lineno or scope.lineno), scope)
    return scopes


def _code(text: DefinitionText) -> str:
    """Return the normalized code of a definition."""
    defined = definitions(text.source, text.path)
    return next((each.code for each in defined[:-1] if each.lines == text.lines), "")


def _steps_of(scope: Scope) -> list[_Step]:
    """Return what a function executes line by line, without its docstring and the definitions inside it."""
    if isinstance(scope, ast.ClassDef):
        return []
    return [step for statement in without_docstring(scope) for step in _steps(statement, ())]


def _steps(statement: ast.stmt, blocks: tuple[str, ...]) -> Iterator[_Step]:
    if isinstance(statement, ast.Global | ast.Nonlocal | Scope | ast.Pass):
        return
    if not isinstance(statement, ast.Try | ast.TryStar):
        inner = min((each.lineno for each in statements_of(statement)), default=0)
        last = inner - 1 if inner else statement.end_lineno or statement.lineno
        yield _Step(blocks, _header(statement), (statement.lineno, max(statement.lineno, last)))
    for name, block in _blocks(statement):
        for each in block:
            yield from _steps(each, (*blocks, name))


def _blocks(statement: ast.stmt) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Yield the blocks of a compound statement, each with a name that says when it is executed."""
    for field in ("body", "orelse", "finalbody"):
        if block := getattr(statement, field, None):
            yield f"{type(statement).__name__} {field}", block
    for handler in getattr(statement, "handlers", ()):
        yield f"except {ast.unparse(handler.type) if handler.type else ''}", handler.body
    for case in getattr(statement, "cases", ()):
        guard = f" if {ast.unparse(case.guard)}" if case.guard else ""
        yield f"case {ast.unparse(case.pattern)}{guard}", case.body


def _header(statement: ast.stmt) -> str:
    header = copy.copy(statement)
    for field, value in (("body", [ast.Pass()]), ("orelse", []), ("cases", [])):
        if hasattr(header, field):
            setattr(header, field, value)
    return ast.unparse(header)
