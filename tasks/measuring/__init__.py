"""Measure a pair of trees: time in lockstep, memory, import time, and what the benchmark returns."""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from .. import locks
from ..artifacts import SIDES, Measurement
from ..errors import BusyError
from ..progress import Report, silent
from .imports import measure_imports
from .memory import measure_memory
from .request import Measured, Request, SideRequest
from .timing import Run, check, measure_time
from .workers import core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Measured", "Request", "SideRequest", "measure"]


def measure(request: Request, *, report: Report = silent) -> Measured:
    """Measure what `request.metrics` asks for, and hold the machine's lock meanwhile.

    Raises MeasuringError where the benchmark does not pass on both sides in the same way, ProvenanceError where a
    module of the project does not come out of its side's tree.
    """
    lots = random.Random(request.seed)  # noqa: S311 - lots that can be drawn again, no secret
    with _alone(request.lock, report):
        return _measure(request, lots, report)


def _measure(request: Request, lots: random.Random, report: Report) -> Measured:
    measurements: list[Measurement] = []
    run = Run()
    if request.benchmark and "time" in request.metrics:
        timed, run = measure_time(request, lots, report)
        measurements += timed
    elif request.benchmark:
        run = check(request, lots, report)
    if request.benchmark and "memory" in request.metrics:
        measurements += measure_memory(request, lots, report)
    if request.modules and "import" in request.metrics:
        timed, modules = measure_imports(request, lots, report)
        measurements += timed
        run.add_modules(modules)
    return Measured(
        measurements=tuple(measurements),
        outputs=run.outputs,
        tests=run.tests,
        modules={side: tuple(sorted(run.modules[side], key=lambda module: (module.path, module.name))) for side in SIDES},
        notes=tuple(_notes(request, measurements, run)),
    )


def _notes(request: Request, measurements: list[Measurement], run: Run) -> Iterator[str]:
    if any(measurement.stopped == "timeout" for measurement in measurements):
        yield "Measuring was stopped by its time limit; what was complete by then is kept."
    if not any(run.modules.values()):
        yield "What was measured imports no module of the project."
    if core(pin=request.pin) is not None and {"time", "import"} & set(request.metrics):
        yield "Both sides ran in turns on one core: what several cores would do at once is not shown."


@contextmanager
def _alone(lock: Path | None, report: Report) -> Iterator[None]:
    """Hold the machine's lock: two comparisons at once would disturb each other."""
    with ExitStack() as stack:
        if lock is not None:
            try:
                stack.enter_context(locks.held(lock, busy="another comparison is running on this machine"))
            except BusyError as error:
                report(f"{error.what}: waiting until it has ended")
                stack.enter_context(locks.held(lock, busy=None))
        yield
