"""Make a list in the code of a test longer: more records of the same kind."""

import ast
from collections.abc import Iterator

from ...artifacts import WorkloadTest
from ...project.syntax import Scope, parse_or_empty, with_text


def with_longer_list(workload: WorkloadTest, scale: int) -> Iterator[WorkloadTest]:
    """Yield a test with each of its lists of like elements `scale` times as long, one list at a time."""
    parts = {"setup": workload.setup, "body": workload.body, "result": (workload.result,)}
    for part, codes in parts.items():
        for number, code in enumerate(codes):
            for longer in _longer(code, scale):
                changed = (*codes[:number], longer, *codes[number + 1 :])
                value = changed[0] if part == "result" else changed
                yield workload.model_copy(update={part: value, "scale": scale})


def _longer(code: str, scale: int) -> Iterator[str]:
    for node in _lists(parse_or_empty(code.encode())):
        if isinstance(node, ast.Call):
            numbers = _range(node)
            yield with_text(code, node.args[-1], str(numbers.start + len(numbers) * scale))
        else:
            yield with_text(code, node, f"{ast.get_source_segment(code, node)} * {scale}")


def _lists(node: ast.AST) -> Iterator[ast.List | ast.Call]:
    """Yield the lists whose elements are alike, the outermost ones, and the ranges of comprehensions.

    Lists in definitions and of loops are no data.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.For | ast.comprehension) and child is node.iter:
            if isinstance(node, ast.comprehension) and isinstance(child, ast.Call) and _range(child):
                yield child
            continue
        if isinstance(child, ast.BinOp | Scope | ast.Lambda):
            continue
        if isinstance(child, ast.List) and isinstance(child.ctx, ast.Load) and len(set(map(_kind, child.elts))) == 1:
            yield child
        else:
            yield from _lists(child)


def _range(node: ast.expr) -> range:
    """Return the numbers of `range(5)` and `range(1, 5)`; none for other code."""
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(end))], keywords=[]):
            return range(end)
        case ast.Call(
            func=ast.Name(id="range"),
            args=[ast.Constant(value=int(start)), ast.Constant(value=int(end))],
            keywords=[],
        ):
            return range(start, end)
        case _:
            return range(0)


def _kind(node: ast.expr) -> str:
    """Describe what kind of record an element is: equal for dicts of the same keys, and for calls of one function."""
    match node:
        case ast.Dict(keys=keys):
            return f"dict of {sorted(ast.unparse(key) for key in keys if key)}"
        case ast.Call(func=function):
            return f"call of {ast.unparse(function)}"
        case ast.Constant(value=value):
            return type(value).__name__
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return f"{type(node).__name__} of {[_kind(each) for each in elements]}"
        case _:
            return type(node).__name__
