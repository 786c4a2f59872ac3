"""Compose a loop over a sample of recorded calls: a list of the arguments that vary, and a call with the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...artifacts import ArgumentsAsCode, RecordedCall, Sample
from ...project.code.definitions import Definition
from .recorded_code import BUILDERS, SPACES, RecordedCode, assigned, compose, variable_of


@dataclass(frozen=True, slots=True)
class SampledCode:
    """Calls as code: `entries` are the elements of a list, `variables` the loop's by parameter, `code` is the call."""

    entries: tuple[str, ...]
    variables: Mapping[str, str]
    code: RecordedCode

    @property
    def listed(self) -> str:
        return "\n".join(("[", *(f"{SPACES}{entry}," for entry in self.entries), "]"))

    def attempts(self) -> tuple[str, str]:
        """Return code that defines `attempt`, and an expression that attempts all calls.

        An attempt returns the name of the returned type (None if the call fails), whether that is an iterator, and
        what `reached()` of the trial says.
        """
        lines = (
            f"def attempt({', '.join(self.variables.values())}):",
            f"{SPACES}try:",
            f"{SPACES * 2}value = {self.code.call}",
            f"{SPACES}except Exception:",
            f"{SPACES * 2}return None, False, reached()",
            f"{SPACES}return type(value).__qualname__, hasattr(value, '__next__'), reached()",
        )
        star = "*" if len(self.variables) > 1 else ""
        return "\n".join(lines), f"[attempt({star}each) for each in calls]"

    def expression(self, call: str) -> str:
        """Return an expression that makes all calls and lists their results, by which base and head are compared."""
        return f"[{call} for {', '.join(self.variables.values())} in calls]"


def compose_sample(
    sample: Sample,
    target: str,
    definition: Definition,
    *,
    large: RecordedCall | None = None,
    defaults: Mapping[str, str] | None = None,
) -> SampledCode:
    """Write the sampled calls of `target` (`module:name`, as code calls it) so that the `large` call fits the loop too.

    `defaults` are those of the commit at which the calls were recorded, if not the definition's.
    """
    calls = [dict(call.arguments) for call in sample.calls]
    # What statements of the large call bind is not what an imported name of the others refers to.
    bound = {line.partition(" = ")[0] for line in large.spelling.statements} if large else set()
    every = [*calls, dict(large.spelling.arguments)] if large else calls
    varied = [
        name
        for name in calls[0]
        if (name != "cls" or definition.outermost)
        and (len({call[name] for call in every}) > 1 or (large and every[-1][name] in bound))
    ]
    variables = {name: variable_of(name, target, calls[0]) for name in varied}
    arguments = tuple((name, variables.get(name, code)) for name, code in calls[0].items())
    imports = {line for call in sample.calls for line in call.imports}
    if large:
        imports.update(large.spelling.imports, (BUILDERS[need][0] for need in large.spelling.needs if need in BUILDERS))
    spelling = ArgumentsAsCode(scale=1, arguments=arguments, imports=tuple(sorted(imports)))
    call = RecordedCall(size=0, seconds=0.0, test="", described=(), kinds=sample.kinds, spelling=spelling)
    code = compose(call, target, definition, bound=variables.values(), defaults=defaults)
    return SampledCode(tuple(_entry([call[name] for name in variables]) for call in calls), variables, code)


def large_call(call: RecordedCall, sampled: SampledCode) -> tuple[str, ...]:
    """Return the body of a function that returns a list of the large call alone, like the sample's list."""
    arguments = dict(call.spelling.arguments)
    lines = [builder for need, (_, builder) in BUILDERS.items() if need in call.spelling.needs]
    lines += call.spelling.statements
    bound = {line.partition(" = ")[0] for line in call.spelling.statements}
    elements = []
    for parameter, variable in sampled.variables.items():
        code = arguments[parameter]
        is_short = code in bound or len(code) <= len(variable)
        elements.append(code if is_short else variable)
        lines += () if is_short else assigned(variable, code).splitlines()
    return (*lines, f"return [{_entry(elements)}]")


def fits_loop(call: RecordedCall, sample: Sample) -> bool:
    """Return whether a call can join the sample: it needs nothing but imports, and does not change its inputs."""
    spelling = call.spelling
    needs_more = call.fakes or call.changes or spelling.files or "tmp_path" in spelling.needs
    return not needs_more and dict(spelling.arguments).keys() == dict(sample.calls[0].arguments).keys()


def _entry(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else f"({', '.join(codes)})"
