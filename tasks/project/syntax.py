"""Parse Python files, and answer small questions about syntax trees."""

import ast
import sys
import warnings
from collections.abc import Iterable, Iterator
from types import UnionType

from ..errors import SourceError

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = Function | ast.ClassDef


def parse(source: bytes, path: str) -> ast.Module:
    """Parse a file and honour its coding cookie; raise SourceError if the running Python cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are the project's business
            return ast.parse(source)
    except SyntaxError as error:
        raise unreadable(error.msg, f"{path}:{error.lineno}" if error.lineno else path) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise unreadable(str(error) or "it is nested too deeply", path) from None


def parse_or_empty(source: bytes) -> ast.Module:
    """Parse a file; return an empty module if the running Python cannot."""
    try:
        return parse(source, "")
    except SourceError:
        return ast.Module(body=[], type_ignores=[])


def unreadable(reason: str, where: str) -> SourceError:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    hint = "run prprep with the Python version that the project is written for, or fix the file"
    return SourceError(f"this file cannot be read by Python {version}: {reason}", where=where, hint=hint)


def statements_of(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements directly inside a node, those of handlers and cases included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body


def without_docstring(node: ast.Module | Scope) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def dotted_name(node: ast.AST) -> str:
    """Return `a.b.c` for an expression of names and attributes alone, else ""."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def callee(node: ast.expr) -> ast.expr:
    """Return what a call calls; any other expression is returned as it is."""
    return node.func if isinstance(node, ast.Call) else node


def last_name(node: ast.expr) -> str:
    """Return `c` for `a.b.c` and for a call of it, like a decorator's; "" if there is none."""
    node = callee(node)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def parameter_names(arguments: ast.arguments) -> tuple[str, ...]:
    """Return the names of all parameters but `*args` and `**kwargs`."""
    return tuple(each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


def names(nodes: Iterable[ast.AST], context: type[ast.expr_context] = ast.Load) -> set[str]:
    """Return the names that are loaded (or stored) anywhere below the nodes."""
    walked = (inner for node in nodes for inner in ast.walk(node))
    return {node.id for node in walked if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements bind, those inside functions, classes and comprehensions left out."""
    bound: set[str] = set()
    pending = list(nodes)
    while pending:
        match node := pending.pop():
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue
            case ast.alias(name=name, asname=asname):
                bound.add(asname or name.partition(".")[0])
            case ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                bound.add(name)
        pending += ast.iter_child_nodes(node)
    return bound


def postpones_annotations(module: ast.Module) -> bool:
    """Return whether a file has `from __future__ import annotations`."""
    futures = (node for node in module.body if isinstance(node, ast.ImportFrom) and node.module == "__future__")
    return any(each.name == "annotations" for node in futures for each in node.names)


def statements_by_name(module: ast.Module) -> dict[str, list[ast.stmt]]:
    """Return the statements of a module that bind each name."""
    bound: dict[str, list[ast.stmt]] = {}
    for statement in module.body:
        for name in bound_names([statement]):
            bound.setdefault(name, []).append(statement)
    return bound


def string_value(node: ast.AST | None) -> str:
    """Return the value of a string literal, "" for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def keywords(node: ast.expr) -> dict[str, ast.expr]:
    """Return the keyword arguments of a call, {} for any other expression."""
    return {each.arg: each.value for each in node.keywords if each.arg} if isinstance(node, ast.Call) else {}


def outer_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that functions anywhere below the nodes declare as `nonlocal`."""
    return {name for node in nodes for each in ast.walk(node) if isinstance(each, ast.Nonlocal) for name in each.names}


def with_globals(code: str) -> str:
    """Return the statements of a function as those of a module: functions change its variables by `global`."""
    module = parse_or_empty(code.encode())
    if not outer_names([module]):
        return code
    return ast.unparse(_NonlocalToGlobal().visit(module))


class _NonlocalToGlobal(ast.NodeTransformer):
    """Replaces `nonlocal` of names that no function around binds by `global`."""

    def __init__(self) -> None:
        self._bound: list[set[str]] = []

    def visit_FunctionDef(self, node: Function) -> Function:
        self._bound.append(bound_names(node.body) - _declared(node) | {*parameter_names(node.args)})
        self.generic_visit(node)
        self._bound.pop()
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Function:
        return self.visit_FunctionDef(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        return node if set[str]().union(*self._bound[:-1]).issuperset(node.names) else ast.Global(node.names)


def _declared(function: Function) -> set[str]:
    """Return the names that a function itself declares as `nonlocal`."""
    pending: list[ast.AST] = list(function.body)
    declared: set[str] = set()
    while pending:
        node = pending.pop()
        declared |= {*node.names} if isinstance(node, ast.Nonlocal) else set()
        pending += () if isinstance(node, Function) else ast.iter_child_nodes(node)
    return declared


def is_generator(function: Function) -> bool:
    """Return whether the function itself yields, rather than one defined inside it."""
    own = _walk_outside(function.body, Scope | ast.Lambda)
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own)


def awaits(code: str) -> bool:
    """Return whether code waits for something itself, rather than a function defined in it."""
    own = _walk_outside([parse_or_empty(code.encode())], Function | ast.Lambda | ast.GeneratorExp)
    waiting = ast.Await | ast.AsyncFor | ast.AsyncWith
    return any(isinstance(node, waiting) or (isinstance(node, ast.comprehension) and node.is_async) for node in own)


def _walk_outside(nodes: Iterable[ast.AST], inner: UnionType) -> Iterator[ast.AST]:
    """Yield the nodes below some, but not what is inside of nodes of the types `inner`."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, inner):
            pending += ast.iter_child_nodes(node)


def source_of(node: ast.stmt, text: str) -> str:
    """Return the code of a statement, with its decorators, as its file has it; the first column is its own."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    before, after = lines[0][: node.col_offset], lines[-1].encode()[node.end_col_offset :].strip()
    if before.strip() or after.startswith(b";"):
        return ast.unparse(node)  # it shares a line with others
    inside = _lines_in_strings(node)
    dedented = (
        line if number in inside else line.removeprefix(before) if line.startswith(before) else line.lstrip()
        for number, line in enumerate(lines, first)
    )
    return "\n".join(dedented).rstrip()


def indented(code: str, prefix: str = "    ") -> str:
    """Indent code by one level, except inside strings that span lines."""
    inside, lines = _lines_in_strings(ast.parse(code)), enumerate(code.splitlines(), 1)
    return "\n".join(line if number in inside or not line.strip() else prefix + line for number, line in lines)


def _lines_in_strings(node: ast.AST) -> set[int]:
    """Return the lines that begin inside a string."""
    inside: set[int] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Constant | ast.JoinedStr) and each.end_lineno != each.lineno:
            inside |= set(range(each.lineno + 1, (each.end_lineno or 0) + 1))
    return inside


def with_text(code: str, node: ast.expr, text: str) -> str:
    """Return code with another text for one of its expressions."""
    lines = code.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    segment = ast.get_source_segment(code, node) or ""
    return (before + text.encode() + code.encode()[len(before) + len(segment.encode()) :]).decode()
