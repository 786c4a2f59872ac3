"""Make large numbers in the code of a test smaller: what head makes faster may take for ever at base."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...project.syntax import parse_or_empty, with_text
from .workload_body import TestBody

LARGE: Final = 10_000
"""The least number that is made smaller: years and ports are not."""


def with_smaller_numbers(body: TestBody, divisor: int) -> TestBody | None:
    """Return a test with the large numbers in its statements divided; None if it has none."""
    statements = tuple(replace(each, code=_divided(each.code, divisor)) for each in body.statements)
    return replace(body, statements=statements) if statements != body.statements else None


def _divided(code: str, divisor: int) -> str:
    for node in sorted(_large_numbers(code), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        code = with_text(code, node, f"{node.value // divisor:_}")  # type: ignore[operator]
    return code


def _large_numbers(code: str) -> Iterator[ast.Constant]:
    for node in ast.walk(parse_or_empty(code.encode())):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value >= LARGE:
            yield node
