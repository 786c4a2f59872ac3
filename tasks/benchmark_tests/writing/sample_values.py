"""Make up values of realistic size for annotations that are plain."""

import ast

from ...project.syntax import last_name

SIZE = 10_000
INNER = 10

_CONTAINERS = {
    **dict.fromkeys(("list", "sequence", "iterable", "collection", "mutablesequence", "container"), "[{0}]"),
    **dict.fromkeys(("set", "mutableset", "abstractset"), "{{{0}}}"),
    "tuple": "tuple({0})",
    "frozenset": "frozenset({0})",
}
_MAPPINGS = {"dict", "mapping", "mutablemapping"}
_BARE = {"list": "int", "dict": "str, int", "set": "int", "frozenset": "int", "tuple": "int, ..."}
"""The elements of a container that is annotated without any."""
_ALONE = {
    "int": "1_000",
    "float": "0.5",
    "complex": "1 + 1j",
    "bool": "True",
    "str": '" ".join(f"word{number}" for number in range(SIZE))',
    "bytes": "bytes(range(256)) * (SIZE // 256)",
    "bytearray": "bytearray(range(256)) * (SIZE // 256)",
}
_IN_CONTAINER = {
    "int": "{0}",
    "float": "{0} / 7",
    "str": 'f"item {{{0}}}"',
    "bytes": 'b"item %d" % {0}',
    "bool": "{0} % 2 == 0",
}
"""Values that vary with the item."""


def value_of(annotation: ast.expr, depth: int = 0) -> str | None:
    """Return an expression of the annotated type, of realistic size; None if the type is not a plain one."""
    match annotation:
        case ast.Constant(value=str(quoted)):
            try:
                return value_of(ast.parse(quoted, mode="eval").body, depth)
            except SyntaxError:
                return None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _first([left, right], depth)
        case ast.Subscript(value=generic, slice=ast.Tuple(elts=elements)):
            return _generic(lower_name(generic), elements, depth)
        case ast.Subscript(value=generic, slice=element):
            return _generic(lower_name(generic), [element], depth)
    return _plain(lower_name(annotation), depth)


def lower_name(node: ast.expr) -> str:
    """Return the last part of a dotted name in lower case, so that `typing.List` equals `list`."""
    return last_name(node).lower()


def _first(options: list[ast.expr], depth: int) -> str | None:
    return next((value for option in options if (value := value_of(option, depth)) is not None), None)


def _generic(name: str, elements: list[ast.expr], depth: int) -> str | None:
    match name, elements:
        case "optional" | "union", _:
            return _first(elements, depth)
        case "annotated", [annotation, *_]:
            return value_of(annotation, depth)
        case "literal", [value, *_]:
            return ast.unparse(value) if isinstance(value, ast.Constant) else None
        case "tuple", [element, ast.Constant(value=end), *_] if end is ...:
            return _container("tuple", [element], depth)
        case "tuple", _:
            values = [value_of(element, depth) for element in elements]
            return None if None in values else f"({', '.join(map(str, values))}{',' if len(values) == 1 else ''})"
    return _container(name, elements, depth)


def _container(name: str, elements: list[ast.expr], depth: int) -> str | None:
    """Return a comprehension: the outer one has SIZE items, an inner one INNER; there are no deeper ones."""
    values = [value_of(element, depth + 1) for element in elements]
    if depth > 1 or None in values or not values:
        return None
    loop = f"for {_variable(depth + 1)} in range({'SIZE' if depth == 0 else INNER})"
    if name in _MAPPINGS and len(values) > 1:
        return f"{{{values[0]}: {values[1]} {loop}}}"
    return _CONTAINERS[name].format(f"{values[0]} {loop}") if name in _CONTAINERS else None


def _plain(name: str, depth: int) -> str | None:
    """Return a value of a type without parameters."""
    if value := (_IN_CONTAINER if depth else _ALONE).get(name):
        return value.format(_variable(depth)) if depth else value
    return value_of(ast.parse(f"{name}[{_BARE[name]}]", mode="eval").body, depth) if name in _BARE else None


def _variable(depth: int) -> str:
    return "number" if depth < 2 else "inner"
