"""Turn the object of a test class into variables: its attributes, its methods, and those of its base classes."""

import ast
import copy
from collections.abc import Collection

from ...project.syntax import Function, dotted_name, last_name, parameter_names
from .needed_code import NotCopiedError

SET_UPS = {
    "setup_class": "teardown_class",
    "setUpClass": "tearDownClass",
    "setup_method": "teardown_method",
    "setup": "teardown",
    "setUp": "tearDown",
    "asyncSetUp": "",
}
"""Methods that run before a test of the class, in their order, and the one that runs after it; "" if it is awaited."""


def variable_of(attribute: str, variables: Collection[str]) -> str:
    """Return the name of the variable for an attribute of the test's object, beside the test's own `variables`."""
    return f"own_{attribute}" if attribute in variables else attribute


class Attributes(ast.NodeTransformer):
    """Replaces `self.name` by `name`, or by another name if the test has a variable of that name."""

    def __init__(self, variables: Collection[str]) -> None:
        self._variables = variables
        self.loaded: set[str] = set()
        self.stored: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        # The methods of a class inside the test have objects of their own.
        if not {"self", "cls"} & set(parameter_names(node.args)):
            self.generic_visit(node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.value, ast.Name) or node.value.id not in {"self", "cls"}:
            return node
        (self.loaded if isinstance(node.ctx, ast.Load) else self.stored).add(node.attr)
        return ast.Name(variable_of(node.attr, self._variables), node.ctx)


def is_call_of_base(statement: ast.stmt, name: str) -> bool:
    """Return whether a statement is `super().name()`, perhaps awaited."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return value is not None and ast.unparse(value) == f"super().{name}()"


def as_cleanup(statement: ast.stmt) -> ast.stmt | None:
    """Return `self.addCleanup(...)` for a call; None for other statements, and for calls with computed arguments."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return None
    values = [call.func, *call.args, *(each.value for each in call.keywords)]
    if not all(isinstance(each, ast.Constant) or dotted_name(each) for each in values):
        return None
    method = ast.Attribute(ast.Name("self", ast.Load()), "addCleanup", ast.Load())
    return ast.Expr(ast.Call(method, [call.func, *call.args], call.keywords))


def attributes_of(node: ast.AST) -> set[str]:
    """Return the attributes of the test's object that code uses."""
    attributes = Attributes(())
    attributes.visit(copy.deepcopy(node))
    return attributes.loaded | attributes.stored


def as_function(method: Function) -> ast.stmt:
    """Return a method as a function without `self`; raise NotCopiedError if it is decorated."""
    is_static = any(last_name(each) == "staticmethod" for each in method.decorator_list)
    if len(method.decorator_list) > is_static:
        raise NotCopiedError(f"uses self.{method.name}, which is decorated")
    function = copy.deepcopy(method)
    function.decorator_list = []
    if not is_static and function.args.args:
        del function.args.args[0]
    return function
