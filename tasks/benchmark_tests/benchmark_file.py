"""Read a benchmark file: its tests, what each hands to the `benchmark` fixture, and what it replaces meanwhile."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ..project.code.definitions import Function, parsed
from ..project.code.imported_names import absolute_name, dotted_name, imports, target_names
from ..project.dependencies import requires

if TYPE_CHECKING:
    from ..project.code.sources import LocatedDefinition, Sources

FIXTURES: Final = frozenset({"benchmark", "benchmark_weave"})
MARKERS: Final = frozenset({"benchmark", "codspeed_benchmark"})
PATCHERS: Final = frozenset({"patch", "setattr", "delattr", "setitem", "delitem", "setenv", "delenv"})
MOCKS: Final = frozenset(
    {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock", "create_autospec"}
)


@dataclass(frozen=True, slots=True)
class Patch:
    """One replacement: `owner` and `name` of what is replaced, dotted as far as imports tell (`pages.tables`, `extract`).

    `kind` is "attribute", "item" (of a mapping) or "environment". `resolved` says whether `owner` is an imported name,
    and not a variable of the test; `new` is what goes in its place, None where that is a bare Mock.
    """

    node: ast.AST
    owner: str
    name: str
    kind: str = "attribute"
    resolved: bool = True
    owner_node: ast.expr | None = None
    new: ast.expr | None = None
    is_property_mock: bool = False

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", 0))

    @property
    def target(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass(frozen=True, slots=True)
class Called:
    """A call in the measured code, of something of the project: `target` is `module:Qualified.name`."""

    node: ast.Call
    target: str
    found: LocatedDefinition


@dataclass(frozen=True, slots=True)
class Measured:
    """What is handed to the fixture: an expression, or the function of the file that it names, and its arguments."""

    node: ast.AST
    code: ast.expr | Function
    arguments: tuple[ast.expr, ...] = ()
    has_setup: bool = False

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", 1))

    @property
    def body(self) -> tuple[ast.AST, ...]:
        """Return what is executed in every round; empty where that is a function of somebody else."""
        if isinstance(self.code, ast.Lambda):
            return (self.code.body,)
        return tuple(self.code.body) if isinstance(self.code, Function) else ()


@dataclass(frozen=True)
class Test:
    """One test that measures, with the fixtures of its file that it takes, and those that every test takes."""

    file: BenchmarkFile
    function: Function
    measured: tuple[Measured, ...]
    patches: tuple[Patch, ...]
    fixtures: tuple[Function, ...] = ()

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def is_whole(self) -> bool:
        """Return whether a marker alone has the test measured: all of it."""
        return any(measured.code is self.function for measured in self.measured)

    @cached_property
    def variables(self) -> Mapping[str, ast.expr]:
        """What the test and its fixtures assign to plain names, the last of each."""
        return {**self.file.constants, **_assigned([*self.fixtures, self.function])}

    @cached_property
    def calls(self) -> tuple[Called, ...]:
        """The calls of the project's functions and classes in what is measured, in the order of the file."""
        return tuple(called for measured in self.measured for called in self._called(measured))

    def _called(self, measured: Measured) -> Iterator[Called]:
        if not measured.body and isinstance(measured.code, ast.expr):
            call = ast.Call(func=measured.code, args=list(measured.arguments), keywords=[])
            ast.copy_location(call, measured.node)
            if found := self.target_of(_unwrapped(measured.code)):
                yield Called(call, *found)
        inner = [node for part in measured.body for node in ast.walk(part) if isinstance(node, ast.Call)]
        for call in sorted(inner, key=lambda node: (node.lineno, node.col_offset)):
            if found := self.target_of(call.func):
                yield Called(call, *found)

    def target_of(self, node: ast.expr) -> tuple[str, LocatedDefinition] | None:
        """Return what an expression names in the project: imported, or a method of what a variable was made from."""
        spelled = dotted_name(node)
        if not spelled:
            return None
        first, _, rest = spelled.partition(".")
        made = self.variables.get(first)
        if rest and isinstance(made, ast.Call) and first not in self.file.imports:
            maker = dotted_name(made.func)
            return self.file.find(f"{maker}.{rest}") if maker else None
        return self.file.find(spelled)


OF_THE_LANGUAGE: Final = frozenset({"property", "staticmethod", "classmethod"})
"""Decorators that make of a method what a fake has, too."""


