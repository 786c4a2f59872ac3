"""Work out a call of a definition from its signature, with made-up arguments for plain types."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...project.code.definitions import Definition, ModuleContents, contents
from ...project.code.sources import definition_of
from ...project.syntax import Function, Scope, is_generator, last_name
from .sample_values import lower_name, value_of

_UNUSABLE = {
    "cache": "its result is cached",
    "lru_cache": "its result is cached",
    "cached_property": "its result is cached",
    "contextmanager": "it is a context manager",
    "asynccontextmanager": "it is a context manager",
    "fixture": "it is a fixture",
    "abstractmethod": "it is abstract",
}
_RESERVED = frozenset({"benchmark", "run", "loop", "number", "inner", "SIZE"})


@dataclass(frozen=True, slots=True)
class Call:
    """How to call a definition; `setup` are statements before the `expression`.

    `gap` says what a person has to fill in, "" if nothing; `unknown` are the variables that it must assign.
    """

    name: str
    expression: str
    setup: tuple[str, ...] = ()
    gap: str = ""
    unknown: tuple[str, ...] = ()
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class _Required:
    """A parameter without a default."""

    name: str
    annotation: str
    by_keyword: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}" if self.annotation else self.name

    def value(self) -> str | None:
        return value_of(ast.parse(self.annotation, mode="eval").body) if self.annotation else None


@dataclass(slots=True)
class _Arguments:
    """Collects assignments of made-up values, and the parameters that get none, by variable."""

    taken: set[str]
    setup: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def of(self, parameters: Sequence[_Required]) -> str:
        """Assign a value to every parameter; return the arguments of the call."""
        arguments = []
        for parameter in parameters:
            name = self._free(parameter.name)
            value = parameter.value()
            if value is None:
                self.missing[name] = str(parameter)
            else:
                self.setup.append(f"{name} = {value}")
            arguments.append(f"{parameter.name}={name}" if parameter.by_keyword else name)
        return ", ".join(arguments)

    def instance(self, name: str, parameters: list[_Required] | None) -> str:
        """Assign an object of a class to a variable; return the variable."""
        last = name.rpartition(".")[2]
        variable = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower().strip("_") or "instance"
        arguments = self.of(parameters or ())
        self.taken.add(variable)
        if parameters is None:
            self.missing[variable] = f"{variable}: {last}"
        elif self.missing:  # fill in the object, rather than its constructor's arguments
            self.missing = {variable: f"{variable}: {last}({', '.join(map(str, parameters))})"}
            self.setup = []
        else:
            self.setup.append(f"{variable} = {name}({arguments})")
        return variable

    def call(self, name: str, expression: str, *, is_async: bool = False) -> Call:
        gap, unknown = ", ".join(self.missing.values()), tuple(self.missing)
        return Call(name.partition(".")[0], expression, tuple(self.setup), gap, unknown, is_async)

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def call_of(source: bytes, name: str, *, path: str) -> Call:
    """Work out a call of the definition with a qualified name; raise SourceError if the source cannot be parsed."""
    module = contents(source, path)
    definition = definition_of(module, name)
    if definition is None:
        return _gap(name, f"a call of {name}, which is not defined in {path}")
    if definition.outermost and definition.outermost != name:
        return _gap(name, f"a call that runs {name}, which is defined inside a function")
    arguments = _Arguments(taken={name.partition(".")[0], *_RESERVED})
    if definition.kind == "class":
        parameters = _constructor(module, name)
        if parameters is None:
            return _gap(name, f"a call of {name}, whose constructor is inherited")
        return arguments.call(name, f"{name}({arguments.of(parameters)})")
    decorators = _decorators(_node(definition))
    for decorator, reason in _UNUSABLE.items():
        if decorator in decorators:
            return _gap(name, f"a call of {name}: {reason} (@{decorator})", is_async=definition.is_async)
    return _call_of_function(name, definition, module, arguments)


def _call_of_function(name: str, definition: Definition, module: ModuleContents, arguments: _Arguments) -> Call:
    node = _node(definition)
    decorators = _decorators(node)
    owner, _, method = name.rpartition(".")
    callee = name
    is_bound = bool(owner) and "staticmethod" not in decorators
    if is_bound and "classmethod" not in decorators:
        callee = f"{arguments.instance(owner, _constructor(module, owner))}.{method}"
    passed = arguments.of(list(_required(definition, bound=is_bound)))
    expression = callee if "property" in decorators else f"{callee}({passed})"
    if isinstance(node, Function) and is_generator(node):
        expression = f"[item async for item in {expression}]" if definition.is_async else f"list({expression})"
    elif definition.is_async:
        expression = f"await {expression}"
    return arguments.call(name, expression, is_async=definition.is_async)


def _gap(name: str, gap: str, *, is_async: bool = False) -> Call:
    return Call(name=name.partition(".")[0], expression="", gap=gap, is_async=is_async)


def _constructor(module: ModuleContents, name: str) -> list[_Required] | None:
    """Return the required parameters of a class's constructor; None if it is inherited."""
    if constructor := definition_of(module, f"{name}.__init__"):
        return list(_required(constructor, bound=True))
    definition = definition_of(module, name)
    node = _node(definition) if definition else None
    if not isinstance(node, ast.ClassDef):
        return None
    bases = set(map(lower_name, node.bases))
    if bases == {"namedtuple"} or ("dataclass" in _decorators(node) and not bases):
        return list(_fields(node))
    return None if bases - {"object", "protocol", "generic"} else []


def _fields(node: ast.ClassDef) -> Iterator[_Required]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and not statement.value:
            annotation = ast.unparse(statement.annotation)
            if "classvar" not in annotation.lower():
                yield _Required(statement.target.id, annotation, by_keyword=True)


def _required(definition: Definition, *, bound: bool) -> Iterator[_Required]:
    """Yield the parameters without a default, without `self` or `cls` if it is bound."""
    for parameter in definition.parameters[bound:]:
        if not parameter.has_default and not parameter.kind.startswith("*"):
            yield _Required(parameter.name, parameter.annotation, by_keyword=parameter.kind == "keyword-only")


def _node(definition: Definition) -> Scope:
    (node,) = ast.parse(definition.code).body
    assert isinstance(node, Scope)  # noqa: S101 - this is the code of a function or class
    return node


def _decorators(node: Scope) -> set[str]:
    return set(map(last_name, node.decorator_list))
