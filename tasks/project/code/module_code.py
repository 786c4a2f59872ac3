"""Find the functions of a file that a change of its own code, outside of functions and classes, can affect."""

import ast
import builtins
import sys
from collections.abc import Collection, Iterable, Iterator
from difflib import SequenceMatcher
from itertools import chain
from typing import NamedTuple

from ..syntax import Function, Scope, bound_names, names

_DYNAMIC = {"globals", "locals", "exec", "eval", "__import__", "import_module"}
_DYNAMIC_ATTRIBUTES = {"modules", "__globals__", "import_module"}
_ACCESS = {"vars", "getattr", "setattr", "delattr"}
"""Dynamic if what they are called with may be a module."""
_WITH_EFFECT = {*_DYNAMIC, "setattr", "delattr", "next"}
_CALLED_BY_PYTHON = {"__getattr__", "__init_subclass__", "__set_name__", "__prepare__"}
"""Functions that run although no code names them."""
_Import = ast.Import | ast.ImportFrom
_PLAIN = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.If, ast.Try, ast.Pass)


class Affected(NamedTuple):
    """The first lines of the affected functions on each side, and the names by which other files can be affected."""

    base: frozenset[int]
    head: frozenset[int]
    names: frozenset[str]


def affected_functions(base: bytes, head: bytes) -> Affected | None:
    """Return which functions of the file a change of its own code can affect; None if any code may be affected.

    A function is affected if it uses a name that a changed statement binds, or one that is bound by means of such a
    name. Raises SyntaxError and ValueError, as `ast.parse` does.
    """
    files = _File(ast.parse(base)), _File(ast.parse(head))
    if any(map(_is_dynamic, files)):
        return None
    changed = _changed(*files)
    bound = [_bound_by(statements, file) for statements, file in zip(changed, files, strict=True)]
    if None in bound:
        return None
    start = frozenset[str]().union(*filter(None, bound))
    affected = [found for file in files if (found := _names_affected(file, start)) is not None]
    if len(affected) != len(files):
        return None
    base_lines, head_lines = (
        frozenset(_lines(file.tree, affected[side], is_affected=False)) for side, file in enumerate(files)
    )
    # What only one side has, no unchanged file uses; what is Python's own, each file imports itself.
    shared = frozenset.union(*affected) & files[0].bound & files[1].bound
    return Affected(base_lines, head_lines, shared - (files[0].of_python & files[1].of_python))


class _File:
    """The syntax tree of a side's file, and the names that it binds."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.statements = [each for each in tree.body if not isinstance(each, Scope) and _is_used(each)]
        self.definitions = [each for each in ast.walk(tree) if isinstance(each, Scope)]
        self.bound = frozenset(bound_names(tree.body))
        imports = [each for each in ast.walk(tree) if isinstance(each, _Import)]
        self.imported = frozenset(bound_names(imports))
        self.of_python = frozenset(bound_names(filter(_is_of_python, imports)))
        self.of_python -= names([tree], ast.Store) | bound_names(each for each in imports if not _is_of_python(each))
        """Names that are imported from the standard library alone."""
        self.without_effect = self.of_python | (frozenset(dir(builtins)) - self.bound - _WITH_EFFECT)
        """What may be called without a change of anything that the file's names are bound to."""


def _is_used(statement: ast.stmt) -> bool:
    """Return whether a statement can matter to an importer: neither `__all__` nor a script's main part does."""
    match statement:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), orelse=[]):
            return False
    return bound_names([statement]) != {"__all__"}


def _is_of_python(statement: ast.AST) -> bool:
    if isinstance(statement, ast.ImportFrom):
        modules = [statement.module or ""] if not statement.level else [""]
    else:
        modules = [each.name for each in ast.walk(statement) if isinstance(each, ast.alias)]
    return all(module.partition(".")[0] in sys.stdlib_module_names for module in modules)


def _is_dynamic(file: _File) -> bool:
    nodes = list(ast.walk(file.tree))
    of_objects = {
        each.func
        for each in nodes
        if isinstance(each, ast.Call) and each.args and not _may_be_module(each.args[0], file)
    }
    for each in nodes:
        match each:
            case ast.Name(id=name) if name in _DYNAMIC or (name in _ACCESS and each not in of_objects):
                return True
            case ast.Attribute(attr=name) if name in _DYNAMIC_ATTRIBUTES:
                return True
            case ast.Attribute(value=value, attr="__dict__") if _may_be_module(value, file):
                return True
    return False


def _may_be_module(node: ast.expr, file: _File) -> bool:
    root = _root(node)
    return not isinstance(root, ast.Name) or root.id in file.imported


