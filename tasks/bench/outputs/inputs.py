"""Compare what both sides return on further inputs, which hypothesis generates around those of the benchmark."""

import math
import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from ...artifacts import SIDES, Output
from ...errors import MeasuringError, ProvenanceError
from ...processes.cores import Cores, one_core
from ...processes.progress import Report
from ..request import Request
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, hash_seed, started
from .exploration import LATE_FACTOR, OWN_SECONDS, Exploration, Witness, not_tried, noted

LEAST_SECONDS, CALL_SECONDS, MOST_SECONDS = 6.0, 1.0, 30.0
"""Time for all benchmark calls: CALL_SECONDS for each, within these limits. Each may take an equal share of what the
earlier ones left."""


def compare_further_inputs(
    request: Request,
    outputs: tuple[Output, ...],
    rng: random.Random,
    report: Report,
    *,
    refused: Mapping[str, str] | None = None,
    cores: Cores = (),
) -> tuple[Output, ...]:
    """Try further inputs on every benchmark call whose outputs are wholly equal; return the outputs with the results.

    A fresh process a side runs the calls, each in a forked child, on the `cores`, else on the one that measures. If
    nothing can be tried, `detail` says why; of the calls that are `refused` it is known before.
    """
    reasons = refused or {}
    wholly_equal = {output.test for output in outputs if output.verdict == "equal" and not output.partly}
    outputs = tuple(
        not_tried(each, reasons[each.test]) if each.test in wholly_equal & reasons.keys() else each for each in outputs
    )
    equal = {output.test: output for output in outputs if output.test in wholly_equal - reasons.keys()}
    if not equal or request.benchmark is None:
        return outputs
    compared: dict[str, Output] = {}
    budget = max(LEAST_SECONDS, min(CALL_SECONDS * len(equal), MOST_SECONDS))
    seconds = min(budget, request.timeout or math.inf)
    try:
        _serve(request, equal, compared, rng=rng, seconds=seconds, cores=cores or one_core())
    except TimeLimitError:
        reason = f"no further inputs were tried within {seconds:g} s"
    except ProvenanceError:
        raise
    except MeasuringError as error:
        reason = f"no further inputs were tried: {error.what.splitlines()[0].rstrip(':')}"
    else:
        reason = "no further inputs were tried: the call was not repeated"
    inputs = sum(output.inputs - 1 for output in compared.values())
    different = sum(output.verdict == "different" for output in compared.values())
    report(f"results on further inputs: {inputs} compared, {different} calls differ")
    return tuple(
        compared.get(output.test) or (noted(output, reason) if output.test in equal else output) for output in outputs
    )


def _serve(
    request: Request,
    equal: Mapping[str, Output],
    compared: dict[str, Output],
    *,
    rng: random.Random,
    seconds: float,
    cores: Cores,
) -> None:
    deadline = time.monotonic() + seconds
    settings = Settings(hash_seed(rng), cores=cores, deadline=deadline)
    with ExitStack() as stack:
        workers = {side: stack.enter_context(started(request, side, settings)) for side in SIDES}
        witness = Witness(request, replace(settings, seed=settings.seed // 2 + 1), stack)
        for worker in workers.values():
            worker.collected()
        while len(compared) < len(equal):
            ready = {side: worker.advance() for side, worker in workers.items()}
            base, head = ready["base"], ready["head"]
            if base is None or head is None or base.key != head.key:
                return
            if base.key in equal:
                # Each call has a seed of its own, so the next one's inputs do not depend on this one's result.
                seed = rng.randrange(2**32)
                seconds = max(base.seconds, head.seconds)
                exploration = Exploration(equal[base.key], workers, witness, OWN_SECONDS + LATE_FACTOR * seconds)
                now = time.monotonic()
                share = (deadline - now) / (len(equal) - len(compared))
                compared[base.key] = exploration.run(seed, seconds=seconds, deadline=now + share)
