"""Time imports in fresh interpreters, all sides in turns, and find the modules that only one side loads."""

import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, median_low
from typing import Literal, NamedTuple

from ...artifacts import SIDES, ImportedModule, MetricName, Module, Side
from ...errors import MeasuringError
from ...processes.progress import Report
from ...processes.scratch import temporary_folder
from ..provenance import check_control, prove
from ..request import MeasurementResult, Request, Role
from ..time.sequence import LaunchSequence
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings
from .interpreters import LOOKS, answer, draw_settings, imported, last_lines, sample

REPEATS = 3
"""Traces of each side."""
SHOWN = 20
"""Modules in the artifact at most."""
BEGIN, END = "prprep: imports begin", "prprep: imports end"
"""What the timer writes around Python's lines; equal to `MARKS` of `prprep_worker.startup.import_timer`."""

# The project's code may have left an unfinished line before Python's. Two more blanks are one level deeper.
_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \| (\s*)(\S+)$", re.MULTILINE)


class TracedImport(NamedTuple):
    """One line of `-X importtime`: microseconds without what the module imports, and how deep it is nested."""

    name: str
    own: int
    depth: int


Mode = Literal["", "prepare", "cost", "memory"]
"""What `startup/import_timer.py` does besides timing the import, see `import_once`."""

Trace = tuple[Sequence[str], Sequence[TracedImport]]
"""The modules that an import loaded, and the lines of their imports: each after those of what it imports."""


def measure_imports(request: Request, rng: random.Random, report: Report) -> MeasurementResult:
    """Import `request.modules` repeatedly; a launch is two fresh interpreters a side, all with one seed and layout.

    One untimed import on every side comes first: it shows where the modules come from, and leaves compiled files of all
    that it loads, even if the project's Python is set to write none. So the sample is the first import in a process
    with compiled files, which is what users of an installed package wait for.
    """
    return time_imports(request, rng, report) + _trace(request, rng, report)


def key_of(request: Request) -> str:
    """Return the name of the import in measurements, which have a test's node id there otherwise."""
    return f"import {', '.join(request.modules)}"


def time_imports(request: Request, rng: random.Random, report: Report, mode: Mode = "") -> MeasurementResult:
    """Time the imports as `measure_imports` does, without a trace of what only one side loads."""
    sequence = LaunchSequence(request, metric=MetricName.IMPORT, looks=LOOKS)
    modules: dict[Side, tuple[Module, ...]] = {}
    try:
        modules = _prepare(request, draw_settings(rng, sequence.deadline))
        while sequence.should_continue():
            sample(request, rng, sequence, {key_of(request): partial(import_once, request, mode=mode)})
            report(f"import: {sequence.line()}")
    except TimeLimitError:
        sequence.stopped = "timeout"
    return MeasurementResult(sequence.measurements(), modules=modules)


def _prepare(request: Request, settings: Settings) -> dict[Side, tuple[Module, ...]]:
    """Import once on every side, compile what is not yet compiled, and prove where the project's modules come from."""
    modules = {
        role: prove(import_once(request, role, settings, mode="prepare")["modules"], side=role, request=request)
        for role in request.roles
    }
    check_control(modules["base"], modules.get("control", ()))
    return {side: modules[side] for side in SIDES}


def import_once(
    request: Request,
    role: Role,
    settings: Settings,
    *,
    mode: Mode = "",
    log: Path | None = None,
) -> Message:
    """Import in one fresh interpreter; `log` gets the lines of `-X importtime`.

    With `prepare` it leaves compiled files. With `cost` and `memory` it has loaded what most programs load anyway
    (`USUAL` of `prprep_worker.startup.import_timer`); with `memory` the message has the bytes `kept`, by Python's
    tracemalloc.
    """
    arguments = (*imported(request), mode)
    options = ("-X", "importtime") if log else ()
    message = answer(request, role, settings, "startup/import_timer.py", arguments, options=options, log=log)
    if "early" in message:
        raise MeasuringError(
            f"`{message['early'][0]}` is imported on {role} as soon as Python starts, so its import cannot be timed",
            hint="remove what imports it in every interpreter (a sitecustomize module, a .pth file); "
            "nothing was measured",
        )
    if "error" in message:
        raise MeasuringError(
            f"importing {', '.join(request.modules)} failed on {role}: {message['error']}{last_lines(message['text'])}",
            hint="name modules that both commits have; nothing was measured",
        )
    return message


