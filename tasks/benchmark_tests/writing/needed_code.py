"""Copy what code of a test needs of its module and of the tests' helper modules: imports and definitions."""

import ast
import builtins
import copy
import posixpath
import symtable
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from ...artifacts import Layout
from ...project.code.modules import is_own_module, is_test, module_of
from ...project.code.sources import Sources
from ...project.syntax import (
    Function,
    Scope,
    bound_names,
    callee,
    dotted_name,
    parameter_names,
    parse_or_empty,
    postpones_annotations,
    source_of,
    statements_by_name,
    string_value,
    with_globals,
)
from ..reading import PytestFile, PytestFunction
from .assertions import OPENING

ALWAYS_THERE = frozenset({*dir(builtins), "__name__", "__file__", "__doc__"})
PATHS = frozenset({"Path(__file__)", "pathlib.Path(__file__)"})
RESOLVING = frozenset({"resolve", "absolute"})
TEXT_PATHS = frozenset({"__file__", "os.path.abspath(__file__)", "os.path.realpath(__file__)"})
ENDINGS = (".py", "/__init__.py")


class NotCopiedError(Exception):
    """Code of a test cannot be copied; the message says why, after "it"."""


@dataclass(frozen=True)
class TestModule:
    """A file of tests, or of their support code."""

    __test__ = False  # this is no test class

    path: str
    text: str

    @cached_property
    def pytest_file(self) -> PytestFile:
        return PytestFile.of(self.text.encode())

    @property
    def body(self) -> list[ast.stmt]:
        return self.pytest_file.module.body

    @cached_property
    def bound(self) -> dict[str, list[ast.stmt]]:
        """The statements of the module that bind a name."""
        return statements_by_name(self.pytest_file.module)

    def code(self, node: ast.stmt) -> str:
        return source_of(node, self.text)

    def functions(self, owner: ast.ClassDef | None) -> list[PytestFunction]:
        """Return the functions of a class, or those outside of classes, the last one first."""
        return [each for each in reversed(self.pytest_file.functions) if each.owner is owner]

    def class_(self, name: str) -> ast.ClassDef | None:
        return next((each for each in self.bound.get(name, ()) if isinstance(each, ast.ClassDef)), None)


@dataclass(frozen=True)
class TestClass:
    """A class of tests, or one that it inherits from, and its file."""

    __test__ = False

    node: ast.ClassDef
    file: TestModule

    def functions(self) -> list[PytestFunction]:
        return self.file.functions(self.node)

    def method(self, name: str) -> Function | None:
        return next((each for each in self.node.body if isinstance(each, Function) and each.name == name), None)


