"""Read a benchmark file: what each test hands to the `benchmark` fixture, and what it patches meanwhile."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ..git import printable
from ..project.code.imported_names import absolute_name, imports, target_names
from ..project.code.sources import LocatedDefinition, Sources
from ..project.dependencies import requires
from ..project.syntax import Function, callee, dotted_name, keywords, last_name, parse, string_value
from .reading import PytestFile, PytestFunction, assignments

PATCHERS: Final = frozenset({"patch", "setattr", "delattr", "setitem", "delitem", "setenv", "delenv"})
MOCKS: Final = frozenset(
    {
        "Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock", "create_autospec",
    },
)  # fmt: skip
_LANGUAGE_DECORATORS: Final = frozenset({"property", "staticmethod", "classmethod"})


@dataclass(frozen=True, slots=True)
class Patch:
    """One replacement of `owner.name`; imported owners are spelled in full (`pages.tables`).

    `kind` is "attribute", "item" (of a mapping) or "environment"; `new` is the replacement, None for a bare Mock.
    """

    node: ast.AST
    owner: str
    name: str
    kind: str = "attribute"
    owner_node: ast.expr | None = None
    new: ast.expr | None = None
    is_property_mock: bool = False

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", 0))

    @property
    def replaced(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


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
    """What a test hands to the fixture: an expression, or the function of the file that it names, and its arguments."""

    node: ast.AST
    code: ast.expr | Function
    arguments: tuple[ast.expr, ...] = ()

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", 1))

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
        return tuple(call for measured in self.measured for call in self._calls(measured))

    def _calls(self, measured: MeasuredCode) -> Iterator[ProjectCall]:
        calls = [node for node in measured.nodes if isinstance(node, ast.Call)]
        calls.sort(key=lambda node: (node.lineno, node.col_offset))
        if not measured.body and isinstance(measured.code, ast.expr):
            call = ast.Call(func=_without_partial(measured.code), args=list(measured.arguments), keywords=[])
            calls = [ast.copy_location(call, measured.node)]
        for call in calls:
            if found := self._find(call.func):
                yield ProjectCall(call, *found)

    def _find(self, node: ast.expr) -> tuple[str, LocatedDefinition] | None:
        """Find what an expression names in the project: an import, or a method of the object that a variable holds."""
        spelled = dotted_name(node)
        first, _, rest = spelled.partition(".")
        value = self.variables.get(first)
        if rest and isinstance(value, ast.Call) and first not in self.file.imports:
            constructor = dotted_name(value.func)
            return self.file.find(f"{constructor}.{rest}") if constructor else None
        return self.file.find(spelled) if spelled else None


@dataclass(frozen=True)
class BenchmarkFile:
    """A test file and the project that it belongs to; raise SourceError if the file cannot be parsed."""

    path: str
    source: bytes
    sources: Sources
    module: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", parse(self.source, printable(self.path)))

    @cached_property
    def pytest_file(self) -> PytestFile:
        return PytestFile(self.module)

    @cached_property
    def imports(self) -> Mapping[str, tuple[str, str]]:
        return dict(imports(self.module))

    @cached_property
    def tests(self) -> tuple[BenchmarkTest, ...]:
        """The tests that measure something, in the order of the file."""
        return tuple(test for function in self.pytest_file.tests if (test := self._test(function)))

    @cached_property
    def definitions_used(self) -> frozenset[tuple[str, str]]:
        """The project's definitions that the file names outside its imports, as (path, name)."""
        spelled = {name for node in ast.walk(self.module) if (name := dotted_name(node))}
        targets = (target for name in spelled for target in target_names(name, self.imports))
        found = filter(None, map(self.sources.try_find, targets))
        return frozenset((each.path, each.definition.name) for each in found)

    @cached_property
    def attributes_used(self) -> frozenset[str]:
        return frozenset(node.attr for node in ast.walk(self.module) if isinstance(node, ast.Attribute))

    def uses(self, definition: LocatedDefinition) -> bool:
        """Return whether the file names a definition, or a method's class and an attribute of the method's name."""
        path, name = definition.path, definition.definition.name
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
        functions = (node for node in ast.walk(self.module) if isinstance(node, Function))
        function = next(
            (each for each in functions if line in {each.lineno, *(mark.lineno for mark in each.decorator_list)}), None
        )
        return function is not None and any(
            dotted_name(callee(each)) not in _LANGUAGE_DECORATORS for each in function.decorator_list
        )

    def find(self, spelled: str) -> tuple[str, LocatedDefinition] | None:
        """Return target and definition of a function or class of the project, by its dotted name in this file."""
        whole = absolute_name(spelled, self.imports)
        for target in target_names(spelled, self.imports):
            found = self.sources.try_find(target) if target.replace(":", ".") == whole else None
            if found and found.definition.kind in {"function", "class"}:
                return target, found
        return None

    def _test(self, function: PytestFunction) -> BenchmarkTest | None:
        measured = tuple(self._measured(function))
        if not measured:
            return None
        fixtures = self.pytest_file.fixtures
        autouse = [fixture.node for fixture in fixtures.values() if fixture.is_autouse]
        used = tuple(dict.fromkeys([*autouse, *_used_fixtures(function, fixtures)]))
        patches = tuple(patch for part in (*used, function.node) for patch in self._patches(part))
        return BenchmarkTest(self, function.node, measured, patches, used)

    # -- what is measured ------------------------------------------------------------------------------

    def _measured(self, test: PytestFunction) -> Iterator[MeasuredCode]:
        for fixture in test.benchmark_fixtures:
            yield from self._handed_over(test.node, fixture)
        if test.has_marker and not test.benchmark_fixtures:
            yield MeasuredCode(test.node, test.node)

    def _handed_over(self, test: Function, fixture: str) -> Iterator[MeasuredCode]:
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

    # -- what is patched -------------------------------------------------------------------------------

    def _patches(self, function: Function) -> Iterator[Patch]:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and node.args and (patcher := self._patcher(node)):
                yield from self._patched(node, patcher)
            elif isinstance(node, ast.Assign):  # an assignment to an import's attribute is a patch that nobody undoes
                for target in node.targets:
                    owner = target.value if isinstance(target, ast.Attribute) else None
                    if owner and (whole := absolute_name(dotted_name(owner), self.imports)):
                        yield Patch(node, whole, last_name(target), owner_node=owner, new=node.value)

    def _patcher(self, node: ast.Call) -> str:
        """Return the function that a call patches with, like `patch.object` or `setenv`; "" if it patches nothing."""
        spelled = dotted_name(node.func)
        first = spelled.partition(".")[0]
        for patcher in ("patch.object", "patch.dict", "patch.multiple", "patch"):
            if spelled == patcher or spelled.endswith(f".{patcher}"):
                is_mock = first in {"patch", "mock", "mocker", "unittest"} or "mock" in absolute_name(
                    first, self.imports
                )
                return patcher if is_mock else ""
        owner, _, last = spelled.rpartition(".")
        return last if owner in {"monkeypatch", "mp", "m"} and last in PATCHERS else ""

    def _patched(self, node: ast.Call, patcher: str) -> Iterator[Patch]:
        first, named = node.args[0], keywords(node)
        if patcher in {"setenv", "delenv"}:
            name = string_value(first) or ast.unparse(first)
            yield Patch(node, "os.environ", name, "environment", new=_argument(node, 1))
        elif patcher in {"patch.dict", "setitem", "delitem"}:
            owner = string_value(first) or self._owner(first)
            kind = "environment" if owner in {"os.environ", "environ"} else "item"
            yield Patch(node, owner, string_value(_argument(node, 1)), kind, first, named.get("values"))
        elif patcher == "patch.multiple":
            owner = self._owner(first)
            for name, value in named.items():
                yield Patch(node, owner, name, owner_node=first, new=value)
        else:
            yield self._attribute_patch(node, first, named)

    def _attribute_patch(self, node: ast.Call, first: ast.expr, named: Mapping[str, ast.expr]) -> Patch:
        is_property = last_name(named.get("new_callable", first)) == "PropertyMock"
        if replaced := string_value(first):
            owner, _, name = replaced.rpartition(".")
            new = _argument(node, 1) or named.get("new") or _mock_of(named)
            return Patch(node, owner, name, new=new, is_property_mock=is_property)
        name = string_value(_argument(node, 1) or named.get("name") or named.get("attribute"))
        new = _argument(node, 2) or named.get("value") or named.get("new") or _mock_of(named)
        is_property = is_property or (isinstance(new, ast.Call) and last_name(new) == "PropertyMock")
        return Patch(node, self._owner(first), name, "attribute", first, new, is_property)

    def _owner(self, node: ast.expr) -> str:
        """Spell the owner of a patched attribute, in full if it is imported."""
        spelled = dotted_name(node) or ast.unparse(node)
        return absolute_name(spelled, self.imports) or spelled


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


def _argument(node: ast.Call, index: int) -> ast.expr | None:
    return node.args[index] if index < len(node.args) else None


def _without_partial(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Call) and node.args and last_name(node) == "partial":
        node = node.args[0]
    return node


def _mock_of(named: Mapping[str, ast.expr]) -> ast.expr | None:
    """Return the Mock that `patch(..., return_value=...)` or `side_effect=` makes."""
    effects = [ast.keyword(name, value) for name, value in named.items() if name in {"return_value", "side_effect"}]
    return ast.Call(ast.Name("MagicMock"), [], effects) if effects else None
