"""Recognise changes that alone save nothing: what others use, such as a new cache, and other names of variables."""

import ast
import copy
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from ...project.code.sources import LocatedDefinition
from ...project.syntax import Scope, last_name, names, parse_or_empty, without_docstring

SLOTS: Final = "__slots__"
COLLECTIONS: Final = frozenset({"dict", "list", "set", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary"})
COMPUTING: Final = ast.Call | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
BLOCKS: Final = ("body", "orelse", "finalbody")


def saves_nothing(before: LocatedDefinition | None, after: LocatedDefinition | None) -> bool:
    """Return whether head only adds bookkeeping to a function or class, or gives its variables other names.

    Bookkeeping is what declares a type, and what assigns, empties or fills names and attributes that base's code of it
    does not use, such as a cache; to assign to others may free memory.
    """
    if before is None or after is None:
        return False
    bodies = [parse_or_empty(each.definition.untyped_code.encode()).body for each in (before, after)]
    old, new = (next(iter(body), None) for body in bodies)
    if not isinstance(old, Scope) or not isinstance(new, Scope):
        return False
    return _only_keeps_books(old, new) or _only_renames_variables(old, new)


def _only_renames_variables(old: Scope, new: Scope) -> bool:
    """Return whether head differs in names of variables alone that base does not have: others may be swapped."""
    if _unnamed(old) != _unnamed(new):
        return False
    before, after = (list(_names_in_order(each)) for each in (old, new))
    return {name for name, was in zip(after, before, strict=True) if name != was}.isdisjoint(before)


def _unnamed(node: Scope) -> str:
    """Return the code of a function, or of those in a class, without the names of its variables."""
    variables = names([node], ast.Store) | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return ast.dump(_Unnamed(variables).visit(copy.deepcopy(node)))


class _Unnamed(ast.NodeTransformer):
    def __init__(self, variables: set[str]) -> None:
        self._variables = variables

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("" if node.id in self._variables else node.id, node.ctx)

    def visit_arg(self, _node: ast.arg) -> ast.arg:
        return ast.arg("")


def _names_in_order(node: Scope) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.arg):
            yield each.arg


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