@dataclass(frozen=True)
class BenchmarkFile:
    """A file with benchmark tests, held against the project that it belongs to."""

    path: str
    source: bytes
    sources: Sources
    module: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", parsed(self.source, self.path))

    @cached_property
    def imports(self) -> Mapping[str, tuple[str, str]]:
        return dict(imports(self.module))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        return tuple(node for node in ast.walk(self.module) if isinstance(node, Function))

    def is_handed_over(self, line: int) -> bool:
        """Return whether the function at a line is handed to a decorator that is not the language's: real code calls it back."""
        at = next(
            (
                each
                for each in self.functions
                if line in {each.lineno, *(known.lineno for known in each.decorator_list)}
            ),
            None,
        )
        return at is not None and any(dotted_name(_called(known)) not in OF_THE_LANGUAGE for known in at.decorator_list)

    @cached_property
    def constants(self) -> Mapping[str, ast.expr]:
        return _assigned([self.module])

    @cached_property
    def uses_codspeed(self) -> bool:
        """Return whether what a marker alone marks is measured in the project: pytest-benchmark has its fixture only."""
        imported = any(module.partition(".")[0] == "pytest_codspeed" for module, _ in self.imports.values())
        return imported or requires(self.sources.tree, "pytest-codspeed")

    @cached_property
    def tests(self) -> tuple[Test, ...]:
        """Return the tests that measure something, in the order of the file."""
        fixtures = {function.name: function for function in self.functions if _decorated(function, "fixture")}
        always = [function for function in fixtures.values() if _is_autouse(function)]
        tests = (function for function in self.functions if function.name.startswith("test"))
        return tuple(test for function in tests if (test := self._test(function, fixtures, always)))

    def find(self, spelled: str) -> tuple[str, LocatedDefinition] | None:
        """Return target and definition of the longest beginning of a dotted name that is the whole of it."""
        whole = absolute_name(spelled, self.imports)
        for target in target_names(spelled, self.imports):
            found = self.sources.try_find(target) if target.replace(":", ".") == whole else None
            if found and found.definition.kind in {"function", "class"}:
                return target, found
        return None

    def _test(self, function: Function, fixtures: Mapping[str, Function], always: Sequence[Function]) -> Test | None:
        measured = tuple(self._measured(function))
        if not measured:
            return None
        taken = list(dict.fromkeys([*always, *_taken(function, fixtures)], None))
        patches = tuple(patch for part in [*taken, function] for patch in self._patches(part))
        return Test(self, function, measured, patches, tuple(taken))

    # -- what is measured ------------------------------------------------------------------------------

    def _measured(self, test: Function) -> Iterator[Measured]:
        fixtures = FIXTURES & _parameters(test)
        for fixture in sorted(fixtures):
            yield from self._handed(test, fixture)
        if not fixtures and test in self._marked:
            yield Measured(test, test)

    @cached_property
    def _marked(self) -> frozenset[Function]:
        return frozenset(_carrying(self.module, within=False))

    def _handed(self, test: Function, fixture: str) -> Iterator[Measured]:
        for node in ast.walk(test):
            if isinstance(node, Function) and any(
                dotted_name(_called(each)) == fixture for each in node.decorator_list
            ):
                yield Measured(node, node)
            elif isinstance(node, ast.Call) and dotted_name(node.func) in {
                fixture,
                f"{fixture}.pedantic",
                f"{fixture}.weave",
            }:
                given = {word.arg: word.value for word in node.keywords if word.arg}
                code = node.args[0] if node.args else given.get("target")
                if code is not None:
                    yield Measured(
                        node, self._code(code, test), self._arguments(node, given), has_setup="setup" in given
                    )

    def _code(self, node: ast.expr, test: Function) -> ast.expr | Function:
        """Return the function of this file that a name stands for, the test's own before those of the file."""
        name = dotted_name(node)
        own = [each for each in ast.walk(test) if isinstance(each, Function) and each is not test]
        top = [each for each in self.module.body if isinstance(each, Function)]
        return next((each for each in (*own, *top) if each.name == name), node)

    def _arguments(self, node: ast.Call, given: Mapping[str, ast.expr]) -> tuple[ast.expr, ...]:
        if not dotted_name(node.func).endswith(".pedantic"):
            return (*node.args[1:], *given.values())
        args, kwargs = given.get("args"), given.get("kwargs")
        listed = tuple(args.elts) if isinstance(args, ast.Tuple | ast.List) else ((args,) if args else ())
        return listed + (tuple(kwargs.values) if isinstance(kwargs, ast.Dict) else ())

    # -- what is replaced ------------------------------------------------------------------------------

    def _patches(self, function: Function) -> Iterator[Patch]:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (how := self._patcher(node)):
                yield from self._patched(node, how)
            elif isinstance(node, ast.Assign):
                yield from self._set(node)

    def _patcher(self, node: ast.Call) -> str:
        """Name the way in which a call replaces something, "" where it does not."""
        spelled = dotted_name(node.func)
        for how in ("patch.object", "patch.dict", "patch.multiple", "patch"):
            if spelled == how or spelled.endswith(f".{how}"):
                first = spelled.partition(".")[0]
                return (
                    how
                    if first in {"patch", "mock", "mocker", "unittest"} or "mock" in absolute_name(first, self.imports)
                    else ""
                )
        owner, _, last = spelled.rpartition(".")
        return last if owner in {"monkeypatch", "mp", "m"} and last in PATCHERS else ""

    def _patched(self, node: ast.Call, how: str) -> Iterator[Patch]:
        if not node.args:
            return
        first, words = node.args[0], {word.arg: word.value for word in node.keywords if word.arg}
        if how in {"setenv", "delenv"}:
            yield Patch(node, "os.environ", _text(first) or ast.unparse(first), "environment", new=_at(node.args, 1))
        elif how in {"patch.dict", "setitem", "delitem"}:
            named, resolved = (_text(first), True) if _text(first) else self._owner(first)
            kind = "environment" if named in {"os.environ", "environ"} else "item"
            yield Patch(node, named, _text(_at(node.args, 1)), kind, resolved, first, words.get("values"))
        elif how == "patch.multiple":
            owner = self._owner(first)
            yield from (
                Patch(node, owner[0], name, "attribute", owner[1], first, value) for name, value in words.items()
            )
        else:
            yield self._attribute(node, first, words)

    def _attribute(self, node: ast.Call, first: ast.expr, words: Mapping[str, ast.expr]) -> Patch:
        is_property = dotted_name(words.get("new_callable", first)).rpartition(".")[2] == "PropertyMock"
        if text := _text(first):
            owner, _, name = text.rpartition(".")
            new = _at(node.args, 1) or words.get("new") or _mocked(words)
            return Patch(node, owner, name, new=new, is_property_mock=is_property)
        named = _text(_at(node.args, 1) or words.get("name") or words.get("attribute")) or ""
        new = _at(node.args, 2) or words.get("value") or words.get("new") or _mocked(words)
        is_property = is_property or (
            isinstance(new, ast.Call) and dotted_name(new.func).rpartition(".")[2] == "PropertyMock"
        )
        owner, resolved = self._owner(first)
        return Patch(node, owner, named, "attribute", resolved, first, new, is_property)

    def _owner(self, node: ast.expr) -> tuple[str, bool]:
        """Spell an owner as it is known outside of the file, and say whether it is imported."""
        spelled = dotted_name(node) or ast.unparse(node)
        whole = absolute_name(spelled, self.imports)
        return (whole, True) if whole else (spelled, False)

    def _set(self, node: ast.Assign) -> Iterator[Patch]:
        """Find assignments to attributes of what was imported: patches that nobody takes back."""
        for target in node.targets:
            if isinstance(target, ast.Attribute) and (whole := absolute_name(dotted_name(target.value), self.imports)):
                yield Patch(node, whole, target.attr, owner_node=target.value, new=node.value)


