"""Copy fixtures that have to stay fixtures: pytest undoes them after the test, or they ask it about the test."""

import ast
import copy
from collections.abc import Sequence

from ...project.syntax import Function, is_generator, last_name, names, parameter_names, without_docstring
from ..reading import PytestFunction
from .assertions import OPENING
from .needed_code import NotCopiedError

REQUEST = "request"


def divided(fixture: PytestFunction) -> tuple[list[ast.stmt], ast.expr | None, ast.stmt]:
    """Return copies of the statements that make a fixture's value, the value, and the last statement."""
    *statements, last = copy.deepcopy(without_docstring(fixture.node))
    if isinstance(last, ast.Return):
        return statements, last.value, last
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Yield):
        return statements, last.value.value, last
    return [*statements, last], None, last


def needs_pytest(fixture: PytestFunction) -> bool:
    """Return whether a fixture has to be undone, returns in several places, or asks pytest for something."""
    statements, *_ = divided(fixture)
    return leaves(statements) or _asks_pytest(fixture)


def can_be_opened(fixture: PytestFunction) -> bool:
    """Return whether a fixture has to be undone, and can be a context manager."""
    return is_generator(fixture.node) and not _asks_pytest(fixture)


def _asks_pytest(fixture: PytestFunction) -> bool:
    """Return whether a fixture uses more of a request than its value, or the fixture whose name it has as well."""
    nodes = _walked(fixture.node.body)
    params = {id(each.value) for each in nodes if isinstance(each, ast.Attribute) and each.attr == "param"}
    asks = any(isinstance(each, ast.Name) and each.id == REQUEST and id(each) not in params for each in nodes)
    return asks or fixture.fixture_name in fixture.parameters


def with_one_value(fixture: PytestFunction, value: ast.expr | None) -> Function:
    """Return a fixture with one `value` instead of its `params`; itself if there are none."""
    if isinstance(fixture.node, ast.AsyncFunctionDef):
        raise NotCopiedError(f"uses the fixture {fixture.fixture_name}, which is asynchronous and used by others")
    node: Function = OneParam(fixture.fixture_name, value, is_whole=False).visit(_without_self(fixture))
    if ast.dump(node) == ast.dump(fixture.node):
        return fixture.node
    for number, each in enumerate(node.decorator_list):
        if isinstance(each, ast.Call) and last_name(each) == "fixture":
            each.keywords = [one for one in each.keywords if one.arg not in {"params", "ids"}]
            node.decorator_list[number] = each if each.keywords else each.func
    if REQUEST not in names(node.body):
        node.args.args = [each for each in node.args.args if each.arg != REQUEST]
    return node


def as_context_manager(fixture: PytestFunction, value: ast.expr | None) -> tuple[Function, str]:
    """Return a fixture that has to be undone as a context manager, and the code that calls it."""
    name, is_async = fixture.fixture_name, isinstance(fixture.node, ast.AsyncFunctionDef)
    manager: Function = OneParam(name, value).visit(_without_self(fixture))
    manager.name = f"open_{name}"
    manager.decorator_list = [ast.Name(OPENING[is_async], ast.Load())]
    manager.args.args = [each for each in manager.args.args if each.arg != REQUEST]
    return manager, f"{manager.name}({', '.join(parameter_names(manager.args))})"


def _without_self(fixture: PytestFunction) -> Function:
    """Return a copy of a fixture; one of a class that does not use its object becomes a function."""
    node = copy.deepcopy(fixture.node)
    if fixture.owner is None:
        return node
    first = node.args.args[0].arg if node.args.args else ""
    if first in names(node.body):
        raise NotCopiedError(f"uses the fixture {fixture.fixture_name} of a class, which has to be undone")
    del node.args.args[:1]
    return node


class OneParam(ast.NodeTransformer):
    """Replaces `request.param` by its value; no other use of `request` may be left if the fixture is not `whole`."""

    def __init__(self, fixture: str, value: ast.expr | None, *, is_whole: bool = True) -> None:
        self._fixture, self._value, self._is_whole = fixture, value, is_whole

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == REQUEST:
            if node.attr == "param" and self._value is not None:
                return self._value
            if node.attr == "param" or self._is_whole:
                raise NotCopiedError(f"uses the fixture {self._fixture}, which uses request.{node.attr}")
        return node


def leaves(nodes: Sequence[ast.AST]) -> bool:
    """Return whether statements return or yield, rather than functions inside them."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(node)
    return False


def _walked(nodes: Sequence[ast.AST]) -> list[ast.AST]:
    return [inner for node in nodes for inner in ast.walk(node)]
