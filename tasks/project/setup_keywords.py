"""Read the keywords of `setup(...)` in a setup.py without running it: literals, and what the file builds of them."""

import ast
import operator
import re
import string
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

LARGEST: Final = 1 << 18
"""Bytes of a value, eight for an element and one for a character; what packages say of themselves is far below."""
WORK: Final = 1 << 19
"""Elements, and 64 characters each, that a whole file may make: many small steps are much together."""
_FIELD: Final = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(\*|\d{4}|\d*\.(?:\*|\d{4}))?")


class _Names(dict[str, Any]):
    """The values of a file's names, None for one that cannot be read."""

    left = WORK

    def checked(self, value: Any) -> Any:
        """Return a value that is not too large."""
        self.size(value)
        return value

    def size(self, value: Any) -> int:
        """Return the bytes of a value; raise ValueError if they are too many, or if it contains itself."""
        size = 0
        for part in _parts(value):
            length = len(part) if isinstance(part, str | bytes) else 0
            bits = part.bit_length() if isinstance(part, int) else 0
            size += 8 + length + bits // 8
            self.left -= 1 + length // 64
            if size > LARGEST or self.left < 0:
                raise ValueError("too large")
        return size

    def check_text(self, copies: int, *values: Any) -> None:
        """Refuse a text that would hold some values so often, or a part of them that cannot be read."""
        if copies * self.size(values) > LARGEST:
            raise ValueError("too large")
        if any(part is None for part in _parts(values)):
            raise LookupError("a part is not known")

    def changed(self, owner: Any) -> None:
        """Forget all names if a value that was changed in place is too large: several may have it."""
        try:
            self.size(owner)
        except ValueError:
            self.clear()
            raise


def _parts(value: Any) -> Iterator[Any]:
    """Yield a value and all that it holds; without end if it holds itself."""
    parts = [value]
    while parts:
        part = parts.pop()
        yield part
        match part:
            case dict():
                parts += (*part, *part.values())
            case list() | tuple():
                parts += part


def setup_keywords(source: bytes) -> dict[str, object]:
    """Return the keywords, None for each that cannot be read; `find_packages("src")` reads as its folder."""
    # setup.py may be written for another Python.
    module = parse_or_empty(source)
    call = next((node for node in ast.walk(module) if isinstance(node, ast.Call) and last_name(node) == "setup"), None)
    if call is None:
        return {}
    names = _Names()
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
            _add_in_place(target, op, value, names)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner)) as call):
            try:
                _value(call, names)
            except _UNREADABLE:
                _store(owner, None, names)  # it may have been changed


def _add_in_place(target: ast.expr, op: ast.operator, value: ast.expr, names: _Names) -> None:
    owner = _value(target, names)
    try:
        _store(target, _IN_PLACE[type(op)](owner, _value(value, names)), names)
    except _UNREADABLE:
        _store(target, None, names)
        raise
    names.changed(_value(target, names))


def _store(target: ast.expr, value: Any, names: _Names) -> None:
    match target:
        case ast.Name(id=name):
            names[name] = value
        case ast.Subscript(value=owner, slice=key):
            changed = _value(owner, names)
            changed[_value(key, names)] = value
            names.changed(changed)
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
            return names.checked(_combined(op, _value(left, names), _value(right, names), names))
        case ast.JoinedStr(values=parts):
            return names.checked("".join(_value(part, names) for part in parts))
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            value = _value(inner, names)
            names.check_text(1, value)
            return str(value)
        case ast.Dict() | ast.List() | ast.Tuple():
            return names.checked(_container(node, names))
        case ast.Call():
            return names.checked(_called(node, names))
    return ast.literal_eval(node)


def _combined(op: ast.operator, left: Any, right: Any, names: _Names) -> Any:
    if isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        text = left if isinstance(left, str) else left.decode("latin-1")
        if any(width for width in _FIELD.findall(text)):
            raise ValueError("the width may be any")
        names.check_text(text.count("%"), right)
    return _OPERATORS[type(op)](left, right)


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
    owner = None
    if isinstance(call.func, ast.Attribute) and name in _METHODS:
        owner = _value(call.func.value, names)
        function = getattr(owner, name)
    else:
        function = _FUNCTIONS[ast.unparse(call.func)]
    if name not in {"dict", "update"} and None in keywords.values():
        raise LookupError(name)
    arguments = [_value(each, names) for each in call.args]
    if name == "format" and isinstance(owner, str):
        _check_fields(owner)
        names.check_text(owner.count("{"), *arguments, *keywords.values())
    elif name in {"join", "sum"}:  # `sum` copies what it has at each step
        names.check_text(len(arguments[0]), owner or arguments)
    result = function(*arguments, **keywords)
    names.changed(owner)
    return result


def _check_fields(text: str) -> None:
    """Refuse a text to format whose fields may be of any width, or show more than values."""
    for _, field, layout, _ in string.Formatter().parse(text):
        if field and not field.isidentifier() and not field.isdecimal():
            raise LookupError(field)
        if re.search(r"\d{4}|\{", layout or ""):
            raise ValueError("the width may be any")
