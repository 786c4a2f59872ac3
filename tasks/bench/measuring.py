"""Measure a pair of trees: time in lockstep, memory, import time, and what the benchmark returns."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..artifacts import SIDES
from ..processes.progress import Report, silent
from .imports.imports import time_imports
from .imports.startup import time_startup
from .machine import exclusive
from .memory.memory import measure_memory
from .outputs.inputs import compare_further_inputs
from .request import MeasurementResult, Request
from .time import instructions
from .time.functions import profile_functions
from .time.timing import check, measure_time
from .workers import memory_layout, sandbox
from .workers.workers import core

if TYPE_CHECKING:
    from ..artifacts import Measurement, Output, Site
    from ..manifest.model import Metric


def check_tools(metrics: Sequence[Metric], *, confined: bool = False) -> None:
    """Raise MeasuringError, before anything is made, where a metric or the sandbox needs a program that is not there."""
    if confined:
        sandbox.check()
    if "instructions" in metrics:
        instructions.check()


def measure(request: Request, *, report: Report = silent) -> MeasurementResult:
    """Measure what `request.metrics` asks for, and hold the machine's lock meanwhile.

    Raises MeasuringError where the benchmark does not pass on both sides in the same way, ProvenanceError where a
    module of the project does not come out of its side's tree.
    """
    lots = random.Random(request.seed)  # noqa: S311 - lots that can be drawn again, no secret
    with exclusive(request.lock, report):
        sandbox.compile_environments(request)
        return _measure(request, lots, report)


def dry_run(request: Request, *, report: Report = silent) -> tuple[Output, ...]:
    """Run the benchmark once on every side, and give what its calls returned; raises as `measure` does."""
    if not request.benchmark:
        return ()
    lots = random.Random(request.seed)  # noqa: S311 - as above
    with exclusive(request.lock, report):
        return check(request, lots, report).outputs


def _measure(request: Request, lots: random.Random, report: Report) -> MeasurementResult:
    found = MeasurementResult()
    if request.benchmark:
        found = _benchmarked(request, lots, report)
    if request.modules and "import" in request.metrics:
        for timed in (time_imports(request, lots, report), time_startup(request, lots, report)):
            found = _together(found, timed)
    modules = {
        side: tuple(sorted(set(found.modules.get(side, ())), key=lambda module: (module.path, module.name)))
        for side in SIDES
    }
    return replace(found, modules=modules, notes=(*_notes(request, found), *found.notes))


def _together(found: MeasurementResult, more: MeasurementResult) -> MeasurementResult:
    return replace(
        found,
        measurements=(*found.measurements, *more.measurements),
        modules={side: (*found.modules.get(side, ()), *more.modules.get(side, ())) for side in SIDES},
        imported=(*found.imported, *more.imported),
        notes=(*found.notes, *more.notes),
    )


def _benchmarked(request: Request, lots: random.Random, report: Report) -> MeasurementResult:
    """Time the benchmark first, while nothing else was done; what else is to be known of its calls comes after that."""
    measurements: tuple[Measurement, ...] = ()
    if "time" in request.metrics:
        measurements, run = measure_time(request, lots, report)
    else:
        run = check(request, lots, report)
    if not set(request.metrics) - {"import"}:
        # The benchmark of an import shows that it goes well; its call is not what is compared.
        return MeasurementResult(
            outputs=run.outputs, tests=run.tests, modules={side: tuple(run.modules[side]) for side in SIDES}
        )
    outputs = compare_further_inputs(request, run.outputs, lots, report)
    profiled = profile_functions(request, lots, report)
    sites: tuple[Site, ...] = ()
    if "instructions" in request.metrics:
        measurements += instructions.measure_instructions(request, lots, report)
    if "memory" in request.metrics:
        tracked, sites = measure_memory(request, lots, report, native=request.native)
        measurements += tracked
    return MeasurementResult(
        measurements=measurements,
        outputs=outputs,
        tests=run.tests,
        modules={side: tuple(run.modules[side]) for side in SIDES},
        functions=profiled.functions,
        profiled=profiled.tests,
        unreached=profiled.unreached,
        sites=sites,
        preempted=run.preempted,
        notes=(*run.notes, *profiled.notes),
    )


def _notes(request: Request, found: MeasurementResult) -> Iterator[str]:
    if any(measurement.stopped == "timeout" for measurement in found.measurements):
        yield "Measuring was stopped by its time limit; what was complete by then is kept."
    if not any(found.modules.values()):
        yield "What was measured imports no module of the project."
    if core(pin=request.pin) is not None and {"time", "import"} & set(request.metrics):
        yield "Both sides ran in turns on one core: what several cores would do at once is not shown."
    if {"time", "import"} & set(request.metrics) and not memory_layout.can_choose():
        yield "This system does not let processes share a memory layout: they differ by what their addresses happen to be."
