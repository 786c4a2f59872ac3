"""Measure a pair of trees: time in lockstep, memory, import time, and what the benchmark returns."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import replace
from functools import partial
from typing import Protocol

from ..artifacts import SIDES, Output
from ..manifest.model import Metric
from ..processes.cores import other_cores
from ..processes.progress import Report, silent
from ..processes.threads import in_thread
from .exclusive import await_quiet, exclusive
from .imports.costs import import_costs
from .imports.imports import measure_imports
from .imports.startup import time_startup
from .memory.memory import measure_memory
from .outputs.inputs import compare_further_inputs
from .request import MeasurementResult, Request
from .time import instructions
from .time.benchmark_run import BenchmarkRun
from .time.functions import profile_functions
from .time.timing import TimedHead, check, measure_heads
from .workers import memory_layout, pytest_options, sandbox

_TIMES = ("measurements", "unmeasured", "parallel", "preempted", "notes")
"""The fields of a result that come from timing."""


def check_tools(metrics: Sequence[Metric], *, confined: bool = False) -> None:
    """Raise MeasuringError if a metric or the sandbox needs a program that is not installed."""
    if confined:
        sandbox.check()
    if "instructions" in metrics:
        instructions.check()


class Lockstep(Protocol):
    """The other items whose heads may be timed in the same turns as an item's."""

    def times(self) -> MeasurementResult | None:
        """Return the item's times, if they have been measured together with those of another."""

    def requests(self, request: Request) -> Mapping[str, Request]:
        """Return the heads to time now, too, by their names."""

    def keep(self, name: str, times: MeasurementResult) -> None:
        """Keep the times of another item until that is measured."""


def measure(request: Request, *, report: Report = silent, lockstep: Lockstep | None = None) -> MeasurementResult:
    """Measure `request.metrics`, and hold the machine's lock meanwhile.

    Only times are measured in `lockstep` with other heads; everything else is that of one item.

    Raises MeasuringError if the benchmark does not pass on both sides in the same way, ProvenanceError if a module of
    the project does not come from its side's tree.
    """
    rng = request.rng()
    with exclusive(request.lock, report):
        began = time.time()
        if request.lock and {"time", "import"} & set(request.metrics):
            await_quiet(report)
        sandbox.compile_environments(request)
        result = _run_benchmark(request, rng, report, lockstep) if request.benchmark else MeasurementResult()
        if request.modules and "import" in request.metrics:
            result += measure_imports(request, rng, report)
            result += time_startup(request, rng, report)
        elif request.changed_modules:
            result += import_costs(request, rng, report)
        result = replace(result, spans=((began, time.time()),))
    modules = {
        side: tuple(sorted(set(result.modules.get(side, ())), key=lambda module: (module.path, module.name)))
        for side in SIDES
    }
    return replace(result, modules=modules, notes=(*_notes(request, result), *result.notes))


def dry_run(request: Request, *, report: Report = silent) -> tuple[Output, ...]:
    """Run the benchmark once on every side, and return the outputs of its calls; raises as `measure` does."""
    if not request.benchmark:
        return ()
    with exclusive(request.lock, report):
        return check(request, request.rng(), report).outputs


def _run_benchmark(
    request: Request, rng: random.Random, report: Report, lockstep: Lockstep | None
) -> MeasurementResult:
    """Time the benchmark first, before anything else disturbs the machine."""
    is_timed = "time" in request.metrics
    times = lockstep.times() if lockstep and is_timed else None
    if is_timed and times is None:
        head = _timed(request, rng, report, lockstep)
    else:
        head = TimedHead((), check(request, rng, report))
    result, run = _result(head), head.run
    if times:
        result = replace(result, **{name: getattr(times, name) for name in _TIMES})
    if not set(request.metrics) - {"import"}:
        # The benchmark of an import shows that it works; its call is not compared.
        return result
    outputs, functions = _outputs_and_functions(request, run, rng, report)
    result = replace(result, outputs=outputs) + functions
    if "instructions" in request.metrics:
        result += MeasurementResult(instructions.measure_instructions(request, rng, report))
    if "memory" in request.metrics:
        result += measure_memory(request, rng, report)
    return result


def _outputs_and_functions(
    request: Request, run: BenchmarkRun, rng: random.Random, report: Report
) -> tuple[tuple[Output, ...], MeasurementResult]:
    """Compare results on further inputs and sample functions, at the same time if there are two cores."""
    free, own_rng = other_cores()[-1:], random.Random(rng.random())  # noqa: S311 - it draws inputs
    compare = partial(compare_further_inputs, request, run.outputs, own_rng, report, refused=run.refused, cores=free)
    if not free:
        return compare(), profile_functions(request, rng, report)
    outputs = in_thread(compare)
    try:
        functions = profile_functions(request, rng, report)
        return outputs.result(), functions
    except Exception:
        wait([outputs])  # its processes must not run during the next measurement
        raise


def _timed(request: Request, rng: random.Random, report: Report, lockstep: Lockstep | None) -> TimedHead:
    """Time the request's head, and in the same turns those in `lockstep`."""
    heads = measure_heads({"": request, **(lockstep.requests(request) if lockstep else {})}, rng, report)
    for name, head in heads.items():
        if lockstep and name:
            lockstep.keep(name, _result(head))
    return heads[""]


def _result(head: TimedHead) -> MeasurementResult:
    run = head.run
    return MeasurementResult(
        measurements=head.measurements,
        outputs=run.outputs,
        tests=run.tests,
        modules={side: tuple(run.modules[side]) for side in SIDES},
        unmeasured=run.unmeasured,
        parallel=run.parallel,
        unknown_options=run.unknown_options,
        preempted=run.preempted,
        notes=run.notes,
    )


def _notes(request: Request, result: MeasurementResult) -> Iterator[str]:
    if request.benchmark and (words := ", ".join(pytest_options.left_out(request.head.tree, request.benchmark))):
        yield f"The project's options for pytest apply, without those that disturb measuring: {words}."
    if any(measurement.stopped == "timeout" for measurement in result.measurements):
        yield "The time limit ended measuring early; what was complete by then is used."
    if not any(result.modules.values()):
        yield "What was measured imports no module of the project."
    timed = {"time", "import"} & set(request.metrics)
    if timed and not memory_layout.can_choose():
        yield "This system cannot give processes the same memory layout: they also differ by their random addresses."
