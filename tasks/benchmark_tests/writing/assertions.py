"""Take a test's assertions out of its code: what they evaluate stays, what they compare it with goes."""

import ast
import re
import unittest
from collections.abc import Callable, Iterable, Iterator

from ...project.syntax import callee, dotted_name, keywords

PLAIN = frozenset({"isinstance", "issubclass", "type", "callable", "id"})
"""Builtins that run no code of the project themselves."""
COMPARISONS = frozenset({"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__bool__"})
"""Methods that an assertion runs by comparing."""
ACCESSES = frozenset({"property", "__getattr__", "__getattribute__", "__getitem__", "__get__", "__len__", "__iter__"})
"""Methods that run without a call, those of properties by that name."""
OPERATORS: dict[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertNotEqual": ast.NotEq,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
}
"""Of unittest's assertions that compare."""
NO_MESSAGE = {"assertTrue": 1, "assertFalse": 1, "assertIsNone": 1, "assertIsNotNone": 1}
"""Of unittest's assertions the number of arguments that are no message; of all others it is two."""
ASSERTIONS = frozenset(name for name in dir(unittest.TestCase) if name.startswith("assert"))
ENDING = {"fail": "fail", "skipTest": "skip"}
"""unittest's methods that end a test, and pytest's functions for them."""
RAISING = {"assertRaises": "raises", "assertRaisesRegex": "raises", "assertWarns": "warns", "assertWarnsRegex": "warns"}
"""unittest's assertions about a block or a call, and pytest's functions for them."""
STACK = "stack"
"""What a benchmark closes in the end: an ExitStack, or an AsyncExitStack on an event loop."""
OPENING = {False: "contextmanager", True: "asynccontextmanager"}
"""The decorators of `contextlib` for fixtures that have to be undone, without and with an event loop."""
CLEANUPS = {
    "addCleanup": "callback",
    "addClassCleanup": "callback",
    "enterContext": "enter_context",
    "enterClassContext": "enter_context",
}
"""unittest's methods that register cleanups, and the methods of the STACK that take the same arguments."""
SUBTESTS = "subtests"
"""The fixture with which a test of pytest reports its parts."""


IsAssertion = Callable[[str], bool]
"""Whether a method, by its name, is an assertion that a base class outside of the tests defines."""


def looks_like_assertion(method: str) -> bool:
    return re.match(r"assert(?=[A-Z_])", method) is not None


def _never(_method: str) -> bool:
    return False


class WithoutAssertions(ast.NodeTransformer):
    """Replaces assertions, also those inside blocks, by what they evaluate.

    What a `method` of the project does remains: comparisons if it is one of COMPARISONS, inside blocks also what reads
    an attribute or an element if it is one of ACCESSES.
    """

    def __init__(self, method: str = "", is_inherited: IsAssertion = _never) -> None:
        self._is_inherited = is_inherited
        self._whole, self._reads = method in COMPARISONS, method in ACCESSES
        self._depth = 0

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        return node if self._whole else self._evaluations(node, (node.test,))

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        asserted = _asserted_values(node.value, self._is_inherited)
        if asserted is not None:
            if self._whole:
                return ast.copy_location(ast.Assert(_asserted(node.value, *asserted)), node)
            return self._evaluations(node, asserted)
        if isinstance(call := node.value, ast.Call) and _own_method(call) in RAISING and len(call.args) > 1:
            inner = ast.Expr(ast.Call(call.args[1], call.args[2:], call.keywords))
            call.args, call.keywords = call.args[:1], []
            return self.visit_With(ast.With([ast.withitem(call)], [inner]))
        self.generic_visit(node)
        return node

    def visit_With(self, node: ast.With) -> ast.stmt | list[ast.stmt]:
        """Write unittest's `assertRaises` as pytest does, and leave out what only reports parts of a test."""
        self.generic_visit(node)
        node.items = [each for each in node.items if not _is_subtest(each.context_expr)]
        if not node.items:
            return node.body
        for item in node.items:
            call, name = item.context_expr, _own_method(item.context_expr)
            if isinstance(call, ast.Call) and name in RAISING:
                call.func = ast.Attribute(ast.Name("pytest", ast.Load()), RAISING[name], ast.Load())
                call.keywords += [ast.keyword("match", each) for each in call.args[1:]]
                del call.args[1:]
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        own = _own_method(node)
        if name := ENDING.get(own, ""):
            node.func = ast.Attribute(ast.Name("pytest", ast.Load()), name, ast.Load())
        if name := CLEANUPS.get(own, ""):
            node.func = ast.Attribute(ast.Name(STACK, ast.Load()), name, ast.Load())
        self.generic_visit(node)
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        self._depth += isinstance(node, ast.stmt)
        super().generic_visit(node)
        self._depth -= isinstance(node, ast.stmt)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node

    def _evaluations(self, node: ast.stmt, asserted: Iterable[ast.expr]) -> list[ast.stmt]:
        parts = (part for each in asserted for part in evaluated(each))
        is_kept = self._reads or not self._depth
        kept = (each for each in parts if is_kept or any(isinstance(one, ast.Call) for one in ast.walk(each)))
        return [ast.copy_location(ast.Expr(each), node) for each in kept]


def registers_cleanup(node: ast.AST) -> bool:
    """Return whether code of a test calls one of unittest's methods that register cleanups."""
    return any(isinstance(each, ast.Call) and _own_method(each) in CLEANUPS for each in ast.walk(node))


def is_assertion(node: ast.stmt, is_inherited: IsAssertion = _never) -> bool:
    is_asserting = isinstance(node, ast.Expr) and _asserted_values(node.value, is_inherited) is not None
    return isinstance(node, ast.Assert) or is_asserting


def _asserted_values(node: ast.expr, is_inherited: IsAssertion) -> tuple[ast.expr, ...] | None:
    """Return what the assertion `self.assert...(...)` of a base class evaluates; None for anything else."""
    name = _own_method(node)
    is_known = name in ASSERTIONS - RAISING.keys() or (name not in RAISING and is_inherited(name))
    if not isinstance(node, ast.Call) or not is_known:
        return None
    named = (value for key, value in keywords(node).items() if key != "msg")
    return (*node.args[: NO_MESSAGE.get(name, 2)], *named)


def evaluated(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of an asserted expression that may run code of the project."""
    match node:
        case ast.Constant() | ast.Name() | ast.Lambda():
            return
        case ast.Compare() | ast.BoolOp(op=ast.And()) | ast.UnaryOp():
            parts = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.Starred():
            parts = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        case ast.Call(func=ast.Name(id=name), args=args) if name in PLAIN:
            parts = args
        case _:
            yield node
            return
    for part in parts:
        yield from evaluated(part)


def _asserted(call: ast.expr, *values: ast.expr) -> ast.expr:
    """Return what unittest's assertion asserts, as an expression."""
    operator = OPERATORS.get(_own_method(call))
    return ast.Compare(values[0], [operator()], [*values[1:]]) if operator else call


def _is_subtest(node: ast.expr) -> bool:
    """Return whether a call is `self.subTest(...)`, or that of pytest's fixture SUBTESTS."""
    return _own_method(node) == "subTest" or dotted_name(callee(node)) == f"{SUBTESTS}.test"


def _own_method(node: ast.expr) -> str:
    """Return `name` for a call of `self.name`, "" for anything else."""
    owner, _, name = dotted_name(callee(node)).rpartition(".")
    return name if isinstance(node, ast.Call) and owner in {"self", "cls"} else ""
