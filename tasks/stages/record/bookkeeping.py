"""Recognise changes that save nothing by themselves: what only others use, such as a new cache, and other names."""

import ast
import copy
import symtable
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from ...project.syntax import Function, Scope, last_name, names, parse_or_empty, without_docstring

SLOTS: Final = "__slots__"
COLLECTIONS: Final = frozenset({"dict", "list", "set", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary"})
COMPUTING: Final = ast.Call | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
BLOCKS: Final = ("body", "orelse", "finalbody")
BINDING: Final = {
    ast.Name: "id",
    ast.arg: "arg",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
    ast.MatchStar: "name",
    ast.MatchMapping: "rest",
}
"""The fields that hold the names of variables."""


def saves_nothing(before: str, after: str) -> bool:
    """Return whether head only adds bookkeeping to a function or class, or gives a function's variables other names.

    Bookkeeping is what declares a type, and what assigns, empties or fills names and attributes that base's code of it
    does not use, such as a cache; to assign to others may free memory.
    """
    old, new = (next(iter(parse_or_empty(code.encode()).body), None) for code in (before, after))
    if not isinstance(old, Scope) or not isinstance(new, Scope):
        return False
    try:
        return _only_keeps_books(old, new) or _without_names(old, before) == _without_names(new, after)
    except (RecursionError, SyntaxError):  # hundreds of `elif` are nested so deep; `nonlocal` needs what is around it
        return False


def _without_names(scope: Scope, code: str) -> str:
    """Return the code with a number for each variable of a function."""
    named = [(each, field) for each in ast.walk(scope) if (field := BINDING.get(type(each)))]
    bound = {getattr(each, field) for each, field in named if isinstance(getattr(each, "ctx", ast.Store()), ast.Store)}
    variables = bound.difference({None}, _meaningful_names(code)) if isinstance(scope, Function) else set()
    numbers: dict[str, str] = {}
    for each, field in named:
        if (name := getattr(each, field)) in variables:
            setattr(each, field, numbers.setdefault(name, str(len(numbers))))
    return ast.dump(scope)


def _meaningful_names(code: str) -> set[str]:
    """Return the names that are global anywhere in a function, or those of a class in it."""
    tables = [symtable.symtable(code, "", "exec")]
    for table in tables:
        tables.extend(table.get_children())
    return {
        each.get_name()
        for table in tables
        for each in table.get_symbols()
        if table.get_type() != "function" or each.is_global()
    }


def _only_keeps_books(old: Scope, new: Scope) -> bool:
    if _header_of(old) != _header_of(new):
        return False
    added = _added(without_docstring(old), without_docstring(new))
    if added is None or not (added or _slots(old) != _slots(new)):
        return False
    used = {each.attr for each in ast.walk(old) if isinstance(each, ast.Attribute)} | names([old], ast.expr_context)
    return all(_is_constant(each, used) or _is_of_new_attributes(each, used) for each in added)


def _added(old: Sequence[ast.stmt], new: Sequence[ast.stmt]) -> list[ast.stmt] | None:
    """Return the statements that are new, at any depth; None if others are changed, moved or gone."""
    added: list[ast.stmt] = []
    rest = deque(old)
    for statement in new:
        if rest and _comparable(rest[0]) == _comparable(statement):
            rest.popleft()
        elif rest and (within := _added_within(rest[0], statement)) is not None:
            rest.popleft()
            added += within
        else:
            added.append(statement)
    return None if rest else added


def _added_within(old: ast.stmt, new: ast.stmt) -> list[ast.stmt] | None:
    """Return what is new in the blocks of a statement; None if it is another statement."""
    if not isinstance(old, type(new)) or not hasattr(new, "body") or _header_of(old) != _header_of(new):
        return None
    blocks = [_added(getattr(old, block, []), getattr(new, block, [])) for block in BLOCKS]
    return None if None in blocks else list(chain.from_iterable(filter(None, blocks)))


def _header_of(node: ast.stmt) -> str:
    """Return a statement without its blocks, such as the first line of a function with its decorators."""
    empty = copy.copy(node)
    for block in BLOCKS:
        if hasattr(empty, block):
            setattr(empty, block, [ast.Pass()] if block == "body" else [])
    return ast.dump(empty)


def _comparable(statement: ast.stmt) -> str:
    return SLOTS if _names_slots(statement) else ast.dump(statement)


def _names_slots(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and SLOTS in names(statement.targets, ast.Store)


def _slots(node: Scope) -> list[str]:
    return [ast.dump(each) for each in node.body if _names_slots(each)]


def _is_constant(statement: ast.stmt, used: set[str]) -> bool:
    """Return whether a statement assigns a constant or an empty collection to what is new, or only declares a type."""
    if isinstance(statement, ast.AnnAssign) and statement.value is None:
        return True
    if not used.isdisjoint(last_name(each) for each in _changed_by(statement)):
        return False
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    is_empty = isinstance(value, ast.List | ast.Tuple | ast.Dict | ast.Set | ast.Call) and not any(
        isinstance(each, ast.expr) for each in ast.iter_child_nodes(value) if each is not getattr(value, "func", None)
    )
    is_collection = not isinstance(value, ast.Call) or last_name(value) in COLLECTIONS
    return isinstance(value, ast.Constant) or (is_empty and is_collection)


def _is_of_new_attributes(statement: ast.stmt, used: set[str]) -> bool:
    """Return whether a statement changes nothing but attributes that are not `used`, without computing much.

    What ends the function, like `return`, may save something.
    """
    if isinstance(statement, ast.If):
        return all(_is_of_new_attributes(each, used) for each in (*statement.body, *statement.orelse))
    changed = list(_changed_by(statement))
    computing = sum(isinstance(each, COMPUTING) for each in ast.walk(statement)) - isinstance(statement, ast.Expr)
    are_new = all(isinstance(each, ast.Attribute) and each.attr not in used for each in changed)
    return bool(changed) and are_new and not computing


def _changed_by(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield what a statement assigns to, deletes, or calls a method of, without subscripts."""
    targets: Sequence[ast.expr] = ()
    match statement:
        case ast.Assign() | ast.Delete():
            targets = statement.targets
        case ast.AugAssign() | ast.AnnAssign():
            targets = (statement.target,)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))):
            targets = (owner,)
    for target in targets:
        while isinstance(target, ast.Subscript):
            target = target.value  # noqa: PLW2901 - what holds the element
        yield target
