"""Leave out of the code of a test what nothing uses once its assertions are gone."""

import ast
from collections.abc import Collection, Iterable, Iterator

from ...artifacts import WorkloadTest
from ...project.syntax import Function, Scope, bound_names, names, outer_names, parse_or_empty, string_value
from .assertions import STACK
from .needed_code import annotated_names, receiver_of
from .workload_body import BY_PYTEST

FUTURE = "from __future__ import "


def without_unused(workload: WorkloadTest) -> WorkloadTest:
    """Leave out variables, definitions, imports and pytest's own fixtures that a workload does not use."""
    read = _names_in((*workload.setup, *workload.body, workload.result))
    setup, body = ([_without_variables(code, read) for code in part] for part in (workload.setup, workload.body))
    used = _names_in((*setup, *body, workload.result))
    definitions = tuple(_needed(workload.definitions, {*used, *workload.fixtures}))
    used |= _names_in((*definitions, *workload.marks))
    return workload.model_copy(
        update={
            "setup": tuple(setup),
            "body": tuple(body),
            "definitions": definitions,
            "imports": tuple(each for each in workload.imports if each.startswith(FUTURE) or _bound_by(each) & used),
            "fixtures": tuple(each for each in workload.fixtures if each in used or each not in BY_PYTEST),
        }
    )


def without_idle_setup(workload: WorkloadTest) -> WorkloadTest:
    """Leave out what uses no variable of the measured code in the setup, and what only that uses.

    It may still matter, if it sets an environment variable for example: the caller has to try the result.
    """
    made = bound_names([parse_or_empty("\n".join(workload.setup).encode())])
    functions = [each for each in workload.setup if isinstance(_first(each), Function)]
    used = _names_in((*workload.body, workload.result))
    kept: list[str] = []
    for code in reversed(workload.setup):
        node = _first(code)
        called = _needed(functions, _names_in([code]))
        is_idle = _only_binds(node) or not _names_in((code, *called)) & used & made
        if bound_names([node]) & used or not is_idle:
            kept.insert(0, code)
            used |= _names_in([code])
    is_closed = workload.is_closed and STACK in _names_in(kept)
    return without_unused(workload.model_copy(update={"setup": tuple(kept), "is_closed": is_closed}))


def _first(code: str) -> ast.stmt:
    return parse_or_empty(code.encode()).body[0]


def _only_binds(node: ast.stmt) -> bool:
    """Return whether a statement defines a function, or assigns to variables alone."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return isinstance(node, Function) or bool(targets and all(isinstance(each, ast.Name) for each in targets))


def _needed(definitions: Iterable[str], used: Collection[str]) -> Iterator[str]:
    """Yield the definitions of used names, with what these use in turn."""
    known, pending = set(used), dict.fromkeys(definitions)
    needed: set[str] = set()
    while more := {each for each in pending.keys() - needed if _bound_by(each) & known}:
        needed |= more
        known |= _names_in(more)
    yield from (each for each in pending if each in needed)


def _bound_by(code: str) -> set[str]:
    """Return the names that a definition or an import binds; an expression belongs to the object that it changes."""
    node = _first(code)
    return {receiver_of(node.value)} if isinstance(node, ast.Expr) else bound_names([node])


def _names_in(codes: Iterable[str]) -> set[str]:
    """Return the names that code reads, those in annotations and texts included."""
    module = parse_or_empty("\n".join(codes).encode())
    texts = {text for text in map(string_value, ast.walk(module)) if text.isidentifier()}
    added_to = (each.target for each in ast.walk(module) if isinstance(each, ast.AugAssign))
    return (
        names([module])
        | outer_names([module])
        | names([module], ast.Del)
        | names(added_to, ast.Store)
        | annotated_names(module)
        | texts
    )


def _without_variables(code: str, read: Collection[str]) -> str:
    """Return a statement without the variables that its blocks assign but nothing reads."""
    node = _first(code)
    unread = _Unread(read)
    if not isinstance(node, Scope):
        unread.generic_visit(node)
    return ast.unparse(node) if unread.found else code


class _Unread(ast.NodeTransformer):
    """Replaces assignments of calls to variables that nothing reads by the calls alone."""

    def __init__(self, read: Collection[str]) -> None:
        self._read = read
        self.found = False

    def visit(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, Scope | ast.Lambda) else super().visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        if not isinstance(node.value, ast.Call | ast.Await) or any(map(self._is_read, node.targets)):
            return node
        self.found = True
        return ast.copy_location(ast.Expr(node.value), node)

    def visit_withitem(self, node: ast.withitem) -> ast.withitem:
        if node.optional_vars and not self._is_read(node.optional_vars):
            self.found, node.optional_vars = True, None
        return node

    def _is_read(self, target: ast.expr) -> bool:
        return not isinstance(target, ast.Name) or target.id in self._read
