"""Read a test file: its tests with their marks, its fixtures, and which tests are benchmarks."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from ..project.pytest_naming import DEFAULT, Naming
from ..project.syntax import Function, keywords, last_name, parameter_names, parse_or_empty, statements_of, string_value

FIXTURES: Final = frozenset({"benchmark", "benchmark_weave"})
MARKERS: Final = frozenset({"benchmark", "codspeed_benchmark"})
"""Marks with which pytest-codspeed measures a whole test that takes none of FIXTURES."""


@dataclass(frozen=True)
class PytestFunction:
    """A function of a test file; `marks` are its decorators, those of its classes, and every `pytestmark` above it."""

    node: Function
    owner: ast.ClassDef | None
    marks: tuple[ast.expr, ...]
    naming: Naming = DEFAULT

    @property
    def is_test(self) -> bool:
        # unittest's classes have names of their own.
        in_case = self.owner is not None and any("TestCase" in ast.unparse(base) for base in self.owner.bases)
        return self.naming.is_function(self.node.name) or (in_case and self.node.name.startswith("test"))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(name for name in parameter_names(self.node.args) if name != "self")

    @property
    def benchmark_fixtures(self) -> tuple[str, ...]:
        return tuple(sorted(FIXTURES.intersection(self.parameters)))

    @property
    def has_marker(self) -> bool:
        return any(last_name(mark) in MARKERS for mark in self.marks)

    @property
    def is_benchmark(self) -> bool:
        return bool(self.benchmark_fixtures) or self.has_marker

    @property
    def fixture_name(self) -> str:
        """The name that tests request the fixture by, "" for a function that is no fixture."""
        decorator = self._fixture_decorator
        return (string_value(keywords(decorator).get("name")) or self.node.name) if decorator else ""

    @property
    def is_autouse(self) -> bool:
        decorator = self._fixture_decorator
        return bool(decorator and getattr(keywords(decorator).get("autouse"), "value", False))

    @cached_property
    def _fixture_decorator(self) -> ast.expr | None:
        return next((each for each in self.node.decorator_list if last_name(each) == "fixture"), None)


@dataclass(frozen=True)
class PytestFile:
    """A test file or a conftest.py; functions defined inside functions are not listed."""

    module: ast.Module
    naming: Naming = DEFAULT

    @classmethod
    def of(cls, source: bytes, naming: Naming = DEFAULT) -> PytestFile:
        """Read a file; one that the running Python cannot parse is read as empty."""
        return cls(parse_or_empty(source), naming)

    @cached_property
    def functions(self) -> tuple[PytestFunction, ...]:
        return tuple(replace(each, naming=self.naming) for each in _functions(self.module, None, ()))

    @property
    def tests(self) -> tuple[PytestFunction, ...]:
        return tuple(function for function in self.functions if function.is_test)

    @cached_property
    def fixtures(self) -> Mapping[str, PytestFunction]:
        return {function.fixture_name: function for function in self.functions if function.fixture_name}

    @property
    def has_benchmarks(self) -> bool:
        return any(function.is_benchmark for function in self.functions)

    @cached_property
    def requested_fixtures(self) -> frozenset[str]:
        """The fixtures that tests and fixtures of the file request, by parameter, mark or `getfixturevalue`."""
        users = (each for each in self.functions if each.is_test or each.fixture_name)
        calls = (node for node in ast.walk(self.module) if isinstance(node, ast.Call))
        by_name = (call for call in calls if last_name(call) in {"usefixtures", "getfixturevalue"})
        requested = {name for user in users for name in user.parameters}
        return frozenset(requested | {name for call in by_name for name in map(string_value, call.args) if name})


def assignments(scopes: Sequence[ast.AST]) -> dict[str, ast.expr]:
    """Return what plain names are assigned in functions (anywhere) and in the bodies of classes and modules."""
    values: dict[str, ast.expr] = {}
    for scope in scopes:
        for node in ast.walk(scope) if isinstance(scope, Function) else getattr(scope, "body", ()):
            if isinstance(node, ast.Assign):
                values |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
                values[node.target.id] = node.value
    return values


def _functions(node: ast.AST, owner: ast.ClassDef | None, marks: tuple[ast.expr, ...]) -> Iterator[PytestFunction]:
    marks = (*marks_of(node), *marks)
    if isinstance(node, Function):
        yield PytestFunction(node, owner, marks)
        return
    for child in statements_of(node):
        yield from _functions(child, node if isinstance(node, ast.ClassDef) else owner, marks)


def marks_of(node: ast.AST) -> tuple[ast.expr, ...]:
    """Return the decorators of a function or class, and the marks that `pytestmark` has in a class or module."""
    decorators = node.decorator_list if isinstance(node, Function | ast.ClassDef) else []
    value = assignments([node]).get("pytestmark") if isinstance(node, ast.Module | ast.ClassDef) else None
    if value is None:
        return tuple(decorators)
    return (*decorators, *(value.elts if isinstance(value, ast.List | ast.Tuple) else [value]))
