"""Name the definitions of a scope, each differently, and find out how code elsewhere calls them."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from ..syntax import Function, Scope, callee, dotted_name, last_name, statements_of

Role = Literal["", "setter", "deleter", "overload", "registered", "added"]
"""`added` is what a decorator of an earlier definition adds to it in another way, like SQLAlchemy's `expression`."""

_ACCESSORS: Final[dict[str, Role]] = {"setter": "setter", "deleter": "deleter"}
_WRAPPERS: Final = frozenset(
    {"property", "cached_property", "staticmethod", "classmethod", "cache", "lru_cache", "jit", "njit"}
)
"""Calls that make a function of a lambda; `defaultdict(lambda: 0)` does not."""


@dataclass(frozen=True, slots=True)
class NamedDefinition:
    """A definition's `name` in its scope, and the name by which code elsewhere calls it, "" if by none."""

    node: Scope
    name: str
    called: str
    role: Role = ""


def named_definitions(
    body: Iterable[ast.stmt], owner: str = "", *, lambdas: bool = True
) -> tuple[NamedDefinition, ...]:
    """Name the definitions of a scope and its compound statements, in order; `owner` is the name of a class, or "".

    With `lambdas`, one that is bound to a name is a function.
    A definition that a decorator adds to another one is named after that: `rows.setter`, `show.register(int)`. Of
    several definitions with one name, the last has it, and the others get numbers: `rows#1`.
    """
    nodes = list(_nodes(body, lambdas=lambdas))
    own = Counter(node.name for node in nodes)
    named = [_named(node, owner, is_alone=own[node.name] == 1) for node in nodes]
    left = Counter(each.name for each in named if each.role != "overload")
    count = dict(left)
    unique = []
    for each in named:
        name = each.name
        if each.role != "overload":
            left[name] -= 1
            if left[name]:
                is_lost = not name.strip("_")
                number = count[name] - left[name]
                each = replace(each, name=f"{name}#{number}", called="" if is_lost else each.called)  # noqa: PLW2901
        unique.append(each)
    return tuple(unique)


def function_of(statement: ast.stmt) -> ast.FunctionDef | None:
    """Return the function that an assignment makes of a lambda: `key = lambda row: row.id`; None for others."""
    if isinstance(statement, ast.Assign):
        target = statement.targets[0] if len(statement.targets) == 1 else None
    else:
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
    value, decorators = getattr(statement, "value", None), list[ast.expr]()
    while isinstance(value, ast.Call) and len(value.args) == 1 and last_name(value.func) in _WRAPPERS:
        decorators.append(value.func)
        value = value.args[0]
    if not isinstance(target, ast.Name) or not isinstance(value, ast.Lambda):
        return None
    returned = ast.copy_location(ast.Return(value.body), value.body)
    function = ast.FunctionDef(name=target.id, args=value.args, body=[returned], decorator_list=decorators)
    return ast.copy_location(function, statement)


def _nodes(body: Iterable[ast.stmt], *, lambdas: bool) -> Iterator[Scope]:
    for statement in body:
        if isinstance(statement, Scope):
            yield statement
        elif lambdas and (function := function_of(statement)):
            yield function
        else:
            yield from _nodes(statements_of(statement), lambdas=lambdas)


def _named(node: Scope, owner: str, *, is_alone: bool) -> NamedDefinition:
    called = _mangled(node.name, owner)
    decorators = [] if isinstance(node, ast.ClassDef) else node.decorator_list
    for decorator in decorators:
        holder, _, word = dotted_name(callee(decorator)).rpartition(".")
        if holder.rpartition(".")[2] == node.name and word in _ACCESSORS:
            return NamedDefinition(node, f"{node.name}.{word}", called, _ACCESSORS[word])
        if last_name(decorator) == "overload":
            return NamedDefinition(node, node.name, called, "overload")
        is_spare = not is_alone or not node.name.strip("_")
        if word == "register" and holder and is_spare and (types := _registered_types(node, holder)):
            return NamedDefinition(node, f"{holder}.register({types})", _mangled(holder, owner), "registered")
        if holder == node.name and word != "getter":
            return NamedDefinition(node, f"{node.name}.{word}", "", "added")
    return NamedDefinition(node, node.name, called)


def _registered_types(node: Scope, generic: str) -> str:
    """Return the types that an implementation of a generic function is for, "" if its registration names none."""
    if not isinstance(node, Function):
        return ""
    passed: list[ast.expr] = []
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and dotted_name(decorator.func) == f"{generic}.register":
            passed += decorator.args
    annotated = [each.annotation for each in (*node.args.posonlyargs, *node.args.args) if each.annotation]
    types = passed or annotated[:1]
    if any(isinstance(each, ast.Constant) and each in passed for each in types):
        return ""  # a registry of names
    texts = (ast.unparse(each).replace("type(None)", "None") for each in types)
    return ", ".join(re.sub(r"\w+\.|[^\w ,|\[\]]", "", text) for text in texts)


def _mangled(name: str, owner: str) -> str:
    """Return the name by which code outside of a class finds one of its attributes."""
    is_private = name.startswith("__") and not name.endswith("__") and "." not in name
    return f"_{owner.lstrip('_')}{name}" if is_private and owner.strip("_") else name
