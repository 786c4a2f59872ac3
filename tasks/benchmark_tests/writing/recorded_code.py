"""Compose a call from what a recorder saw of one: the lines that make its inputs, and the call itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...artifacts import Fake, FakeMethod, RecordedCall
    from ...project.code.definitions import Definition

LEAST_BYTES = 16 * 1024
"""What a call allocates from which its fake does so, too."""
EMPTY = {("args", "()"), ("kwargs", "{}")}
SPACES = "    "
WIDTH = 88
INLINE = 24
"""Characters of a value that is written into the call itself."""
BUILDERS = {
    "rng": ("import random", "rng = random.Random(0)"),
    "np_rng": ("import numpy as np", "np_rng = np.random.default_rng(0)"),
}


@dataclass(frozen=True, slots=True)
class RecordedCode:
    """A call as code: `imports`, lines of `setup`, the `call` (an expression), and the names of `inputs` that the setup makes.

    `definitions` are the lines of fakes, `patches` put those of functions in their place.
    """

    imports: tuple[str, ...]
    setup: tuple[str, ...]
    call: str
    inputs: tuple[str, ...]
    fixtures: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()


def compose(
    call: RecordedCall,
    target: str,
    definition: Definition,
    *,
    bound: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
) -> RecordedCode:
    """Write a call of `target` (`module:Qualified.name`) with the arguments that were recorded, defaults left out.

    Arguments that are names of `bound` are made elsewhere. `defaults` are those where the call was recorded, if that was another
    commit than the definition's: what nobody passed there is not to be passed here either.
    """
    spelling, (module, _, name) = call.spelling, target.partition(":")
    made = _Made(named={*bound, *spelling.fixtures, *(line.partition(" = ")[0] for line in spelling.statements)})
    imports = {*spelling.imports, f"from {module} import {name.partition('.')[0]}"}
    for need in sorted(set(spelling.needs) & BUILDERS.keys()):
        line, builder = BUILDERS[need]
        imports.add(line)
        made.setup.append(builder)
    made.setup.extend(f'(tmp_path / "{file}").write_text({content})' for file, content in spelling.files.items())
    made.setup.extend(spelling.statements)
    function, arguments = _called(call, target, made)
    given = tuple(_given(arguments, call.kinds, defaults_of(definition) if defaults is None else defaults, made))
    spelled = function if definition.is_property else f"{function}({', '.join(given)})"
    functions = [method for fake in call.fakes if not fake.parameter for method in fake.methods]
    patches = tuple(f'monkeypatch.setattr("{method.method}", {_fake_name(method)})' for method in functions)
    fixtures = (
        *(("monkeypatch",) if patches else ()),
        *(("tmp_path",) if "tmp_path" in spelling.needs else ()),
        *spelling.fixtures,
    )
    methods = [method for fake in call.fakes for method in fake.methods]
    imports |= {line for method in methods for line in method.imports}
    definitions = tuple(line for fake in call.fakes for line in _defined(fake))
    return RecordedCode(
        tuple(sorted(imports)), tuple(made.setup), spelled, tuple(made.inputs), fixtures, definitions, patches
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """What is made before the call: lines of `setup`, names of `inputs`; what is `named` there is made already."""

    named: Collection[str]
    setup: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)


def _called(call: RecordedCall, target: str, made: _Made) -> tuple[str, dict[str, str]]:
    """Return what is called, and the arguments that are left for it when the object of a method is made."""
    name, arguments = target.partition(":")[2], dict(call.spelling.arguments)
    owner, _, method = name.rpartition(".")
    first = next(iter(arguments), "")
    if method == "__init__":
        return owner, arguments
    if not owner or first not in {"self", "cls"} or call.kinds.get(first) != "positional":
        return name, arguments
    value = arguments.pop(first)
    if first == "cls":
        return f"{owner}.{method}", arguments
    subject = value if value in made.named else variable_of(first, target, arguments)
    if value not in made.named:
        made.setup.append(f"{subject} = {value}")
    made.inputs.append(subject)
    return f"{subject}.{method}", arguments


def _given(
    arguments: Mapping[str, str], kinds: Mapping[str, str], defaults: Mapping[str, str], made: _Made
) -> Iterator[str]:
    """Write each argument as it is passed; short literals stand in the call, others are made before it."""
    by_name = False
    for parameter, value in arguments.items():
        kind = kinds.get(parameter, "positional")
        if (parameter in defaults and _unparsed(value) == defaults[parameter]) or (kind, value) in EMPTY:
            by_name = True  # those after one that is left out go by name
            continue
        word = value
        if value in made.named:
            made.inputs.append(value)
        elif len(value) > INLINE or not _is_literal(value):
            made.setup.append(f"{parameter} = {value}")
            made.inputs.append(parameter)
            word = parameter
        yield _passed(parameter, word, kind, by_name=by_name or kind == "keyword")


def _defined(fake: Fake) -> Iterator[str]:
    """Write a class that stands for a model or the network: what it allocates, as named constants, and what it returns."""
    last = {method.method: method.method.rpartition(".")[2] for method in fake.methods}
    constants = {name: f"{short.strip('_').upper()}_BYTES" for name, short in last.items()}
    for method in fake.methods:
        if method.bytes >= LEAST_BYTES:
            if method.measured:
                yield f"# At the peak of a call of {method.method}, {method.measured}."
            yield f"{constants[method.method]} = {_rounded(method.bytes)}"
    yield from ("", "")
    if not fake.parameter:
        for method in fake.methods:
            yield from (
                *_function(
                    method, _fake_name(method), constants[method.method], told=f"Stands for {method.method} alone."
                ),
                "",
                "",
            )
        return
    yield f"class {fake.name}:"
    yield f'    """Stands for {fake.name.removeprefix("Fake")} alone: allocates what a call of it does, and returns what it returned."""'
    for method in fake.methods:
        yield ""
        yield from (f"    {line}" for line in _function(method, method.method, constants[method.method], own="self"))
    yield from ("", "")


def _function(method: FakeMethod, name: str, constant: str, *, own: str = "", told: str = "") -> Iterator[str]:
    """Write a function that allocates what was measured, and returns what was returned."""
    parameters = ", ".join([*([own] if own else []), *method.parameters])
    yield f"{'async ' if method.is_async else ''}def {name}({parameters}):"
    if told:
        yield f'    """{told}"""'
    if method.bytes >= LEAST_BYTES:
        yield f"    _buffer = bytearray({constant})"
    yield f"    return {method.returns}"


def _fake_name(method: FakeMethod) -> str:
    return f"fake_{method.method.rpartition('.')[2].strip('_').lower()}"


def _rounded(size: int) -> str:
    """Spell a size to two digits, in the unit that suits it."""
    for unit, name in ((1 << 20, "1024 * 1024"), (1 << 10, "1024")):
        if size >= unit:
            amount = size / unit
            return f"{round(amount) if amount >= 10 else max(1, round(amount))} * {name}"
    return str(size)


def _passed(parameter: str, word: str, kind: str, *, by_name: bool) -> str:
    if kind == "args":
        return f"*{word}"
    if kind == "kwargs":
        return f"**{word}"
    return f"{parameter}={word}" if by_name else word


def variable_of(parameter: str, target: str, taken: Collection[str]) -> str:
    """Return the name of a variable for a parameter: its own, and for `self` one made of its class's that is not `taken`."""
    owner = target.rpartition(":")[2].rpartition(".")[0]
    if parameter != "self" or not owner:
        return parameter
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in owner.rpartition(".")[2]).strip(
        "_"
    )
    return f"{name}_" if name in taken or not name.isidentifier() else name


def assigned(name: str, value: str) -> str:
    """Write an assignment as ruff formats it: broken at the outermost bracket where it is too long."""
    line = f"{name} = {value}"
    opening = re.search(r"[\[({]", value)
    if len(line) + len(SPACES) <= WIDTH or not opening or value[-1] not in "])}":
        return line
    at = opening.end()
    return f"{name} = {value[:at]}\n{SPACES}{value[at:-1]}\n{value[-1]}"


def _is_literal(value: str) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError):
        return False
    return True


def _unparsed(code: str) -> str:
    """Write an expression as `ast` does, with its kind of quotes: as the defaults are."""
    try:
        return ast.unparse(ast.parse(code, mode="eval"))
    except (SyntaxError, ValueError, RecursionError):
        return code


def defaults_of(definition: Definition) -> dict[str, str]:
    """Return the defaults of the parameters, as code."""
    body = ast.parse(definition.code).body if definition.code else []
    if not body or not isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return {}
    arguments = body[0].args
    positional = [*arguments.posonlyargs, *arguments.args]
    found = {
        each.arg: ast.unparse(value) for each, value in zip(positional[::-1], arguments.defaults[::-1], strict=False)
    }
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {each.arg: ast.unparse(value) for each, value in named if value is not None}
