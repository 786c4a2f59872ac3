"""Make up values of realistic size for annotations that are plain."""

import ast
from collections.abc import Sequence

from ...project.syntax import last_name, string_value

SIZE = 10_000
INNER = 10

_SEQUENCES = {"list", "sequence", "iterable", "collection", "mutablesequence", "container"}
_OTHERS = {
    "tuple": "tuple({0})",
    "set": "{{{0}}}",
    "mutableset": "{{{0}}}",
    "abstractset": "{{{0}}}",
    "frozenset": "frozenset({0})",
}
_MAPPINGS = {"dict", "mapping", "mutablemapping"}


def value_of(annotation: ast.expr | None, depth: int = 0) -> str | None:
    """Return an expression of the annotated type, of realistic size; None if the type is not a plain one."""
    if quoted := string_value(annotation):
        try:
            annotation = ast.parse(quoted, mode="eval").body
        except SyntaxError:
            return None
    if annotation is None:
        return None
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _first((annotation.left, annotation.right), depth)
    if isinstance(annotation, ast.Subscript):
        return _generic(lower_name(annotation.value), _elements(annotation.slice), depth)
    return _plain(lower_name(annotation), depth)


def lower_name(node: ast.expr) -> str:
    """Return the last part of a dotted name in lower case, so that `typing.List` equals `list`."""
    return last_name(node).lower()


def _elements(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _first(options: Sequence[ast.expr], depth: int) -> str | None:
    return next((value for option in options if (value := value_of(option, depth)) is not None), None)


def _generic(name: str, elements: list[ast.expr], depth: int) -> str | None:
    if name in {"optional", "union"}:
        return _first(elements, depth)
    if name == "annotated":
        return value_of(elements[0], depth)
    if name == "literal":
        return ast.unparse(elements[0]) if isinstance(elements[0], ast.Constant) else None
    if name != "tuple":
        return _container(name, elements, depth)
    if len(elements) > 1 and isinstance(elements[1], ast.Constant) and elements[1].value is ...:
        return _container("tuple", elements[:1], depth)
    return _tuple(elements, depth)


def _tuple(elements: list[ast.expr], depth: int) -> str | None:
    values = [value_of(element, depth) for element in elements]
    if None in values:
        return None
    return f"({', '.join(map(str, values))}{',' if len(values) == 1 else ''})"


def _container(name: str, elements: list[ast.expr], depth: int) -> str | None:
    """Return a comprehension: the outer one has SIZE items, an inner one INNER; there are no deeper ones."""
    values = [value_of(element, depth + 1) for element in elements]
    if depth > 1 or None in values or not values:
        return None
    loop = f"for {_variable(depth + 1)} in range({'SIZE' if depth == 0 else INNER})"
    if name in _MAPPINGS and len(values) > 1:
        return f"{{{values[0]}: {values[1]} {loop}}}"
    shape = "[{0}]" if name in _SEQUENCES else _OTHERS.get(name)
    return shape.format(f"{values[0]} {loop}") if shape else None


def _plain(name: str, depth: int) -> str | None:
    """Return a value of a type without parameters; inside a container it varies with the item."""
    number = _variable(depth)
    if depth:
        inside = {
            "int": number,
            "float": f"{number} / 7",
            "str": f'f"item {{{number}}}"',
            "bytes": f'b"item %d" % {number}',
            "bool": f"{number} % 2 == 0",
        }
        if name in inside:
            return inside[name]
    outside = {
        "int": "1_000",
        "float": "0.5",
        "complex": "1 + 1j",
        "bool": "True",
        "str": '" ".join(f"word{number}" for number in range(SIZE))',
        "bytes": "bytes(range(256)) * (SIZE // 256)",
        "bytearray": "bytearray(range(256)) * (SIZE // 256)",
    }
    if name in outside and not depth:
        return outside[name]
    bare = {"list": "int", "dict": "str, int", "set": "int", "frozenset": "int", "tuple": "int, ..."}
    return value_of(ast.parse(f"{name}[{bare[name]}]", mode="eval").body, depth) if name in bare else None


def _variable(depth: int) -> str:
    return "number" if depth < 2 else "inner"
