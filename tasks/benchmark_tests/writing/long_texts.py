"""Write long texts in a benchmark as people do: one literal for each of their lines."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import accumulate

from .recorded_code import SPACES

MOST_LINES = 25
"""Of a text that is written line by line; pieces of one with more are filled."""
LEVELS = 3
"""How deep the pieces may be indented."""
_WORD = re.compile(r"\S*\s+|\S+")


def with_texts_in_lines(text: str, width: int) -> str:
    """Divide the literals in lines of more than `width` characters; formatters lay out the pieces."""
    code = text.encode()
    lines = code.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    for node in sorted(_literals(ast.parse(text)), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1].decode().rstrip()
        if len(line) > width and node.end_lineno == node.lineno and isinstance(node.value, str | bytes):
            pieces = list(_pieces(node.value, width - LEVELS * len(SPACES)))
            start, end = (starts[node.lineno - 1] + offset for offset in (node.col_offset, node.end_col_offset or 0))
            code = code[:start] + f"({' '.join(pieces)})".encode() + code[end:] if len(pieces) > 1 else code
    return code.decode()


def _literals(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the literals of a module that are no docstrings and no parts of formatted texts."""
    others = {id(each) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in ast.walk(node)}
    others |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in others)


def _pieces(value: str | bytes, width: int) -> Iterator[str]:
    """Yield literals of at most `width` characters that make up a text, or the text of some bytes."""
    text = value if isinstance(value, str) else value.decode("latin-1")

    def quoted(part: str) -> str:
        literal = repr(part if isinstance(value, str) else part.encode("latin-1"))
        return literal if '"' in part or "'" in part else literal.replace("'", '"')

    lines = text.splitlines(keepends=True)
    for line in lines if len(lines) <= MOST_LINES else [text]:
        piece = ""
        for part in _parts(line, width, quoted):
            if piece and len(quoted(piece + part)) > width:
                yield quoted(piece)
                piece = ""
            piece += part
        yield quoted(piece)


def _parts(line: str, width: int, quoted: Callable[[str], str]) -> Iterator[str]:
    """Yield words with the space after them, and those in parts that no line of code holds."""
    for word in _WORD.findall(line):
        # One character is written with ten at most.
        most = len(word) if len(quoted(word)) <= width else width // 10
        yield from (word[start : start + most] for start in range(0, len(word), most))
