"""Compose the code of a recorded call: the lines that build its inputs, and the call."""

import ast
import builtins
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ...artifacts import Fake, FakeMethod, RecordedCall
from ...project.code.definitions import Definition
from ...project.syntax import Function, bound_names, indented

LEAST_BYTES = 16 * 1024
"""A fake does not repeat smaller allocations of the call that it replaces."""
EMPTY = {("args", "()"), ("kwargs", "{}")}
SPACES = "    "
WIDTH = 88
ROUNDS = 20
"""The rounds of a benchmark that makes new arguments for each of them."""
INLINE = 24
"""The most characters of a value that is written into the call."""
EACH_ITEM = "[item async for item in "
"""What consumes an asynchronous generator, up to its call."""
BUILDERS = {
    "rng": ("import random", "rng = random.Random(0)"),
    "np_rng": ("import numpy as np", "np_rng = np.random.default_rng(0)"),
}


@dataclass(frozen=True, slots=True)
class RecordedCode:
    """A call as code; `inputs` are the names that its `setup` binds, `definitions` the lines of fakes.

    `patches` replace functions by their fakes.
    """

    imports: tuple[str, ...]
    setup: tuple[str, ...]
    call: str
    inputs: tuple[str, ...]
    fixtures: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()


def pedantic(name: str, code: str, *, setup: Sequence[str], made: Sequence[str], prepare: str) -> str:
    """Write a function and what calls it in rounds with the variables that the setup makes anew for each of them.

    `code` defines the function `name` with the parameters `made`; `prepare` is the name of what runs the setup.
    """
    values = f"({made[0]},)" if len(made) == 1 else f"({', '.join(made)})"
    prepared = indented("\n".join((*setup, f"return {values}, {{}}")), SPACES)
    calling = f"benchmark.pedantic({name}, setup={prepare}, rounds={ROUNDS})"
    return f"def {prepare}():\n{prepared}\n\n{code}\n\n{calling}"


def compose(
    call: RecordedCall,
    target: str,
    definition: Definition,
    *,
    bound: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
) -> RecordedCode:
    """Write a call of `target` (`module:name`, as code calls it) with the recorded arguments, without defaults.

    Arguments that are names in `bound` exist already. `defaults` are those of the commit at which the call was
    recorded, if not the definition's.
    """
    spelling, (module, _, name) = call.spelling, target.partition(":")
    inputs = _Inputs({*bound, *(line.partition(" = ")[0] for line in spelling.statements)}, _names(spelling.imports))
    builders = [BUILDERS[need] for need in sorted(set(spelling.needs) & BUILDERS.keys())]
    inputs.setup += [builder for _, builder in builders]
    inputs.setup += [f'(tmp_path / "{file}").write_text({content})' for file, content in spelling.files.items()]
    inputs.setup += spelling.statements
    function, arguments = _called(call, target, inputs, is_inner=bool(definition.outermost))
    top = name.partition(".")[0]
    own_import = f"from {module} import {top}"
    # Neither a builtin may be hidden, nor the module by a variable; arguments that need the name import it.
    hides = hasattr(builtins, top) and own_import not in spelling.imports and function.partition(".")[0] == top
    if hides and module.partition(".")[0] not in {*arguments, *inputs.names, *inputs.bound}:
        function, own_import, top = f"{module}.{function}", f"import {module}", module
    defaults = defaults_of(definition) if defaults is None else defaults
    passed = ", ".join(_passed(arguments, call.kinds, defaults, inputs))
    functions = [method for fake in call.fakes if not fake.parameter for method in fake.methods]
    needed = {"monkeypatch": bool(functions), "tmp_path": "tmp_path" in spelling.needs}
    code = call_code(function, passed, definition)
    # The recorder imports a class from where it is defined, which need not be where the target is imported from.
    others = {line for line in spelling.imports if not line.endswith(f" import {top}")}
    named = re.search(rf"\b{re.escape(top)}\b", "\n".join((*inputs.setup, code)))
    is_used = named or len(others) < len(spelling.imports)
    imports = {*others, *(line for line, _ in builders), *([own_import] if is_used else [])}
    imports |= {line for fake in call.fakes for method in fake.methods for line in method.imports}
    return RecordedCode(
        imports=tuple(sorted(imports)),
        setup=tuple(inputs.setup),
        call=code,
        inputs=tuple(inputs.names),
        fixtures=tuple(name for name, is_needed in needed.items() if is_needed),
        definitions=tuple(line for fake in call.fakes for line in _defined(fake)),
        patches=tuple(f'monkeypatch.setattr("{method.method}", {_fake_name(method)})' for method in functions),
    )


def call_code(function: str, passed: str, definition: Definition) -> str:
    """Write a call of `function`, as code names it, with the arguments `passed`; an accessor is called by its use."""
    owner, _, attribute = function.rpartition(".")
    if definition.role == "setter":
        return f'setattr({owner}, "{attribute}", {passed})'
    if definition.role == "deleter":
        return f'delattr({owner}, "{attribute}")'
    return function if definition.is_property else f"{function}({passed})"


def awaited(call: str, definition: Definition) -> str:
    """Write what awaits the call of an asynchronous definition; of a generator every item."""
    return f"{EACH_ITEM}{call}]" if definition.yields else f"await {call}"


@dataclass(slots=True)
class _Inputs:
    """Collects the lines that build the inputs, and the inputs' names.

    `bound` and `imported` names exist already; a function that binds an imported one again could not use it.
    """

    bound: Collection[str]
    imported: Collection[str] = ()
    setup: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def variable(self, name: str, value: str) -> str:
        """Assign a value to the variable `name`, unless it is one already; return the variable."""
        if value in self.bound or value == name in self.imported:
            name = value
        else:
            name = f"{name}_" if name in self.imported else name
            self.setup.append(f"{name} = {value}")
        self.names.append(name)
        return name


