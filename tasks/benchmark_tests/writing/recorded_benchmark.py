"""Write a benchmark test from recorded calls: typical ones, a large one, or both."""

import base64
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...artifacts import Detection, RecordedCall, Recording, Sample
from ...bench.observing.recording import COMMAND
from ...errors import SourceError
from ...project.code.definitions import Definition, contents
from ...project.code.sources import called_target, definition_of
from ...text.target_names import shared_name
from .benchmark_code import BenchmarkParts, WrittenBenchmark, text_of
from .recorded_code import SPACES, WIDTH, RecordedCode, awaited, compose, pedantic
from .sampled_code import compose_sample, fits_loop, large_call
from .sampling import is_small_call
from .styling import CASES, LARGEST, TYPICAL

SMALL_OBJECT = 16 * 1024
"""Bytes."""
OBJECTS = 10_000
"""How many small objects a benchmark of memory keeps alive."""


def from_recording(
    recording: Recording, detection: Detection, *, path: str, source: bytes, templates: Path | None
) -> WrittenBenchmark:
    """Write the benchmark from recorded calls; raise SourceError if the definition cannot be read.

    Typical calls show everyday use, a large one how the cost grows; peak memory is that of the large one.
    """
    call, sample = recording.call, recording.sample
    if call is None and sample is None:
        raise ValueError("no call was recorded")
    module, name = contents(source, recording.target), recording.target.partition(":")[2]
    # A constructor that a decorator generates is known by its class.
    names = (name, shared_name(name), name.removesuffix(".__init__"))
    definition = next(filter(None, (definition_of(module, each) for each in names)), None)
    if definition is None:
        what = f"{recording.target} exists at base but not at head: no benchmark of it can run on both sides"
        hint = "name under `functions:` a function that both sides have and the change makes cheaper, like its caller"
        raise SourceError(what, where=f"{recording.item}: functions", hint=hint)
    is_memory = detection.domain.domains[:1] == ("mem",)
    if call and is_memory and _makes_small_object(recording.target, call):
        parts = _of_call(recording, call, definition, many=True)
    elif sample and uses_sample(recording, is_memory=is_memory):
        large = call if call and not is_small_call(call) and _is_exceptional(call, sample) else None
        parts = _of_sample(recording, sample, definition, large=large)
    elif call:
        parts = _of_call(recording, call, definition)
    data = {name: base64.b64decode(content) for name, content in call.spelling.data.items()} if call else {}
    return WrittenBenchmark(text_of(parts, detection, path=path, templates=templates), "recorded", data=data)


def uses_sample(recording: Recording, *, is_memory: bool) -> bool:
    """Return whether the benchmark makes the typical calls, alone or beside the large one."""
    call, sample = recording.call, recording.sample
    if sample is None or call is None:
        return sample is not None
    return is_small_call(call) or (not is_memory and fits_loop(call, sample))


def _written_size(call: RecordedCall) -> int:
    """Return about how much the arguments in the benchmark hold."""
    return call.spelling.size or call.size * call.spelling.scale // call.spelling.divisor


def _is_exceptional(call: RecordedCall, sample: Sample) -> bool:
    """Return whether a call is larger than all of a sample, or takes longer than all of them together."""
    return _written_size(call) > max(each.size for each in sample.calls) or call.spelling.seconds > sample.seconds


def _called(recording: Recording, definition: Definition) -> str:
    return recording.called_as or called_target(recording.target, definition)


def _makes_small_object(target: str, call: RecordedCall) -> bool:
    """Return whether a call makes an object of so few bytes that only many of them show what one takes."""
    is_constructor = target.endswith(".__init__")
    return is_constructor and not call.changes and call.peaks is not None and call.peaks.base < SMALL_OBJECT


def _of_call(recording: Recording, call: RecordedCall, definition: Definition, *, many: bool = False) -> BenchmarkParts:
    code = compose(call, _called(recording, definition), definition, defaults=recording.defaults)
    expression = awaited(code.call, definition) if definition.is_async else _consumed(code.call, lazy=call.lazy)
    origin = _origin_of_call(recording, call)
    if many:
        expression = f"[{expression} for _ in range({OBJECTS:_})]"
        origin += f"\n\n{_filled(f'{OBJECTS:,} objects are alive at a time: one alone takes too little memory.')}"
    changes_inputs = call.changes and not definition.is_async
    return BenchmarkParts(
        imports=_sorted(code.imports),
        setup="" if changes_inputs else textwrap.indent("\n".join((*code.patches, *code.setup)), SPACES),
        expression=expression,
        recorded=origin,
        definitions=code.definitions,
        is_async=definition.is_async,
        fixtures=code.fixtures,
        direct=_with_new_inputs(code, expression) if changes_inputs else None,
    )


