"""Compare what the benchmark's calls returned; if they seem to differ, with what another process returns on base."""

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ...artifacts import Output, Side
from ...errors import MeasuringError
from ...processes.cores import one_core
from ...processes.progress import Report
from ..request import Request
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings, hash_seed, started
from .attributes import Attributes
from .outputs import judge


@dataclass(frozen=True, slots=True)
class CallResults:
    """What one benchmark call returned on each side, at first and `again`, and the `attributes` that were read."""

    key: str
    described: Mapping[Side, Message]
    again: Mapping[Side, Message]
    attributes: Attributes

    def judge(self, witness: Message | None = None) -> Output:
        return judge(self.key, self.described, self.again, witness)


def compare_outputs(
    request: Request, calls: Sequence[CallResults], rng: random.Random, report: Report
) -> tuple[Output, ...]:
    """Compare the results of all calls that were made on both sides.

    If some differ, the benchmark runs once more on base, in another tree if there is a control, with another hash seed
    and memory layout: what differs there too belongs to the process, such as its number or a temporary path.
    """
    outputs = tuple(call.judge() for call in calls)
    different = {call.key: call for call, output in zip(calls, outputs, strict=True) if output.verdict == "different"}
    if not different:
        return outputs
    report("results differ: comparing with another process on base")
    witnesses = _witnesses(request, different, rng)
    return tuple(
        different[output.test].judge(witnesses[output.test]) if output.test in witnesses else output
        for output in outputs
    )


def _witnesses(request: Request, calls: Mapping[str, CallResults], rng: random.Random) -> dict[str, Message]:
    """Return what another process returns on base; without the calls after the time limit or a failure."""
    witnesses: dict[str, Message] = {}
    settings = Settings(hash_seed(rng), cores=one_core(), describe=True, deadline=request.deadline())
    with suppress(MeasuringError, TimeLimitError), started(request, request.second_base, settings) as worker:
        worker.collected()
        while ready := worker.advance():
            described = worker.described()
            if call := calls.get(ready.key):
                attributes = call.attributes["base"]
                witnesses[ready.key] = {**described, **(worker.again(attributes)["value"] if attributes else {})}
    return witnesses