def _names(imports: Sequence[str]) -> set[str]:
    return bound_names(ast.parse("\n".join(imports)).body)


def _called(call: RecordedCall, target: str, inputs: _Inputs, *, is_inner: bool) -> tuple[str, dict[str, str]]:
    """Return what is called, and the arguments without the object of a method.

    A class that a function makes has the name by which it was recorded.
    """
    name, arguments = target.partition(":")[2], dict(call.spelling.arguments)
    owner, _, method = name.rpartition(".")
    first = next(iter(arguments), "")
    if method == "__init__":
        return owner, arguments
    if not owner or first not in {"self", "cls"} or call.kinds.get(first) != "positional":
        return name, arguments
    value = arguments.pop(first)
    if first == "cls":
        return f"{value if is_inner else owner}.{method}", arguments
    variable = inputs.variable(variable_of(first, target, arguments), value)
    return variable if method == "__call__" else f"{variable}.{method}", arguments


def _passed(
    arguments: Mapping[str, str], kinds: Mapping[str, str], defaults: Mapping[str, str], inputs: _Inputs
) -> Iterator[str]:
    """Yield the arguments as they are passed: short literals as they are, others by a variable."""
    by_name = False
    for parameter, value in arguments.items():
        kind = kinds.get(parameter, "positional")
        if (parameter in defaults and unparsed(value) == defaults[parameter]) or (kind, value) in EMPTY:
            by_name = True  # arguments after one that is left out are passed by name
            continue
        is_short = value not in inputs.bound and len(value) <= INLINE and _is_literal(value)
        prefix = {"args": "*", "kwargs": "**", "keyword": f"{parameter}="}.get(kind, f"{parameter}=" if by_name else "")
        yield prefix + (value if is_short else inputs.variable(parameter, value))


def _defined(fake: Fake) -> Iterator[str]:
    """Write a class or functions that replace a model or the network: they allocate and return what it did."""
    for method in fake.methods:
        if method.bytes >= LEAST_BYTES:
            if method.measured:
                yield f"# At the peak of a call of {method.method}, {method.measured}."
            yield f"{_constant(method)} = {_rounded(method.bytes)}"
    yield from ("", "")
    if not fake.parameter:
        for method in fake.methods:
            docstring = f'{SPACES}"""Replace {method.method} alone."""'
            yield from (_signature(method, _fake_name(method), method.parameters), docstring, *_body(method), "", "")
        return
    yield f"class {fake.name}:"
    yield f'    """Replaces {fake.name.removeprefix("Fake")} alone: allocates and returns what a call of it does."""'
    for method in fake.methods:
        lines = (_signature(method, method.method, ("self", *method.parameters)), *_body(method))
        yield from ("", *(SPACES + line for line in lines))
    yield from ("", "")


def _signature(method: FakeMethod, name: str, parameters: Sequence[str]) -> str:
    return f"{'async ' if method.is_async else ''}def {name}({', '.join(parameters)}):"


def _body(method: FakeMethod) -> Iterator[str]:
    if method.bytes >= LEAST_BYTES:
        yield f"{SPACES}_buffer = bytearray({_constant(method)})"
    yield f"{SPACES}return {method.returns}"


def _constant(method: FakeMethod) -> str:
    return f"{method.method.rpartition('.')[2].strip('_').upper()}_BYTES"


def _fake_name(method: FakeMethod) -> str:
    return f"fake_{method.method.rpartition('.')[2].strip('_').lower()}"


def _rounded(size: int) -> str:
    """Write a size of LEAST_BYTES or more in KiB or MiB."""
    return f"{round(size / 2**20)} * 1024 * 1024" if size >= 2**20 else f"{round(size / 2**10)} * 1024"


def variable_of(parameter: str, target: str, taken: Collection[str]) -> str:
    """Return a variable for a parameter: its own name, for `self` its class's in lower case."""
    owner = target.rpartition(":")[2].rpartition(".")[0]
    if parameter != "self" or not owner:
        return parameter
    name = re.sub(r"([A-Z])", r"_\1", owner.rpartition(".")[2]).lower().strip("_")
    return f"{name}_" if name in taken or not name.isidentifier() else name


def assigned(name: str, value: str) -> str:
    """Write an assignment as ruff formats it: broken at the outermost bracket if it is too long."""
    line = f"{name} = {value}"
    opening = re.search(r"[\[({]", value)
    if len(line) + len(SPACES) <= WIDTH or not opening or value[-1] not in "])}":
        return line
    start = opening.end()
    return f"{name} = {value[:start]}\n{SPACES}{value[start:-1]}\n{value[-1]}"


def _is_literal(value: str) -> bool:
    with suppress(ValueError, SyntaxError, TypeError):
        ast.literal_eval(value)
        return True
    return False


def unparsed(code: str) -> str:
    """Write an expression as `ast.unparse` does, like the defaults."""
    with suppress(SyntaxError, ValueError, RecursionError):
        return ast.unparse(ast.parse(code, mode="eval"))
    return code


def defaults_of(definition: Definition) -> dict[str, str]:
    """Return the defaults of the parameters, as code."""
    node = next(iter(ast.parse(definition.code).body), None)
    if not isinstance(node, Function):
        return {}
    arguments = node.args
    positional = (*arguments.posonlyargs, *arguments.args)
    defaults = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {each.arg: ast.unparse(value) for each, value in defaults if value}
