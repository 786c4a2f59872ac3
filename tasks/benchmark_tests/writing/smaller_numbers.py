"""Make sizes in the code of a test smaller: base may never end on what head makes faster."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ...project.syntax import parse_or_empty, with_text
from .workload_body import TestBody

LARGE: Final = 10_000
"""The least size that is made smaller."""


def with_smaller_numbers(body: TestBody, divisor: int) -> TestBody | None:
    """Return a test with the large sizes in its statements divided; None if it has none.

    A size is a factor, such as that of a text, or an argument of `range`, or what is assigned to a name used like that.
    """
    trees = [parse_or_empty(each.code.encode()) for each in body.statements]
    named = {size.id for tree in trees for size in _sizes(tree) if isinstance(size, ast.Name)}
    statements = tuple(
        replace(each, code=_divided(each.code, [*_sizes(tree), *_assigned(tree, named)], divisor))
        for each, tree in zip(body.statements, trees, strict=True)
    )
    return replace(body, statements=statements) if statements != body.statements else None


def _divided(code: str, sizes: Sequence[ast.expr], divisor: int) -> str:
    for node in sorted(sizes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value >= LARGE:
            code = with_text(code, node, f"{node.value // divisor:_}")
    return code


def _sizes(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.Mult(), left=left, right=right):
                yield from (left, right)
            case ast.Call(func=ast.Name(id="range"), args=arguments):
                yield from arguments


def _assigned(tree: ast.AST, names: set[str]) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names:
                yield value
