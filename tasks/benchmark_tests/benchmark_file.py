"""Read a benchmark file: what each test passes to the `benchmark` fixture, and which code of the project that is."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ..git import printable
from ..project.code.imported_names import Imports, imports, target_names
from ..project.code.sources import LocatedDefinition, Sources
from ..project.dependencies import requires
from ..project.pytest_naming import naming_for
from ..project.syntax import Function, callee, dotted_name, keywords, last_name, parse
from .patches import Patch, patches
from .reading import PytestFile, PytestFunction, assignments

_LANGUAGE_DECORATORS: Final = frozenset({"property", "staticmethod", "classmethod"})


@dataclass(frozen=True, slots=True)
class ProjectCall:
    """A call of the project's code in measured code; `target` is `module:Qualified.name`."""

    node: ast.Call
    target: str
    definition: LocatedDefinition

    @property
    def is_of_function(self) -> bool:
        return self.definition.definition.kind == "function"


@dataclass(frozen=True, slots=True)
class MeasuredCode:
    """What a test passes to the fixture: an expression, or the function of the file that it names; its arguments."""

    node: ast.expr | Function
    code: ast.expr | Function
    arguments: tuple[ast.expr, ...] = ()

    @property
    def body(self) -> tuple[ast.AST, ...]:
        """The code that every round executes, () if it is not in this file."""
        if isinstance(self.code, ast.Lambda):
            return (self.code.body,)
        return tuple(self.code.body) if isinstance(self.code, Function) else ()

    @property
    def nodes(self) -> Iterator[ast.AST]:
        return (node for part in self.body for node in ast.walk(part))


@dataclass(frozen=True)
class BenchmarkTest:
    """A test that measures something; `fixtures` are those of its file that it uses, directly or not."""

    file: BenchmarkFile
    function: Function
    measured: tuple[MeasuredCode, ...]
    patches: tuple[Patch, ...]
    fixtures: tuple[Function, ...] = ()

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def is_whole(self) -> bool:
        """Whether a marker alone has all of the test measured."""
        return any(measured.code is self.function for measured in self.measured)

    @cached_property
    def variables(self) -> Mapping[str, ast.expr]:
        """What the file, the test and its fixtures assign to plain names, the last value of each."""
        return assignments([self.file.module, *self.fixtures, self.function])

    @cached_property
    def calls(self) -> tuple[ProjectCall, ...]:
        """The calls of the project's code in measured code, in the order of the file."""
        calls = (call for measured in self.measured for call in _calls(measured))
        return tuple(ProjectCall(call, *found) for call in calls if (found := self._find(call.func)))

    def _find(self, node: ast.expr) -> tuple[str, LocatedDefinition] | None:
        """Find what an expression names in the project: an import, or a method of the object that a variable holds."""
        spelled = dotted_name(node)
        first, _, rest = spelled.partition(".")
        value = self.variables.get(first)
        if rest and isinstance(value, ast.Call) and first not in self.file.imports:
            spelled = f"{dotted_name(value.func)}.{rest}"
        return self.file.find(spelled)