def _of_sample(
    recording: Recording, sample: Sample, definition: Definition, *, large: RecordedCall | None = None
) -> BenchmarkParts:
    """Write a loop over typical calls; the `large` call becomes another case of the same test."""
    target = _called(recording, definition)
    sampled = compose_sample(sample, target, definition, large=large, defaults=recording.defaults)
    calls, count = f"{CASES}()" if large else sampled.listed, len(sample.calls)
    parts = BenchmarkParts(
        imports=_sorted(sampled.code.imports),
        setup=textwrap.indent("\n".join((f"calls = {calls}", *sampled.code.setup)), SPACES),
        expression=sampled.expression(_consumed(sampled.code.call, lazy=sample.lazy)),
        recorded=_filled(_origin_of_sample(recording, sample)),
        timed=f"{count} typical calls",
    )
    if large is None:
        return parts
    scaled = f", its sizes times {large.spelling.scale:,}" if large.spelling.scale > 1 else ""
    scaled = f", 1/{large.spelling.divisor:,} of its sizes" if large.spelling.divisor > 1 else scaled
    scaled = f", on {large.spelling.document}" if large.spelling.document else scaled
    typical = _function(TYPICAL, f"Return {count} of the recorded calls.", f"return {sampled.listed}")
    largest = _function(LARGEST, f"Return the largest of the recorded calls{scaled}.", *large_call(large, sampled))
    return replace(
        parts,
        imports=_sorted(("import pytest", *parts.imports)),
        recorded=f"{parts.recorded}\n\n{_origin_of_call(recording, large)}",
        definitions=(*typical, "", "", *largest),
        decorators=(f'@pytest.mark.parametrize("{CASES}", [{TYPICAL}, {LARGEST}])',),
        fixtures=(CASES,),
        timed="typical calls, and the largest,",
    )


def _function(name: str, docstring: str, *lines: str) -> Iterator[str]:
    """Write a function without parameters."""
    yield f"def {name}():"
    yield f'{SPACES}"""{docstring}"""'
    yield from textwrap.indent("\n".join(lines), SPACES).splitlines()


def _consumed(call: str, *, lazy: bool) -> str:
    return f"list({call})" if lazy else call


def _sorted(imports: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(imports), key=lambda line: (line.startswith("from"), line)))


def _origin_of_sample(recording: Recording, sample: Sample) -> str:
    """Say how the typical calls were chosen, and how large they are."""
    sizes = sorted(call.size for call in sample.calls)
    drawn = ", drawn at random" if sample.drawn < sample.looked else ""
    spread = f"{sizes[0]:,} to {sizes[-1]:,}" if sizes[0] < sizes[-1] else f"{sizes[0]:,}"
    return (
        f"The typical calls are {len(sample.calls)} different ones of the {sample.looked:,} that were recorded while "
        f"{_listed(recording.ran)} ran{drawn}. Their arguments hold {spread} characters or elements, those of all "
        f"recorded calls {recording.size:,} in the median."
    )


def _listed(runs: Sequence[str]) -> str:
    *others, last = map(_shown_run, runs or ("a run",))
    return f"{', '.join(others)} and {last}" if others else last


def _shown_run(run: str) -> str:
    """Return a test file's path; readers of a benchmark do not know the manifest, so its command is described."""
    return "a program that calls it" if run == COMMAND else run


def _origin_of_call(recording: Recording, call: RecordedCall) -> str:
    """Say where the arguments come from, how large they are among the recorded ones, and why some are in files."""
    test = call.test.partition("::")[2].partition("[")[0]
    who = _shown_run(recording.ran[0]) if recording.ran else "a run"
    if test:
        who = f"{call.test.partition('::')[0]} ({test})"
    sizes = ", ".join(f"{name}: {kind}" for name, kind in call.described if name not in {"self", "cls"})
    if path := call.spelling.document:
        return _filled(
            f"The call is like one that {who} makes ({sizes}), on {path}, a file of the project with "
            f"{call.spelling.size:,} characters or bytes, which takes the longest in {recording.changed} of those "
            f"that were tried. The arguments of the {recording.calls:,} recorded calls hold {recording.size:,} in the "
            f"median and {recording.largest:,} at most."
        )
    scaled = f"; sizes are {call.spelling.scale:,} times those" if call.spelling.scale > 1 else ""
    if call.spelling.divisor > 1:
        scaled = f"; sizes are 1/{call.spelling.divisor:,} of those, on which base takes too long"
    if not sizes:
        return _filled(f"It is called without arguments, as {who} calls it; {recording.calls:,} calls were recorded.")
    origin = f"The arguments are those of a call that {who} makes ({sizes}){scaled}. {_compared(recording, call)}"
    return "\n\n".join(map(_filled, (origin, *_origins_of_arguments(call))))


def _compared(recording: Recording, call: RecordedCall) -> str:
    """Compare the size of the arguments with that of all recorded calls."""
    if not recording.largest:
        return f"None of the {recording.calls:,} recorded calls has larger arguments." if recording.calls > 1 else ""
    recorded = f"the recorded call, the only one, hold {recording.largest:,}"
    if recording.calls > 1:
        spread = f"{recording.size:,} in the median and {recording.largest:,} at most"
        recorded = f"the {recording.calls:,} recorded calls hold {spread}"
    return f"They hold {_written_size(call):,} characters or elements; those of {recorded}."


def _origins_of_arguments(call: RecordedCall) -> Iterator[str]:
    """Name the file that an argument is read from, and the reason."""
    arguments = dict(call.spelling.arguments)
    for parameter, reason in call.spelling.reasons.items():
        name = next((name for name in call.spelling.data if f'"{name}"' in arguments[parameter]), "")
        size = len(base64.b64decode(call.spelling.data.get(name, "")))
        yield f"{parameter} is read from {name} ({size:,} bytes): {reason}."


def _with_new_inputs(code: RecordedCode, expression: str) -> str:
    """Write a call that changes its arguments, with new ones for every round."""
    run = f"def run({', '.join(code.inputs)}):\n{SPACES}return {expression}"
    with_setup = pedantic("run", run, setup=code.setup, made=code.inputs, prepare="inputs")
    return textwrap.indent("\n".join((*code.patches, with_setup)), SPACES, lambda line: bool(line.strip()))


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