class TestModules:
    """The files of tests in a tree, as the tests import them."""

    __test__ = False

    def __init__(self, sources: Sources, layout: Layout) -> None:
        self.sources, self.layout = sources, layout
        self._files = frozenset(sources.tree.files())
        self._read: dict[str, TestModule] = {}

    def module(self, path: str) -> TestModule | None:
        if path not in self._files:
            return None
        if path not in self._read:
            text = (self.sources.tree.read(path) or b"").decode("utf-8", "replace")
            self._read[path] = TestModule(path, text)
        return self._read[path]

    def classes(self, file: TestModule, name: str) -> list[TestClass]:
        """Return a class and those of test files that it inherits from, in the order in which Python looks them up."""
        found = list(self._classes(file, name, frozenset()))
        # Of a class that several others inherit from, the last place counts.
        return [each for index, each in enumerate(found) if each not in found[index + 1 :]]

    def _classes(self, file: TestModule, name: str, below: frozenset[tuple[str, str]]) -> Iterator[TestClass]:
        origin = self._origin_of(file, name)
        node = origin[0].class_(origin[1]) if origin else None
        if origin is None or node is None or (origin[0].path, origin[1]) in below:
            return
        yield TestClass(node, origin[0])
        for base in filter(None, map(dotted_name, node.bases)):
            yield from self._classes(origin[0], base, below | {(origin[0].path, origin[1])})

    def _origin_of(self, file: TestModule, name: str) -> tuple[TestModule, str] | None:
        """Return the file of tests that a name of a file, like `Case` or `module.Case`, is from, and its name there."""
        module, _, attribute = name.rpartition(".")
        own = module or name
        statements = file.bound.get(own.partition(".")[0], ())
        node = next((each for statement in statements for each in _imports(statement, own)), None)
        if node is None:
            return None if module else (file, name)
        original = next((each.name for each in node.names if (each.asname or each.name) == (module or name)), name)
        if module:
            node = ast.ImportFrom(module=".".join(filter(None, (node.module, original))), names=[], level=node.level)
        with suppress(NotCopiedError):
            imported = self.imported(node, file.path)
            if isinstance(imported, TestModule) and imported.path != file.path:
                return self._origin_of(imported, attribute if module else original)
        return None

    def imported(self, node: ast.ImportFrom, path: str) -> TestModule | str:
        """Return the file of tests that an import of the file at `path` is from, else the module's absolute name."""
        folders = posixpath.dirname(path).split("/") if posixpath.dirname(path) else []
        parts = node.module.split(".") if node.module else []
        if node.level:
            stems = ["/".join([*folders[: len(folders) - node.level + 1], *parts])]
        else:
            roots = ["/".join(folders[:count]) for count in range(len(folders), 0, -1)]
            stems = [posixpath.join(root, *parts) for root in (*roots, *self.layout.import_roots, "")]
        found = next((stem + end for stem in stems for end in ENDINGS if stem + end in self._files), None)
        if found is None:
            if node.level:
                raise NotCopiedError(f"imports {'.' * node.level}{node.module or ''}, which is no file of the project")
            return node.module or ""
        module = module_of(found, self.layout.import_roots)
        if is_test(found, self.layout) or not (module and is_own_module(module, self.layout)):
            return self.module(found) or ""
        return module


def _imports(statement: ast.stmt, name: str) -> Iterator[ast.ImportFrom]:
    """Yield the imports that bind a name, also those that are tried, each as one of a name from a module."""
    if isinstance(statement, ast.Try):
        tried = (*statement.body, *(each for handler in statement.handlers for each in handler.body))
        yield from (found for each in tried for found in _imports(each, name))
    elif isinstance(statement, ast.ImportFrom) and name in bound_names([statement]):
        yield statement
    elif isinstance(statement, ast.Import):
        for each in statement.names:
            package, _, last = each.name.rpartition(".")
            if name == (each.asname or each.name):
                yield ast.ImportFrom(module=package or None, names=[ast.alias(last, name)], level=0)


