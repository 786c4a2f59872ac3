"""Find the statements of a test that expect an error or a warning: they show no ordinary use, so are not measured."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...project.syntax import Function, dotted_name, last_name, names
from .needed_code import NotCopiedError, TestClass, TestModule, TestModules

EXPECTING = re.compile(r"(assert_?|fail_?unless_?)?(raises|warns)|deprecated_call|suppress$", re.IGNORECASE)
"""How names of what expects an error begin: those of pytest, unittest, numpy, nose and contextlib."""


@dataclass(frozen=True, slots=True)
class ExpectedErrors:
    """Recognizes code of the test file `file` that expects errors; `classes` are the test's class and its bases."""

    modules: TestModules
    file: TestModule
    classes: Sequence[TestClass] = ()

    def are_in(self, node: ast.AST, expectations: frozenset[str] = frozenset()) -> bool:
        """Return whether code expects an error, perhaps by one of the variables that hold `expectations`."""
        return self._are_in(node, expectations, frozenset())

    def _are_in(self, node: ast.AST, expectations: frozenset[str], known: frozenset[str]) -> bool:
        return any(self._is_expected_in(each, expectations, known) for each in ast.walk(node))

    def _is_expected_in(self, node: ast.AST, expectations: frozenset[str], known: frozenset[str]) -> bool:
        match node:
            case ast.Call(func=called, keywords=keywords):
                records = any(each.arg == "record" and getattr(each.value, "value", False) is True for each in keywords)
                return (records and last_name(called) == "catch_warnings") or self._is_expecting(called, known)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                return not names(each.context_expr for each in items).isdisjoint(expectations)
            case ast.Try():
                return _fails_without_error(node)
        return False

    def _is_expecting(self, called: ast.expr, known: frozenset[str]) -> bool:
        """Return whether what is called expects an error, by its name or by what it does itself."""
        name = last_name(called)
        if EXPECTING.match(name):
            return True
        if isinstance(called, ast.Name):
            return name not in known and self._is_defined_so(name, known | {name})
        if dotted_name(called) not in {f"self.{name}", f"cls.{name}"} or f"self.{name}" in known:
            return False
        for owner in self.classes:
            if method := owner.method(name):
                there = ExpectedErrors(self.modules, owner.file, self.classes)
                return there._are_in(method, frozenset(), known | {f"self.{name}"})
        return False

    def _is_defined_so(self, name: str, known: frozenset[str]) -> bool:
        return any(self._is_bound_so(each, name, known) for each in self.file.bound.get(name, ()))

    def _is_bound_so(self, statement: ast.stmt, name: str, known: frozenset[str]) -> bool:
        if isinstance(statement, ast.ImportFrom):
            original = next((each.name for each in statement.names if (each.asname or each.name) == name), name)
            if EXPECTING.match(original):
                return True
            try:
                imported = self.modules.imported(statement, self.file.path)
            except NotCopiedError:
                return False
            there = ExpectedErrors(self.modules, imported) if isinstance(imported, TestModule) else None
            return there is not None and there._is_defined_so(original, known)  # noqa: SLF001 - it is one of these
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            # As in `fails = pytest.raises` and `partial(pytest.raises, ValueError)`.
            values = (each for each in ast.walk(statement.value) if isinstance(each, ast.Name | ast.Attribute))
            return any(self._is_expecting(each, known) for each in values)
        return isinstance(statement, Function | ast.ClassDef) and self._are_in(statement, frozenset(), known)


def _fails_without_error(node: ast.Try) -> bool:
    """Return whether a test fails unless an error is raised in the block and handled."""
    return bool(node.handlers) and any(_fails(each) for each in (*node.body, *node.orelse))


def _fails(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return last_name(call) == "fail"
        case ast.Raise(exc=ast.expr() as error):
            return last_name(error) == "AssertionError"
        case ast.Assert(test=ast.Constant(value=value)):
            return not value
    return False
