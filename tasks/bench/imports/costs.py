"""What importing a module costs, if its own code changed: time, and the memory that it keeps.

A change may move work from calls to the import: a table that is built once, a library that is loaded early. What most
programs load anyway is loaded before the clock starts, since it is no cost of the change.
"""

import random
from dataclasses import replace
from functools import partial

from ...artifacts import MetricName, Side
from ...errors import MeasuringError, ProvenanceError
from ...processes.progress import Report
from ..repeats import Counts, Repeats
from ..request import MeasurementResult, Request
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings
from .imports import import_once, key_of, time_imports

BUDGET = 5.0
"""Seconds for the time of an import, if the item has as many."""
REPEATS = 3
"""Fresh interpreters of each side for the memory, which hardly varies."""


def import_costs(request: Request, rng: random.Random, report: Report) -> MeasurementResult:
    """Measure the import of `request.changed_modules`, in one interpreter after the other.

    No claim rests on it: that they cannot be imported alone is a note. Raises ProvenanceError.
    """
    report("import: what the changed modules cost")
    request = replace(request, modules=request.changed_modules, budget=min(request.budget, BUDGET))
    try:
        result = time_imports(request, rng, report, "cost")
        kept = Repeats((MetricName.KEPT,))
        for _ in range(REPEATS):
            kept.add(rng, partial(_kept, request), deadline=request.deadline())
    except ProvenanceError:
        raise
    except TimeLimitError:
        return MeasurementResult(notes=("What the import costs is not known: the time limit came first.",))
    except MeasuringError as error:
        what = error.what.partition("\n")[0]
        return MeasurementResult(notes=(f"What the import costs is not known: {what}.",))
    timed = (each for each in result.measurements if each.metric is MetricName.IMPORT)
    measurements = (*timed, *kept.measurements("repeats"))
    return replace(result, measurements=tuple(each.model_copy(update={"is_cost": True}) for each in measurements))


def _kept(request: Request, side: Side, settings: Settings) -> Counts:
    message = import_once(request, side, settings, mode="memory")
    return {key_of(request): (float(message["kept"]),)}