class BenchmarkFile:
    """A test file and the project that it belongs to; raise SourceError if the file cannot be parsed."""

    def __init__(self, path: str, source: bytes, sources: Sources) -> None:
        self.path, self.source, self.sources = path, source, sources
        self.module = parse(source, printable(path))
        self.naming = naming_for(sources.tree, path)
        self.pytest_file = PytestFile(self.module, self.naming)
        self.imports: Imports = dict(imports(self.module))

    @cached_property
    def tests(self) -> tuple[BenchmarkTest, ...]:
        """The tests that measure something, in the order of the file."""
        return tuple(test for function in self.pytest_file.tests if (test := self._test(function)))

    @cached_property
    def definitions_used(self) -> frozenset[tuple[str, str]]:
        """The project's definitions that the file names outside its imports, as (path, name that code calls)."""
        spelled = {name for node in ast.walk(self.module) if (name := dotted_name(node))}
        targets = (target for name in spelled for target in target_names(name, self.imports))
        found = filter(None, map(self.sources.try_find, targets))
        return frozenset((each.path, each.definition.called or each.definition.name) for each in found)

    @cached_property
    def attributes_used(self) -> frozenset[str]:
        return frozenset(node.attr for node in ast.walk(self.module) if isinstance(node, ast.Attribute))

    def uses(self, definition: LocatedDefinition) -> bool:
        """Return whether the file names a definition, or a method's class and an attribute of the method's name."""
        path, name = definition.path, definition.definition.called or definition.definition.name
        owner, _, method = name.rpartition(".")
        used = self.definitions_used
        return (path, name) in used or (bool(owner) and (path, owner) in used and method in self.attributes_used)

    @cached_property
    def uses_codspeed(self) -> bool:
        """Whether the project measures tests by a marker alone: pytest-codspeed does, pytest-benchmark does not."""
        imported = any(module.partition(".")[0] == "pytest_codspeed" for module, _ in self.imports.values())
        return imported or requires(self.sources.tree, "pytest-codspeed")

    def is_callback(self, line: int) -> bool:
        """Return whether the function at a line has a decorator (other than the language's) that may call it back."""
        for node in ast.walk(self.module):
            if isinstance(node, Function) and line in {node.lineno, *(mark.lineno for mark in node.decorator_list)}:
                return any(dotted_name(callee(each)) not in _LANGUAGE_DECORATORS for each in node.decorator_list)
        return False

    def find(self, spelled: str) -> tuple[str, LocatedDefinition] | None:
        """Return target and definition of a function or class of the project, by its dotted name in this file."""
        target = next(reversed(tuple(target_names(spelled, self.imports))), "")
        found = self.sources.try_find(target) if target else None
        return (target, found) if found and found.definition.kind in {"function", "class"} else None

    def locate(self, absolute: str) -> Iterator[LocatedDefinition]:
        """Yield the definitions that an absolute dotted name may mean, wherever in it the module ends."""
        parts = absolute.split(".")
        targets = (f"{'.'.join(parts[:count])}:{'.'.join(parts[count:])}" for count in range(len(parts) - 1, 0, -1))
        return filter(None, map(self.sources.try_find, targets))

    def _test(self, function: PytestFunction) -> BenchmarkTest | None:
        measured = tuple(self._measured(function))
        if not measured:
            return None
        fixtures = self.pytest_file.fixtures
        autouse = [fixture.node for fixture in fixtures.values() if fixture.is_autouse]
        used = tuple(dict.fromkeys([*autouse, *_used_fixtures(function, fixtures)]))
        patched = tuple(patch for part in (*used, function.node) for patch in patches(part, self.imports))
        return BenchmarkTest(self, function.node, measured, patched, used)

    def _measured(self, test: PytestFunction) -> Iterator[MeasuredCode]:
        for fixture in test.benchmark_fixtures:
            yield from self._passed(test.node, fixture)
        if test.has_marker and not test.benchmark_fixtures:
            yield MeasuredCode(test.node, test.node)

    def _passed(self, test: Function, fixture: str) -> Iterator[MeasuredCode]:
        """Yield what a test passes to a fixture, or decorates with it."""
        calls = {fixture, f"{fixture}.pedantic", f"{fixture}.weave"}
        for node in ast.walk(test):
            if isinstance(node, Function) and any(dotted_name(callee(each)) == fixture for each in node.decorator_list):
                yield MeasuredCode(node, node)
            elif isinstance(node, ast.Call) and dotted_name(node.func) in calls:
                named = keywords(node)
                code = node.args[0] if node.args else named.get("target")
                if code is not None:
                    yield MeasuredCode(node, self._function_named(code, test), _arguments(node, named))

    def _function_named(self, node: ast.expr, test: Function) -> ast.expr | Function:
        """Return the function of this file that an expression names, the test's own first, else the expression."""
        name = dotted_name(node)
        inner = (each for each in ast.walk(test) if isinstance(each, Function) and each is not test)
        top = (each for each in self.module.body if isinstance(each, Function))
        return next((each for group in (inner, top) for each in group if each.name == name), node)


def _used_fixtures(function: PytestFunction, fixtures: Mapping[str, PytestFunction]) -> Iterator[Function]:
    """Yield the fixtures that a function requests, each after those that it requests itself."""
    for name in sorted(fixtures.keys() & set(function.parameters)):
        fixture = fixtures[name]
        if fixture is not function:
            yield from _used_fixtures(fixture, {key: each for key, each in fixtures.items() if key != name})
            yield fixture.node


def _arguments(node: ast.Call, named: Mapping[str, ast.expr]) -> tuple[ast.expr, ...]:
    if not dotted_name(node.func).endswith(".pedantic"):
        return (*node.args[1:], *named.values())
    args, kwargs = named.get("args"), named.get("kwargs")
    listed = tuple(args.elts) if isinstance(args, ast.Tuple | ast.List) else ((args,) if args else ())
    return listed + (tuple(kwargs.values) if isinstance(kwargs, ast.Dict) else ())


def _calls(measured: MeasuredCode) -> list[ast.Call]:
    """Return the calls in measured code; an expression without code of its own, like a `partial`, is called itself."""
    if measured.body or not isinstance(node := measured.code, ast.expr):
        calls = (node for node in measured.nodes if isinstance(node, ast.Call))
        return sorted(calls, key=lambda node: (node.lineno, node.col_offset))
    while isinstance(node, ast.Call) and node.args and last_name(node) == "partial":
        node = node.args[0]
    return [ast.copy_location(ast.Call(func=node, args=list(measured.arguments), keywords=[]), measured.node)]
