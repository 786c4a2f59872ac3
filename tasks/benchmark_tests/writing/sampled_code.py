"""Compose a loop over typical calls from a sample of recorded ones: what varies is a list, what is the same stands in the call."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...artifacts import RecordedCall, Spelling
from .recorded_code import BUILDERS, SPACES, assigned, compose, variable_of

if TYPE_CHECKING:
    from ...artifacts import Sample
    from ...project.code.definitions import Definition
    from .recorded_code import RecordedCode


@dataclass(frozen=True, slots=True)
class SampledCode:
    """Calls as code: each of `entries` is an element of a list, `variables` stand for one in turn, `code` is the call."""

    entries: tuple[str, ...]
    variables: tuple[str, ...]
    code: RecordedCode

    @property
    def listed(self) -> str:
        return "\n".join(("[", *(f"{SPACES}{entry}," for entry in self.entries), "]"))

    def attempts(self) -> tuple[str, str]:
        """Return code that defines an attempt, and an expression that makes them all.

        Each gives the name of the type that the call returns, None where it fails, and whether that is an iterator.
        """
        given = ", ".join(self.variables)
        lines = (
            f"def attempt({given}):",
            f"{SPACES}try:",
            f"{SPACES * 2}value = {self.code.call}",
            f"{SPACES}except Exception:",
            f"{SPACES * 2}return None, False",
            f"{SPACES}return type(value).__qualname__, hasattr(value, '__next__')",
        )
        star = "*" if len(self.variables) > 1 else ""
        return "\n".join(lines), f"[attempt({star}each) for each in calls]"

    def expression(self, call: str) -> str:
        """Make all calls, and give what they return: base and head are held against each other by that."""
        return f"[{call} for {', '.join(self.variables)} in calls]"


def compose_sample(
    sample: Sample,
    target: str,
    definition: Definition,
    *,
    beside: RecordedCall | None = None,
    defaults: Mapping[str, str] | None = None,
) -> SampledCode:
    """Write the sampled calls of `target` (`module:Qualified.name`), in a form that a call `beside` them fits, too.

    `defaults` are those where the calls were recorded, if that was another commit than the definition's.
    """
    calls = [dict(call.arguments) for call in sample.calls]
    variables = _variables([*calls, *([dict(beside.spelling.arguments)] if beside else [])], target)
    arguments = tuple((name, variables.get(name, code)) for name, code in calls[0].items())
    imports = {line for call in sample.calls for line in call.imports}
    if beside:
        imports |= {
            *beside.spelling.imports,
            *(line for need, (line, _) in BUILDERS.items() if need in beside.spelling.needs),
        }
    spelling = Spelling(scale=1, arguments=arguments, imports=tuple(sorted(imports)))
    call = RecordedCall(size=0, seconds=0.0, test="", described=(), kinds=sample.kinds, spelling=spelling)
    code = compose(call, target, definition, bound=variables.values(), defaults=defaults)
    return SampledCode(
        tuple(_entry([call[name] for name in variables]) for call in calls), tuple(variables.values()), code
    )


def large_call(call: RecordedCall, sampled: SampledCode, target: str) -> tuple[str, ...]:
    """Return the lines of a function that returns the large call alone, as an element of a list like the sample's."""
    arguments = dict(call.spelling.arguments)
    names = {variable_of(name, target, arguments): name for name in arguments}
    lines = [builder for need, (_, builder) in BUILDERS.items() if need in call.spelling.needs]
    lines += call.spelling.statements
    made = {line.partition(" = ")[0] for line in call.spelling.statements}
    words = []
    for variable in sampled.variables:
        code = arguments[names[variable]]
        if code in made or len(code) <= len(variable):
            words.append(code)
            continue
        lines += assigned(variable, code).splitlines()
        words.append(variable)
    return (*lines, f"return [{_entry(words)}]")


def fits_beside(call: RecordedCall, sample: Sample) -> bool:
    """Return whether a call can stand beside the sample: it needs no fakes, fixtures or folder, and leaves what it is given as it is."""
    plain = not (
        call.fakes or call.changes or call.spelling.fixtures or call.spelling.files or "tmp_path" in call.spelling.needs
    )
    return plain and dict(call.spelling.arguments).keys() == dict(sample.calls[0].arguments).keys()


def _variables(calls: Sequence[Mapping[str, str]], target: str) -> dict[str, str]:
    """Return the parameters of which the calls have different values, each with the name that it has in the loop."""
    varied = [name for name in calls[0] if name != "cls" and len({call[name] for call in calls}) > 1]
    return {name: variable_of(name, target, calls[0]) for name in varied}


def _entry(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else f"({', '.join(codes)})"


def function_of(name: str, told: str, lines: Sequence[str]) -> Iterator[str]:
    """Write a function without parameters."""
    yield f"def {name}():"
    yield f'{SPACES}"""{told}"""'
    yield from textwrap.indent("\n".join(lines), SPACES).splitlines()
