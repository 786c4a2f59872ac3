"""Leave out the branches of a test that are not taken in one of its cases."""

import ast
from collections.abc import Mapping

from ...project.syntax import names, parse_or_empty

Constants = Mapping[str, object]
"""The values of parameters that are constants."""
SIMPLE = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Name, ast.Constant, ast.expr_context)
OPERATORS = (ast.cmpop, ast.boolop, ast.unaryop)


def constant_of(code: str) -> tuple[str, object] | None:
    """Return the name and the value if code assigns a constant to a name."""
    (node, *_) = parse_or_empty(code.encode()).body
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
            return name, value
    return None


def taken(code: str, constants: Constants) -> list[str]:
    """Return a statement without the branches that are not taken, as several if it is one itself."""
    module = parse_or_empty(code.encode())
    known = {name: value for name, value in constants.items() if name not in names([module], ast.Store)}
    branches = _Branches(known)
    module = branches.visit(module)
    if not branches.found:
        return [code]
    return [ast.unparse(each) for each in module.body if not isinstance(each, ast.Pass)]


class _Branches(ast.NodeTransformer):
    """Replaces `if` by the branch that is taken, if constants alone decide."""

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        self.found = False

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        is_simple = all(isinstance(each, SIMPLE + OPERATORS) for each in ast.walk(node.test))
        if not is_simple or not names([node.test]) or not self._constants.keys() >= names([node.test]):
            return node
        expression = ast.fix_missing_locations(ast.Expression(node.test))
        try:
            is_true = eval(compile(expression, "<test>", "eval"), {}, dict(self._constants))  # noqa: S307 - constants alone
        except TypeError:
            return node
        self.found = True
        return (node.body if is_true else node.orelse) or [ast.Pass()]
