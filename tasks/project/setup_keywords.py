"""Read the keywords of `setup(...)` in a setup.py without running it: literals, and what the file builds of them."""

import ast
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from .syntax import last_name, parse_or_empty

_UNREADABLE: Final = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
)  # fmt: skip
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    function.__name__: function for function in (dict, list, tuple, sorted, sum)
}
_METHODS: Final = frozenset(
    {"append", "copy", "extend", "format", "get", "items", "join", "keys", "setdefault", "split", "splitlines"}
    | {"strip", "update", "values"}
)
_OPERATORS: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Mod: operator.mod, ast.BitOr: operator.or_,
}  # fmt: skip
_IN_PLACE: Final[dict[type, Callable[[Any, Any], Any]]] = {ast.Add: operator.iadd, ast.BitOr: operator.ior}

_Names = dict[str, Any]
"""The values of a file's names, None for one that cannot be read."""


def setup_keywords(source: bytes) -> dict[str, object]:
    """Return the keywords, None for each that cannot be read; `find_packages("src")` reads as its folder."""
    # setup.py may be written for another Python.
    module = parse_or_empty(source)
    call = next((node for node in ast.walk(module) if isinstance(node, ast.Call) and last_name(node) == "setup"), None)
    if call is None:
        return {}
    names: _Names = {}
    for statement in _statements_around(call, module):
        with suppress(*_UNREADABLE):
            _execute(statement, names)
    return _keywords(call, names)


def _statements_around(call: ast.Call, node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of the module, and of the functions and blocks that the call is in; others may not run."""
    for _, block in ast.iter_fields(node):
        if isinstance(block, list) and any(call in ast.walk(each) for each in block):
            for each in block:
                if isinstance(each, ast.stmt):
                    yield each
                yield from _statements_around(call, each)


def _execute(statement: ast.stmt, names: _Names) -> None:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _store(target, _value_or_none(value, names), names)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _store(target, _value_or_none(value, names), names)
        case ast.AugAssign(target=target, op=op, value=value):
            _store(target, _IN_PLACE[type(op)](_value(target, names), _value(value, names)), names)
        case ast.Expr(value=ast.Call(func=ast.Attribute()) as call):
            _value(call, names)


def _store(target: ast.expr, value: Any, names: _Names) -> None:
    match target:
        case ast.Name(id=name):
            names[name] = value
        case ast.Subscript(value=owner, slice=key):
            _value(owner, names)[_value(key, names)] = value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for each, part in zip(targets, value, strict=True):
                _store(each, part, names)


def _value(node: ast.expr, names: _Names) -> Any:  # noqa: PLR0911 - one for each kind of expression
    """Return the value of an expression; raise one of _UNREADABLE if it is not built of literals alone."""
    match node:
        case ast.Name(id=name):
            if names.get(name) is None:
                raise LookupError(name)
            return names[name]
        case ast.Subscript(value=owner, slice=key):
            return _value(owner, names)[_value(key, names)]
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.JoinedStr(values=parts):
            return "".join(_value(part, names) for part in parts)
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            return str(_value(inner, names))
        case ast.Dict() | ast.List() | ast.Tuple():
            return _container(node, names)
        case ast.Call():
            return _called(node, names)
    return ast.literal_eval(node)


def _container(node: ast.Dict | ast.List | ast.Tuple, names: _Names) -> Any:
    if isinstance(node, ast.Dict):
        return _table(zip(node.keys, node.values, strict=True), names)
    if isinstance(node, ast.Tuple):
        return tuple(_value(each, names) for each in node.elts)
    elements: list[Any] = []
    for each in node.elts:
        elements += _value(each.value, names) if isinstance(each, ast.Starred) else [_value_or_none(each, names)]
    return elements


def _value_or_none(node: ast.expr, names: _Names) -> Any:
    with suppress(*_UNREADABLE):
        return _value(node, names)
    return None


def _table(pairs: Iterable[tuple[ast.expr | None, ast.expr]], names: _Names) -> dict[Any, Any]:
    """Return a dictionary without what has no readable key; a pair without a key is `**` of its value."""
    table: dict[Any, Any] = {}
    for key, value in pairs:
        with suppress(*_UNREADABLE):
            table |= {_value(key, names): _value_or_none(value, names)} if key else _value(value, names)
    return table


def _keywords(call: ast.Call, names: _Names) -> dict[Any, Any]:
    return _table(((ast.Constant(each.arg) if each.arg else None, each.value) for each in call.keywords), names)


def _called(call: ast.Call, names: _Names) -> Any:
    name, keywords = last_name(call), _keywords(call, names)
    if name in {"find_packages", "find_namespace_packages"}:
        return _value(call.args[0], names) if call.args else keywords.get("where", ".")
    if isinstance(call.func, ast.Attribute) and name in _METHODS:
        function = getattr(_value(call.func.value, names), name)
    else:
        function = _FUNCTIONS[ast.unparse(call.func)]
    if name not in {"dict", "update"} and None in keywords.values():
        raise LookupError(name)
    return function(*(_value(each, names) for each in call.args), **keywords)