@dataclass
class NeededCode:
    """Collects the imports and definitions that some code needs, each definition after those that it needs itself."""

    modules: TestModules
    folder: str
    """That of the benchmark."""
    imports: dict[str, None] = field(default_factory=dict)
    definitions: dict[str, None] = field(default_factory=dict)
    _origins: dict[str, object] = field(default_factory=dict)
    """Where each name is from: no two may share a name."""
    _annotated: dict[str, bool] = field(default_factory=dict)
    """The files whose annotations are copied, and whether they postpone them."""
    _pending: set[tuple[str, str]] = field(default_factory=set)

    def add(self, code: str, file: TestModule, *, known: Collection[str] = ()) -> None:
        """Add what code uses of a file, but not the names that are `known`; raise NotCopiedError."""
        for name in sorted(used_names(code) - set(known)):
            if not self._add(name, file) and name not in ALWAYS_THERE:
                raise NotCopiedError(f"uses {name}, which {file.path} does not define")
        module = parse_or_empty(code.encode())
        if any(_annotations(module)):
            self._annotated[file.path] = postpones_annotations(file.pytest_file.module)
        for name in sorted(_mentioned(module, file) - set(known)):
            self._add(name, file)

    def add_fixture(self, node: Function, file: TestModule, *, is_changed: bool) -> None:
        """Add a fixture of a file after what it needs; its code is that of the file unless it `is_changed`."""
        self._note(node.name, (file.path, node.name))
        self.check_inner_imports(node, file)
        moved = with_paths(copy.deepcopy(node), file.path, self.folder)
        code = ast.unparse(ast.fix_missing_locations(moved)) if is_changed else self._code(node, file)
        self.add(code, file, known={node.name, *OPENING.values(), *parameter_names(node.args)})
        self.definitions[code] = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._origins)

    @property
    def all_imports(self) -> tuple[str, ...]:
        postponed = any(self._annotated.values())
        return (*(["from __future__ import annotations"] if postponed else ()), *self.imports)

    def _add(self, name: str, file: TestModule) -> bool:
        """Add what a name of a file needs; return whether it is defined there."""
        statements = file.bound.get(name)
        if not statements and name == "pytest":  # what unittest's assertions became
            self.imports["import pytest"] = None
            return True
        if not statements:
            return any(self._from(node, name, name, file) for node in star_imports(file))
        for statement in statements:
            if isinstance(statement, ast.Import):
                self._import(statement, name, file)
            elif isinstance(statement, ast.ImportFrom):
                original = next(each.name for each in statement.names if (each.asname or each.name) == name)
                if not self._from(statement, original, name, file):
                    module = "." * statement.level + (statement.module or "")
                    raise NotCopiedError(f"imports {original} of {module}, which does not define it")
            else:
                self._define(statement, name, file)
        return True

    def _note(self, name: str, origin: object) -> bool:
        """Note where a name is from; return whether that is new."""
        if self._origins.setdefault(name, origin) != origin:
            raise NotCopiedError(f"needs two things that are named {name}")
        return True

    def _import(self, node: ast.Import, name: str, file: TestModule) -> None:
        for alias in node.names:
            if (alias.asname or alias.name.partition(".")[0]) == name:
                as_from = ast.ImportFrom(module=alias.name, names=[], level=0)
                if isinstance(self.modules.imported(as_from, file.path), TestModule):
                    raise NotCopiedError(f"imports {alias.name}, a module of tests")
                line = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
                self._note(name, name)
                self.imports[line] = None

    def _from(self, node: ast.ImportFrom, original: str, name: str, file: TestModule) -> bool:
        """Add the import of a name from a module, or its definition if that is a module of tests."""
        imported = self.modules.imported(node, file.path)
        if isinstance(imported, TestModule):
            submodule = ast.ImportFrom(".".join(filter(None, (node.module, original))), [], node.level)
            if name not in imported.bound and self._is_of_tests(submodule, file):
                raise NotCopiedError(f"imports {original}, a module of tests")
            if imported.path == file.path:
                return False
            if original != name:
                raise NotCopiedError(f"renames {original}, which it imports from {imported.path}")
            return self._add(name, imported)
        is_star = node.names[0].name == "*"
        if is_star and self.modules.sources.try_find(f"{imported}:{original}") is None:
            return False
        self._note(name, (imported, original))
        self.imports[f"from {imported} import {original}" + (f" as {name}" if name != original else "")] = None
        return True

    def _is_of_tests(self, node: ast.ImportFrom, file: TestModule) -> bool:
        with suppress(NotCopiedError):
            return isinstance(self.modules.imported(node, file.path), TestModule)
        return False

    def _define(self, statement: ast.stmt, name: str, file: TestModule) -> None:
        code = self._code(statement, file)
        if isinstance(statement, Function) and any(each.node is statement for each in file.pytest_file.tests):
            raise NotCopiedError(f"calls {name}, another test")
        if not self._note(name, (file.path, name)) or code in self.definitions or (file.path, code) in self._pending:
            return
        self.check_inner_imports(statement, file)
        self._pending.add((file.path, code))
        self.add(code, file, known={name})
        self.definitions[code] = None
        # What a module does with an object after it has made it belongs to it.
        for other in () if isinstance(statement, Scope) else file.body:
            if isinstance(other, ast.Expr) and receiver_of(other.value) == name:
                self.add(file.code(other), file, known={name})
                self.definitions[file.code(other)] = None

    def _code(self, statement: ast.stmt, file: TestModule) -> str:
        changed = with_paths(copy.deepcopy(statement), file.path, self.folder)
        is_same = ast.dump(changed) == ast.dump(statement)
        return file.code(statement) if is_same else ast.unparse(ast.fix_missing_locations(changed))

    def check_inner_imports(self, statement: ast.stmt, file: TestModule) -> None:
        """Raise NotCopiedError if an import within a statement means a module of tests, or is relative."""
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and (
                node.level or isinstance(self.modules.imported(node, file.path), TestModule)
            ):
                raise NotCopiedError(f"imports {'.' * node.level}{node.module or ''} within other code")