# -- small questions ----------------------------------------------------------------------------------


def _assigned(scopes: Sequence[Function | ast.ClassDef | ast.Module]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for scope in scopes:
        nodes = ast.walk(scope) if isinstance(scope, Function) else scope.body
        for node in nodes:
            if isinstance(node, ast.Assign):
                found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
                found[node.target.id] = node.value
    return found


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    return {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _taken(function: Function, fixtures: Mapping[str, Function]) -> Iterator[Function]:
    """Yield the fixtures of the file that a function takes, and those that these take."""
    for name in sorted(_parameters(function) & fixtures.keys()):
        if fixtures[name] is not function:
            yield from _taken(fixtures[name], {each: found for each, found in fixtures.items() if each != name})
            yield fixtures[name]


def _carrying(node: ast.AST, *, within: bool) -> Iterator[Function]:
    """Yield the functions that carry one of MARKERS: as their own, as that of their class, or of their file."""
    carries = within or any(dotted_name(_called(mark)).rpartition(".")[2] in MARKERS for mark in _marks(node))
    if isinstance(node, Function):
        yield from (node,) if carries else ()
        return
    for inner in ast.iter_child_nodes(node):
        yield from _carrying(inner, within=carries)


def _marks(node: ast.AST) -> list[ast.expr]:
    """Return the decorators of a function or class, and what a class or a file has as `pytestmark`."""
    marks = list(node.decorator_list) if isinstance(node, Function | ast.ClassDef) else []
    named = _assigned([node]).get("pytestmark") if isinstance(node, ast.Module | ast.ClassDef) else None
    listed = named.elts if isinstance(named, ast.List | ast.Tuple) else [named] if named else []
    return [*marks, *listed]


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _decorated(function: Function, last: str) -> bool:
    return any(dotted_name(_called(each)).rpartition(".")[2] == last for each in function.decorator_list)


def _is_autouse(function: Function) -> bool:
    words = [word for each in function.decorator_list if isinstance(each, ast.Call) for word in each.keywords]
    return any(word.arg == "autouse" and getattr(word.value, "value", False) for word in words)


def _unwrapped(node: ast.expr) -> ast.expr:
    """Return the function of a `functools.partial`."""
    while isinstance(node, ast.Call) and node.args and dotted_name(node.func).rpartition(".")[2] == "partial":
        node = node.args[0]
    return node


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _at(nodes: Sequence[ast.expr], index: int) -> ast.expr | None:
    return nodes[index] if index < len(nodes) else None


def _mocked(words: Mapping[str, ast.expr]) -> ast.expr | None:
    """Return what a patch by keywords alone returns, as the Mock that it makes: `return_value=`, `side_effect=`."""
    kept = [ast.keyword(name, value) for name, value in words.items() if name in {"return_value", "side_effect"}]
    return ast.Call(ast.Name("MagicMock"), [], kept) if kept else None
