"""Read the definitions of a Python file, each with its own code, without the definitions inside it."""

import ast
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import EllipsisType
from typing import Final, Literal, TypeVar

from ...storage.hashing import short_hash
from ..syntax import Function, Scope, is_generator, last_name, parse, statements_of, unreadable, without_docstring
from .definition_names import NamedDefinition, Role, function_of, named_definitions

MODULE: Final = "<module>"
"""The name of a file's own code, outside its definitions."""

Kind = Literal["function", "class", "module", "name"]
_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Literal["positional-only", "positional", "keyword-only", "*", "**"]
    has_default: bool = False
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, method or class; the file's own code (`<module>`); or a name bound in another way.

    `name` is qualified (`Table.rows`, `outer.inner`, see `definition_names`), and no other definition of the file has
    it but the overloads of typing; `called` is how code of another module names it, "" if it cannot. Lines are 1-based
    and begin at the first decorator. `code` is normalized: no comments, docstrings, layout or inner definitions, and
    `_` as the definition's own name. `outermost` is the function that it is defined in, `owner` the name of the class
    that it is a method of, if any.
    """

    name: str
    kind: Kind
    start: int
    end: int
    code: str = ""
    role: Role = ""
    is_async: bool = False
    is_property: bool = False
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    bases: tuple[str, ...] = ()
    outermost: str = ""
    owner: str = ""
    called: str = ""
    yields: bool = False
    """Whether it is a generator, or an asynchronous one."""

    @property
    def lines(self) -> tuple[int, int]:
        return self.start, self.end

    @property
    def digest(self) -> str:
        """A hash of the code, which comments, docstrings, layout and line numbers do not change."""
        return short_hash(self.code.encode("utf-8", "surrogatepass"))

    @property
    def untyped_code(self) -> str:
        """The code without annotations, but for a class whose base classes or decorators may make fields of them."""
        return _untyped(self.code) if self.kind == "function" or _is_plain_class(self.code) else self.code


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


def _definitions(
    body: Iterable[ast.stmt], prefix: str, outermost: str, owner: str = "", outside: str | None = ""
) -> Iterator[Definition]:
    """Walk a scope; an outer definition comes before those inside it.

    `owner` is the class whose scope it is, `outside` how other modules name the scope, None if they cannot.
    """
    # A lambda in a function is a step of it.
    for named in named_definitions(body, owner, lambdas=not outermost):
        node, name = named.node, prefix + named.name
        called = outside + named.called if named.called and outside is not None else ""
        yield _definition(named, name, called, outermost, owner)
        if isinstance(node, ast.ClassDef):
            inner = f"{called}." if called else None
            yield from _definitions(node.body, f"{name}.", outermost, node.name, inner)
        else:
            yield from _definitions(node.body, f"{name}.", outermost or name, outside=None)


def _definition(named: NamedDefinition, name: str, called: str, outermost: str, owner: str) -> Definition:
    node = named.node
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    end = node.end_lineno or node.lineno
    decorators = [last_name(decorator) for decorator in node.decorator_list]
    if isinstance(node, ast.ClassDef):
        bases = tuple(map(ast.unparse, node.bases))
        return Definition(name, "class", start, end, code=_code(node), bases=bases, outermost=outermost, called=called)
    return Definition(
        name,
        "function",
        start,
        end,
        code=_code(node),
        role=named.role,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_property=any(each.endswith("property") or each in {"setter", "deleter"} for each in decorators),
        parameters=tuple(_parameters(node.args)),
        returns=ast.unparse(node.returns) if node.returns else "",
        outermost=outermost,
        owner=owner,
        called=called,
        yields=is_generator(node),
    )


def _module(module: ast.Module) -> Definition:
    own = _own_statements(without_docstring(module), marked=False)
    end = module.body[-1].end_lineno if module.body else 1
    return Definition(MODULE, "module", 1, end or 1, code="\n".join(map(ast.unparse, own)))


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    optional = set(positional[len(positional) - len(arguments.defaults) :])
    optional |= {each for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default}
    groups: dict[Literal["positional-only", "positional", "*", "keyword-only", "**"], list[ast.arg]] = {
        "positional-only": arguments.posonlyargs,
        "positional": arguments.args,
        "*": [arguments.vararg] if arguments.vararg else [],
        "keyword-only": arguments.kwonlyargs,
        "**": [arguments.kwarg] if arguments.kwarg else [],
    }
    for kind, group in groups.items():
        for each in group:
            yield Parameter(each.arg, kind, each in optional, ast.unparse(each.annotation) if each.annotation else "")


def _code(node: Scope) -> str:
    own = copy.copy(node)
    own.name = "_"
    # Defining an inner function is a step of the outer one; defining a method is no step of its class.
    own.body = list(_own_statements(without_docstring(node), marked=isinstance(node, Function))) or [ast.Pass()]
    return ast.unparse(own)


def _is_plain_class(code: str) -> bool:
    node = next(iter(ast.parse(code).body), None)
    return isinstance(node, ast.ClassDef) and not (node.bases or node.keywords or node.decorator_list)


def _untyped(code: str) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, Function):
            node.returns = None
    tree = _WithoutAnnotations().visit(tree)
    for node in ast.walk(tree):
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


class _WithoutAnnotations(ast.NodeTransformer):
    """Replaces annotated assignments by plain ones, and leaves out those of no value."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value else None


def _own_statements(body: Iterable[ast.stmt], *, marked: bool) -> Iterator[ast.stmt]:
    """Yield the statements of a scope without the definitions in it; `marked` leaves the name of each instead."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if marked:
                    yield ast.Expr(ast.Constant(f"def {statement.name}"))
            case ast.Pass() | ast.Expr(value=ast.Constant(value=EllipsisType())):
                pass
            case _ if marked or not function_of(statement):
                yield _without_definitions(statement, marked=marked)


def _without_definitions(node: _Node, *, marked: bool) -> _Node:
    """Copy a statement, handler or case without the definitions in its blocks."""
    copied = copy.copy(node)
    for field in ("body", "orelse", "finalbody"):
        if block := getattr(node, field, None):
            setattr(copied, field, list(_own_statements(block, marked=marked)) or [ast.Pass()])
    for field in ("handlers", "cases"):
        if parts := getattr(node, field, None):
            setattr(copied, field, [_without_definitions(part, marked=marked) for part in parts])
    return copied


def _bindings(body: Iterable[ast.stmt], prefix: str) -> Iterator[Binding]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _bindings(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (_imported(statement, alias, prefix) for alias in statement.names)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            yield from (Binding(prefix + name, statement.lineno) for name in _assigned(statement))
        elif not isinstance(statement, Function):
            yield from _bindings(statements_of(statement), prefix)


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