# -- which modules only one side loads --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImportTrace:
    """The modules that only one side loads, the slowest first, and how many modules each side loads."""

    modules: tuple[ImportedModule, ...]
    loaded: Mapping[Side, int]


def _trace(request: Request, rng: random.Random, report: Report) -> MeasurementResult:
    """Trace the imports with Python's own option, after the timing and in interpreters of their own."""
    report("import: tracing what is imported")
    settings = draw_settings(rng, request.deadline())
    try:
        traced = trace(lambda side, log: import_once(request, side, settings, log=log)["names"])
    except TimeLimitError:
        note = "Tracing the imports took longer than the time limit: it is not known which modules only one side loads."
        return MeasurementResult(notes=(note,))
    names = ", ".join(f"`{module}`" for module in request.modules)
    base, head = (traced.loaded[side] for side in SIDES)
    loaded = f"Importing {names} loads {base:,} modules at base and {head:,} at head."
    return MeasurementResult(imported=traced.modules, notes=(loaded,))


def trace(run: Callable[[Side, Path], list[str]]) -> ImportTrace:
    """Trace REPEATS times a side in turns; `run` writes Python's lines to the file and returns the loaded modules."""
    runs: dict[Side, list[Trace]] = {"base": [], "head": []}
    with temporary_folder() as scratch:
        for repeat in range(REPEATS):
            for side in SIDES if repeat % 2 == 0 else SIDES[::-1]:
                log = scratch / f"{side}-{repeat}"
                names = run(side, log)
                runs[side].append((names, traced_imports(log.read_text(encoding="utf-8", errors="replace"))))
    return one_sided(runs)


def traced_imports(text: str) -> list[TracedImport]:
    """Read the lines between the marks."""
    lines = _LINE.findall(text.partition(BEGIN)[2].partition(END)[0])
    return [TracedImport(name, int(own), len(blanks)) for own, blanks, name in lines]


def one_sided(runs: Mapping[Side, Sequence[Trace]]) -> ImportTrace:
    """Return the modules that every run of one side and none of the other loads, with median times in seconds."""
    modules = (*_only(runs["base"], runs["head"], "base"), *_only(runs["head"], runs["base"], "head"))
    slowest = sorted(modules, key=lambda module: (-module.cumulative, module.name))[:SHOWN]
    return ImportTrace(tuple(slowest), {side: median_low(len(names) for names, _ in runs[side]) for side in SIDES})


def _only(runs: Sequence[Trace], others: Sequence[Trace], side: Side) -> Iterator[ImportedModule]:
    names = set.intersection(*(set(loaded) for loaded, _ in runs)).difference(*(loaded for loaded, _ in others))
    times = [_times(lines, names) for _, lines in runs]
    for name in sorted(names):
        own, cumulative = (median(run[name][column] for run in times) / 1e6 for column in (0, 1))
        yield ImportedModule(name=name, side=side, cumulative=cumulative, own=own)


def _times(lines: Sequence[TracedImport], names: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return own and cumulative microseconds of each of `names`, without imported modules that are not among them.

    What the other side imports as well is not saved, whoever imports it first. A module that no import statement loaded
    has no line and took no time; one that was imported several times has the sum.
    """
    own, cumulative = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    importers: list[TracedImport] = []
    for line in reversed(lines):
        while importers and importers[-1].depth >= line.depth:
            importers.pop()
        importers.append(line)
        if line.name in names:
            own[line.name] += line.own
            for name in {importer.name for importer in importers} & own.keys():
                cumulative[name] += line.own
    return {name: (own[name], cumulative[name]) for name in names}
