"""Work out a call of a definition from its signature; a person has to fill in the arguments that it needs."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...project.code.definitions import Definition, ModuleContents, Parameter, contents
from ...project.code.sources import definition_of
from ...project.syntax import Scope, last_name
from .recorded_code import awaited, call_code

_UNUSABLE = {
    **dict.fromkeys(("cache", "lru_cache", "cached_property"), "its result is cached"),
    **dict.fromkeys(("contextmanager", "asynccontextmanager"), "it is a context manager"),
    "fixture": "it is a fixture",
    "abstractmethod": "it is abstract",
}
_RESERVED = frozenset({"benchmark", "run", "loop", "number", "inner"})


@dataclass(frozen=True, slots=True)
class Call:
    """How to call a definition; `name` is the one to import, `setup` are statements before the `expression`.

    `gap` says what a person has to fill in, "" if nothing; `unknown` are the variables that it must assign.
    """

    name: str = ""
    expression: str = ""
    setup: tuple[str, ...] = ()
    gap: str = ""
    unknown: tuple[str, ...] = ()
    is_async: bool = False


@dataclass(slots=True)
class _Arguments:
    """Collects assignments of objects, and the parameters that a person has to fill in, by variable."""

    taken: set[str]
    setup: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def of(self, parameters: Iterable[Parameter]) -> str:
        """Return the arguments of the call, to be filled in: with made-up ones its time would say little."""
        arguments = []
        for parameter in parameters:
            name = parameter.name
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            self.missing[name] = _declared(parameter)
            arguments.append(f"{parameter.name}={name}" if parameter.kind == "keyword-only" else name)
        return ", ".join(arguments)

    def instance(self, name: str, parameters: list[Parameter] | None) -> str:
        """Assign an object of a class to a variable; return the variable."""
        last = name.rpartition(".")[2]
        variable = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower().strip("_") or "instance"
        arguments = self.of(parameters or ())
        self.taken.add(variable)
        if parameters is None:
            self.missing[variable] = f"{variable}: {last}"
        elif self.missing:  # fill in the object, rather than its constructor's arguments
            self.missing = {variable: f"{variable}: {last}({', '.join(map(_declared, parameters))})"}
            self.setup = []
        else:
            self.setup.append(f"{variable} = {name}({arguments})")
        return variable


def call_of(source: bytes, name: str, *, path: str) -> Call:
    """Work out a call of the definition with a qualified name; raise SourceError if the source cannot be parsed."""
    module, top = contents(source, path), name.partition(".")[0]
    definition = definition_of(module, name)
    if definition is None:
        return Call(top, gap=f"a call of {name}, which is not defined in {path}")
    if gap := _indirect(definition, name):
        return Call(top, gap=gap)
    name, top = definition.called, definition.called.partition(".")[0]
    arguments = _Arguments(taken={top, *_RESERVED})
    if definition.kind == "class":
        parameters = _constructor(module, name)
        if parameters is None:
            return Call(top, gap=f"a call of {name}, whose constructor is inherited")
        expression = f"{name}({arguments.of(parameters)})"
    else:
        decorators = _decorators(_node(definition))
        if unusable := next((each for each in _UNUSABLE if each in decorators), None):
            gap = f"a call of {name}: {_UNUSABLE[unusable]} (@{unusable})"
            return Call(top, gap=gap, is_async=definition.is_async)
        expression = _expression(name, definition, module, arguments)
    gap = ", ".join(arguments.missing.values())
    if not gap and _has_choice(definition, arguments):
        gap = f"a call of {name} on realistic input: one with the defaults alone shows little"
    return Call(top, expression, tuple(arguments.setup), gap, tuple(arguments.missing), definition.is_async)


def _has_choice(definition: Definition, arguments: _Arguments) -> bool:
    """Return whether a call without arguments is one of many, on an object as its constructor leaves it."""
    own = (each for each in definition.parameters if each.name not in {"self", "cls"})
    return definition.kind == "class" or bool(arguments.setup) or any(own)


def _indirect(definition: Definition, name: str) -> str:
    """Describe the call that runs a definition which no code calls by its name; "" for any other."""
    if definition.outermost and definition.outermost != name:
        return f"a call that runs {name}, which is defined inside a function"
    if not definition.called:
        return f"a call that runs {name}, which no name refers to"
    return f"a call that makes a {name.removesuffix('.__new__')}" if name.endswith(".__new__") else ""


def _expression(name: str, definition: Definition, module: ModuleContents, arguments: _Arguments) -> str:
    """Write the call of a function; what it returns lazily is consumed or awaited."""
    decorators = _decorators(_node(definition))
    owner, _, method = name.rpartition(".")
    is_bound = bool(owner) and "staticmethod" not in decorators
    expression = name
    if is_bound and "classmethod" not in decorators:
        expression = f"{arguments.instance(owner, _constructor(module, owner))}.{method}"
    call = call_code(expression, arguments.of(_required(definition, bound=is_bound)), definition)
    if definition.is_async:
        return awaited(call, definition)
    return f"list({call})" if definition.yields else call


def _constructor(module: ModuleContents, name: str) -> list[Parameter] | None:
    """Return the required parameters of a class's constructor; None if it is inherited."""
    if constructor := definition_of(module, f"{name}.__init__"):
        return _required(constructor, bound=True)
    definition = definition_of(module, name)
    node = _node(definition) if definition else None
    if not isinstance(node, ast.ClassDef):
        return None
    bases = {last_name(base).lower() for base in node.bases}
    if bases == {"namedtuple"} or ("dataclass" in _decorators(node) and not bases):
        return list(_fields(node))
    return None if bases - {"object", "protocol", "generic"} else []


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and not statement.value:
            annotation = ast.unparse(statement.annotation)
            if "classvar" not in annotation.lower():
                yield Parameter(statement.target.id, "keyword-only", annotation=annotation)


def _required(definition: Definition, *, bound: bool) -> list[Parameter]:
    """Return the parameters without a default, without `self` or `cls` if it is bound."""
    parameters = definition.parameters[bound:]
    return [each for each in parameters if not each.has_default and not each.kind.startswith("*")]


def _declared(parameter: Parameter) -> str:
    return f"{parameter.name}: {parameter.annotation}" if parameter.annotation else parameter.name


def _node(definition: Definition) -> Scope:
    (node,) = ast.parse(definition.code).body
    assert isinstance(node, Scope)  # noqa: S101 - this is the code of a function or class
    return node


def _decorators(node: Scope) -> set[str]:
    return set(map(last_name, node.decorator_list))