def with_paths(statement: ast.stmt, path: str, folder: str) -> ast.stmt:
    """Return a statement of the file at `path` with its paths to other files as a file in `folder` has them.

    Raise NotCopiedError if it uses `__file__` in another way than `Path(__file__).parent` or `os.path.dirname`.
    """
    changed: ast.stmt = _Paths(path, folder).visit(statement)
    uses = [each for each in ast.walk(changed) if isinstance(each, ast.Name) and each.id == "__file__"]
    if any(not getattr(each, "is_moved", False) for each in uses):
        raise NotCopiedError(f"uses __file__, the path of {path}")
    return changed


class _Paths(ast.NodeTransformer):
    """Replaces `Path(__file__).parent` and `os.path.dirname(__file__)`."""

    def __init__(self, path: str, folder: str) -> None:
        self._path, self._folder = path, folder

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if dotted_name(node.func) != "os.path.dirname" or ", ".join(map(ast.unparse, node.args)) not in TEXT_PATHS:
            self.generic_visit(node)
            return node
        relative = ast.Constant(posixpath.relpath(posixpath.dirname(self._path) or ".", self._folder or "."))
        own_folder = ast.Call(node.func, [_own_file()], [])
        join, abspath = (ast.parse(f"os.path.{name}", mode="eval").body for name in ("join", "abspath"))
        return ast.Call(abspath, [ast.Call(join, [own_folder, relative], [])], [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        levels = 0
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute) and inner.attr == "parent":
            levels, inner = levels + 1, inner.value
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in RESOLVING:
            inner = inner.func.value
        if not levels or not isinstance(inner, ast.Call) or ast.unparse(inner) not in PATHS:
            self.generic_visit(node)
            return node
        target = self._path
        for _ in range(levels):
            target = posixpath.dirname(target)
        depth = len(self._folder.split("/")) if self._folder else 0
        parents = ast.Attribute(ast.Call(inner.func, [_own_file()], []), "parents", ast.Load())
        root = ast.Subscript(parents, ast.Constant(depth), ast.Load())
        return ast.BinOp(root, ast.Div(), ast.Constant(target)) if target else root


def _own_file() -> ast.Name:
    """Return `__file__` of the benchmark, rather than that of a test."""
    file = ast.Name("__file__", ast.Load())
    file.is_moved = True  # type: ignore[attr-defined]
    return file


def used_names(code: str) -> set[str]:
    """Return the names that code takes from its module or from the builtins."""

    def tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
        yield table
        for child in table.get_children():
            yield from tables(child)

    top = symtable.symtable(with_globals(code), "<test>", "exec")
    own = {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}
    inner = (each for table in tables(top) if table is not top for each in table.get_symbols())
    used = {each.get_name() for each in inner if each.is_global() and each.is_referenced()}
    return (used | {each.get_name() for each in top.get_symbols() if each.is_referenced()}) - own


def _mentioned(module: ast.Module, file: TestModule) -> set[str]:
    """Return the names of a file's classes that code mentions in texts, and those in its annotations."""
    texts = filter(None, map(string_value, ast.walk(module)))
    classes = {text for text in texts if file.class_(text)}
    return {name for name in classes | annotated_names(module) if name in file.bound}


def annotated_names(module: ast.Module) -> set[str]:
    """Return the names in annotations, which may be texts."""
    return set[str]().union(*map(_names_in, _annotations(module)))


def _annotations(module: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(module):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield node.annotation
        elif isinstance(node, Function) and node.returns:
            yield node.returns


def _names_in(annotation: ast.expr) -> set[str]:
    texts = (string_value(node) for node in ast.walk(annotation))
    nodes: list[ast.AST] = [annotation, *(parse_or_empty(text.encode()) for text in texts if text)]
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def star_imports(file: TestModule) -> Sequence[ast.ImportFrom]:
    return [each for each in file.body if isinstance(each, ast.ImportFrom) and each.names[0].name == "*"]


def receiver_of(node: ast.expr) -> str:
    """Return `a` for `a.b.c(...)`."""
    node = callee(node)
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
