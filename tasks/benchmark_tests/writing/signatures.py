"""Read from a definition how it is called, with arguments made up where their types are plain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...errors import SourceError
from .sample_values import last_name, value_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
_REPEATED = {
    "cache": "its result is cached",
    "lru_cache": "its result is cached",
    "cached_property": "its result is cached",
}
_UNCALLABLE = {
    "contextmanager": "it is a context manager",
    "asynccontextmanager": "it is a context manager",
    "fixture": "it is a fixture",
    "abstractmethod": "it is abstract",
}


@dataclass(frozen=True, slots=True)
class Call:
    """How to call a definition: statements before it, the expression, and what a person has to fill in.

    `gap` names what `setup` lacks, empty where nothing is missing; `unknown` are the names to be given there.
    """

    name: str
    expression: str
    setup: tuple[str, ...] = ()
    gap: str = ""
    unknown: tuple[str, ...] = ()
    is_async: bool = False


class _Parameter(NamedTuple):
    name: str
    annotation: ast.expr | None
    by_keyword: bool

    @property
    def shown(self) -> str:
        return f"{self.name}: {ast.unparse(self.annotation)}" if self.annotation else self.name


@dataclass(slots=True)
class _Arguments:
    """Arguments as they are gathered: assignments, the words between the parentheses, and what has no plain type."""

    taken: set[str]
    setup: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    def of(self, parameters: Sequence[_Parameter]) -> str:
        """Assign a value to every parameter and give the text of the call's arguments."""
        words = []
        for parameter in parameters:
            name = self._free(parameter.name)
            value = value_of(parameter.annotation)
            if value is None:
                self.missing.append((name, parameter.shown))
            else:
                self.setup.append(f"{name} = {value}")
            words.append(f"{parameter.name}={name}" if parameter.by_keyword else name)
        return ", ".join(words)

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def call_of(source: bytes, name: str, *, path: str) -> Call:
    """Work out the call of the definition with the qualified `name`.

    Raise SourceError where the running interpreter cannot parse the source.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise SourceError(f"this file cannot be parsed: {error}", where=f"{path}:{line}" if line else path) from None
    chain = _chain(tree, name.split("."))
    if chain is None:
        return _blank(name, f"a call of {name}, which is not defined in {path}")
    return _call(name, chain)


def _call(name: str, chain: list[ast.stmt]) -> Call:
    owner, definition = (chain[-2] if len(chain) > 1 else None), chain[-1]
    if any(isinstance(outer, Function) for outer in chain[:-1]):
        return _blank(name, f"a call that runs {name}, which is defined inside of a function")
    if isinstance(definition, ast.ClassDef):
        return _construction(name, definition)
    assert isinstance(definition, Function)  # noqa: S101 - a chain ends in a definition
    decorators = _decorators(definition)
    for decorator, why in (_REPEATED | _UNCALLABLE).items():
        if decorator in decorators:
            return _blank(
                name, f"a call of {name}: {why} (@{decorator})", is_async=isinstance(definition, ast.AsyncFunctionDef)
            )
    return _call_of_function(name, definition, owner)


def _call_of_function(name: str, definition: Function, owner: ast.stmt | None) -> Call:
    arguments = _Arguments(taken={name.partition(".")[0], "benchmark", "run", "loop", "number", "inner", "SIZE"})
    callee, bound = name, 0
    kind = _decorators(definition)
    if isinstance(owner, ast.ClassDef) and "staticmethod" not in kind:
        bound = 1
        if "classmethod" not in kind:
            callee = _instance(name.rpartition(".")[0], owner, arguments) + "." + definition.name
    is_async = isinstance(definition, ast.AsyncFunctionDef)
    given = arguments.of(list(_required(definition.args, bound)))
    expression = callee if "property" in kind else f"{callee}({given})"
    if _yields(definition):
        expression = f"[item async for item in {expression}]" if is_async else f"list({expression})"
    elif is_async:
        expression = f"await {expression}"
    return _made(name, expression, arguments, is_async=is_async)


def _construction(name: str, definition: ast.ClassDef) -> Call:
    parameters = _constructor(definition)
    if parameters is None:
        return _blank(name, f"a call of {name}, whose constructor is inherited")
    arguments = _Arguments(taken={name.partition(".")[0], "benchmark", "run", "number", "inner", "SIZE"})
    return _made(name, f"{name}({arguments.of(parameters)})", arguments)


def _made(name: str, expression: str, arguments: _Arguments, *, is_async: bool = False) -> Call:
    return Call(
        name=name.partition(".")[0],
        expression=expression,
        setup=tuple(arguments.setup),
        gap=", ".join(shown for _, shown in arguments.missing),
        unknown=tuple(variable for variable, _ in arguments.missing),
        is_async=is_async,
    )


def _blank(name: str, gap: str, *, is_async: bool = False) -> Call:
    return Call(name=name.partition(".")[0], expression="", gap=gap, is_async=is_async)


def _instance(name: str, definition: ast.ClassDef, arguments: _Arguments) -> str:
    """Assign an object of the class and give the name of the variable."""
    variable = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", definition.name).lower().strip("_") or "instance"
    parameters = _constructor(definition)
    if parameters is None:
        arguments.missing.append((variable, f"{variable}: {definition.name}"))
        arguments.taken.add(variable)
        return variable
    made = arguments.of(parameters)
    arguments.taken.add(variable)
    if arguments.missing:
        # The constructor's own gap is filled in by making the object: its arguments alone would be out of place.
        shown = f"{variable}: {definition.name}({', '.join(parameter.shown for parameter in parameters)})"
        arguments.missing, arguments.setup = [(variable, shown)], []
    else:
        arguments.setup.append(f"{variable} = {name}({made})")
    return variable


def _constructor(definition: ast.ClassDef) -> list[_Parameter] | None:
    """Return the required parameters of the constructor; None where they are inherited from somewhere."""
    for statement in definition.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return list(_required(statement.args, 1))
    bases = {last_name(base) for base in definition.bases}
    if bases == {"namedtuple"} or ("dataclass" in _decorators(definition) and not bases):
        return list(_fields(definition))
    return None if bases - {"object", "protocol", "generic"} else []


def _fields(definition: ast.ClassDef) -> Iterator[_Parameter]:
    for statement in definition.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name) or statement.value:
            continue
        if "classvar" not in ast.unparse(statement.annotation).lower():
            yield _Parameter(statement.target.id, statement.annotation, by_keyword=True)


def _required(arguments: ast.arguments, bound: int) -> Iterator[_Parameter]:
    """Yield the parameters without a default, `bound` first ones (self, cls) left out."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = positional[: len(positional) - len(arguments.defaults)]
    for argument in without_default[bound:]:
        yield _Parameter(argument.arg, argument.annotation, by_keyword=False)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            yield _Parameter(argument.arg, argument.annotation, by_keyword=True)


def _chain(tree: ast.Module, names: list[str]) -> list[ast.stmt] | None:
    """Follow a qualified name from the module down; the last definition of a name is the one that counts."""
    chain: list[ast.stmt] = []
    scope: Sequence[ast.stmt] = tree.body
    for name in names:
        found = [statement for statement in _definitions(scope) if statement.name == name]
        if not found:
            return None
        chain.append(found[-1])
        scope = found[-1].body
    return chain


def _definitions(body: Sequence[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Walk a scope's definitions, those below `if`, `try` and `with` too."""
    for statement in body:
        if isinstance(statement, Function | ast.ClassDef):
            yield statement
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            for name in ("body", "handlers", "orelse", "finalbody"):
                for child in getattr(statement, name, ()):
                    yield from _definitions(child.body if isinstance(child, ast.ExceptHandler) else [child])


def _decorators(definition: Function | ast.ClassDef) -> set[str]:
    return {last_name(node.func if isinstance(node, ast.Call) else node) for node in definition.decorator_list}


def _yields(definition: Function) -> bool:
    """Return whether the body itself yields, not a function inside of it."""
    waiting: list[ast.AST] = list(definition.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False
