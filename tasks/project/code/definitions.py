"""Read the definitions of a Python file, each with its own code, without the definitions inside it."""

import ast
import copy
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from ..syntax import Function, Scope, last_name, parse, unreadable

MODULE: Final = "<module>"
"""The name of a file's own code, outside its definitions."""

Kind = Literal["function", "class", "module", "name"]
_ACCESSORS: Final = frozenset({"setter", "deleter"})


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Literal["positional-only", "positional", "keyword-only", "*", "**"]
    has_default: bool = False
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, method or class; the file's own code (`<module>`); or a name bound in another way.

    `name` is qualified (`Table.rows`, `outer.inner`); lines are 1-based and begin at the first decorator. `code` is
    normalized: no comments, docstrings, layout or inner definitions, and `_` as the definition's own name. `outermost`
    is the function that it is defined in, if any.
    """

    name: str
    kind: Kind
    start: int
    end: int
    code: str = ""
    role: Literal["", "setter", "deleter", "overload"] = ""
    is_async: bool = False
    is_property: bool = False
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    bases: tuple[str, ...] = ()
    outermost: str = ""

    @property
    def digest(self) -> str:
        """A hash of the code, which comments, docstrings, layout and line numbers do not change."""
        return hashlib.blake2b(self.code.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Binding:
    """A name that an import or an assignment binds in the module or a class.

    An import has its `module` (with leading dots) and the `original` name there, "" for the module itself. The name of
    a star import is `*`.
    """

    name: str
    line: int
    module: str = ""
    original: str = ""


@dataclass(frozen=True, slots=True)
class ModuleContents:
    """The definitions and bindings of a file, in order; the last definition is the file's own code."""

    definitions: tuple[Definition, ...]
    bindings: tuple[Binding, ...]


def definitions(source: bytes, path: str) -> tuple[Definition, ...]:
    """Return the definitions of a file, its own code last; raise SourceError if it cannot be parsed."""
    return contents(source, path).definitions


@lru_cache(maxsize=256)
def contents(source: bytes, path: str) -> ModuleContents:
    """Return definitions and bindings of a file; raise SourceError if the running Python cannot parse it."""
    try:
        module = parse(source, path)
        everything = (*_definitions(module.body, "", ""), _module(module))
        return ModuleContents(everything, tuple(_bindings(module.body, "")))
    except RecursionError:
        raise unreadable("it is nested too deeply", path) from None


def _definitions(body: Sequence[ast.stmt], prefix: str, outermost: str) -> Iterator[Definition]:
    """Walk a scope and its compound statements; an outer definition comes before those inside it."""
    for statement in body:
        if isinstance(statement, Scope):
            name = prefix + statement.name
            yield _definition(statement, name, outermost)
            holder = outermost or (name if isinstance(statement, Function) else "")
            yield from _definitions(statement.body, f"{name}.", holder)
        else:
            for block in _blocks(statement):
                yield from _definitions(block, prefix, outermost)


def _definition(node: Scope, name: str, outermost: str) -> Definition:
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    end = node.end_lineno or node.lineno
    decorators = [last_name(decorator) for decorator in node.decorator_list]
    if isinstance(node, ast.ClassDef):
        bases = tuple(map(ast.unparse, node.bases))
        return Definition(name, "class", start, end, code=_code(node), bases=bases, outermost=outermost)
    return Definition(
        name,
        "function",
        start,
        end,
        code=_code(node),
        role=_role(decorators),
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_property=any(decorator.endswith("property") or decorator in _ACCESSORS for decorator in decorators),
        parameters=tuple(_parameters(node.args)),
        returns=ast.unparse(node.returns) if node.returns else "",
        outermost=outermost,
    )


def _module(module: ast.Module) -> Definition:
    own = list(_own_statements(_without_docstring(module.body), marked=False))
    end = module.body[-1].end_lineno if module.body else 1
    return Definition(MODULE, "module", 1, end or 1, code="\n".join(map(ast.unparse, own)))


def _role(decorators: list[str]) -> Literal["", "setter", "deleter", "overload"]:
    for role in ("setter", "deleter", "overload"):
        if role in decorators:
            return role
    return ""


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    for index, argument in enumerate(positional):
        kind: Literal["positional-only", "positional"] = (
            "positional-only" if index < len(arguments.posonlyargs) else "positional"
        )
        yield Parameter(argument.arg, kind, index >= first_default, _annotation(argument))
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, "*", annotation=_annotation(arguments.vararg))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(argument.arg, "keyword-only", default is not None, _annotation(argument))
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, "**", annotation=_annotation(arguments.kwarg))


def _annotation(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation) if argument.annotation else ""


def _code(node: Scope) -> str:
    own = copy.copy(node)
    own.name = "_"
    # Defining an inner function is a step of the outer one; defining a method is no step of its class.
    own.body = list(_own_statements(_without_docstring(node.body), marked=isinstance(node, Function))) or [ast.Pass()]
    return ast.unparse(own)


def _own_statements(body: Sequence[ast.stmt], *, marked: bool) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, Scope):
            if marked:
                yield ast.Expr(ast.Constant(f"def {statement.name}"))
        elif _does_nothing(statement):
            continue
        elif any(_blocks(statement)):
            yield _hollowed(statement, marked=marked)
        else:
            yield statement


def _does_nothing(statement: ast.stmt) -> bool:
    """Return whether a statement is `pass` or `...`."""
    dots = (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...
    )
    return dots or isinstance(statement, ast.Pass)


def _hollowed(statement: ast.stmt, *, marked: bool) -> ast.stmt:
    """Copy a compound statement without the definitions in its blocks."""
    copied = copy.copy(statement)
    for holder in (copied, *_holders(copied)):
        for field in ("body", "orelse", "finalbody"):
            if block := getattr(holder, field, None):
                setattr(holder, field, list(_own_statements(block, marked=marked)) or [ast.Pass()])
    return copied


def _holders(statement: ast.stmt) -> list[ast.AST]:
    """Replace a statement's handlers and cases by copies, and return those."""
    holders: list[ast.AST] = []
    for field in ("handlers", "cases"):
        if inner := getattr(statement, field, None):
            copies = [copy.copy(holder) for holder in inner]
            setattr(statement, field, copies)
            holders += copies
    return holders


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement (not of a definition), in order."""
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        part = getattr(statement, field, None)
        if field in ("handlers", "cases"):
            yield from (holder.body for holder in part or ())
        elif part:
            yield part


def _without_docstring(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _bindings(body: Sequence[ast.stmt], prefix: str) -> Iterator[Binding]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _bindings(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (_imported(statement, alias, prefix) for alias in statement.names)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            yield from (Binding(prefix + name, statement.lineno) for name in _assigned(statement))
        elif not isinstance(statement, Function):
            for block in _blocks(statement):
                yield from _bindings(block, prefix)


def _imported(statement: ast.Import | ast.ImportFrom, alias: ast.alias, prefix: str) -> Binding:
    if isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        return Binding(prefix + (alias.asname or alias.name), statement.lineno, module, alias.name)
    # `import a.b` binds `a`, `import a.b as c` binds `a.b`.
    module = alias.name if alias.asname else alias.name.partition(".")[0]
    return Binding(prefix + (alias.asname or module), statement.lineno, module)


def _assigned(statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for target in targets:
        elements = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        yield from (element.id for element in elements if isinstance(element, ast.Name))