def _changed(base: _File, head: _File) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Return the statements that only one side has, or has in another order."""
    before, after = (list(map(ast.dump, file.statements)) for file in (base, head))
    matching = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    same = [(block.a + step, block.b + step) for block in matching for step in range(block.size)]
    sides = ({pair[side] for pair in same} for side in range(2))
    removed, added = (
        [each for number, each in enumerate(file.statements) if number not in numbers]
        for file, numbers in zip((base, head), sides, strict=True)
    )
    return removed, added


def _names_affected(file: _File, changed: frozenset[str]) -> frozenset[str] | None:
    """Return the names with another value because those of `changed` have one; None if that cannot be known."""
    affected, code = changed, frozenset[str]()
    while True:
        seen = affected | code
        users = [each for each in file.definitions if seen & _mentioned([each])]
        # What these compute is seen where they are called: in a call of the benchmark, or while the file is imported.
        code = frozenset(each.name for each in users)
        statements = [each for each in file.statements if seen & _mentioned([each])]
        imported = [part for each in users for part in _run_by_import(each) if seen & _mentioned([part])]
        bound = _bound_by(statements, file)
        calls = [each for each in users if seen & _mentioned(each.decorator_list)]
        if bound is None or _CALLED_BY_PYTHON & code or _has_effects(imported, file) or _are_decorated(calls, file):
            return None
        classes = {each.name for each in users if isinstance(each, ast.ClassDef) and _is_affected(each, seen)}
        affected |= bound | classes | _written_by(users, file)
        if affected | code == seen:
            return affected


def _run_by_import(definition: Scope) -> list[ast.AST]:
    """Return the defaults of a function, or a class's own code, its bases included."""
    if isinstance(definition, ast.ClassDef):
        own = [each for each in definition.body if not isinstance(each, Scope)]
        return [*definition.bases, *definition.keywords, *own]
    return [*definition.args.defaults, *filter(None, definition.args.kw_defaults)]


def _is_affected(definition: ast.ClassDef, seen: frozenset[str]) -> bool:
    """Return whether a class uses a name outside of its methods."""
    parts: list[ast.AST] = [*_run_by_import(definition), *definition.decorator_list]
    parts += [each for each in definition.body if isinstance(each, ast.ClassDef) and _is_affected(each, seen)]
    return bool(seen & _mentioned(parts))


def _lines(node: ast.AST, changed: frozenset[str], *, is_affected: bool) -> Iterator[int]:
    for child in ast.iter_child_nodes(node):
        affected = is_affected or (isinstance(child, ast.ClassDef) and child.name in changed)
        if isinstance(child, Function):
            affected = affected or bool(changed & _mentioned([child]))
            if affected:
                yield min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
        yield from _lines(child, changed, is_affected=affected)


def _walk(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    return chain.from_iterable(map(ast.walk, nodes))


def _mentioned(nodes: Iterable[ast.AST]) -> set[str]:
    """Return names, attributes (a module may have them as its own), and texts, which may be annotations."""
    mentioned = set[str]()
    for each in _walk(nodes):
        match each:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                mentioned.add(name)
    return mentioned


def _bound_by(statements: Collection[ast.stmt], file: _File) -> frozenset[str] | None:
    """Return the names that statements bind; None if one of them may do anything else."""
    if not all(_is_plain(each) for each in _walk(statements) if isinstance(each, ast.stmt)) or _has_effects(
        statements, file
    ):
        return None
    return frozenset(bound_names(statements) | names(statements, ast.Store))


def _is_plain(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            return False
    return isinstance(statement, _PLAIN)


def _has_effects(nodes: Iterable[ast.AST], file: _File) -> bool:
    """Return whether code may change what other names are bound to."""
    for each in _walk(nodes):
        match each:
            case ast.Call(func=function) if not _is_without_effect(function, file):
                return True
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                return True
    return False


def _are_decorated(definitions: Iterable[Scope], file: _File) -> bool:
    """Return whether a decorator of the project may register them, or put anything else under their names."""
    decorators = (decorator for each in definitions for decorator in each.decorator_list)
    return any(not _is_without_effect(each, file) for each in decorators)


def _is_without_effect(function: ast.AST, file: _File) -> bool:
    root = _root(function)
    return root.id in file.without_effect if isinstance(root, ast.Name) else not isinstance(root, ast.Lambda)


def _root(node: ast.AST) -> ast.AST:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node


def _written_by(definitions: Iterable[Scope], file: _File) -> set[str]:
    """Return the file's names that functions may bind again, or whose objects they may change."""
    written = set[str]()
    for each in _walk(definitions):
        match each:
            case ast.Global(names=declared):
                written |= set(declared)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                written |= names([_root(each)])
            case ast.Call():
                written |= names([each])
    return (written & file.bound) - file.imported - {each.name for each in file.definitions}
