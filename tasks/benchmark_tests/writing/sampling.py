"""Choose typical calls among those that a recorder drew: what a benchmark of the largest call alone would not show."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...artifacts import Sample, SampledCall

if TYPE_CHECKING:
    from ...artifacts import RecordedCall

    Arguments = tuple[tuple[str, str], ...]

REALISTIC = 1e-3
"""Seconds of a call from which an input is large enough; smaller ones are scaled up, as long as that works."""
LONGEST = 160
"""Characters of a call's arguments that can stand in a list of calls."""
CHOSEN = 16
"""Calls that stand for all."""


@dataclass(frozen=True, slots=True)
class DrawnCalls:
    """Calls that were drawn at random out of those `looked` at; None stands for one without a short spelling."""

    calls: tuple[Mapping[str, Any] | None, ...]
    looked: int


def combined(runs: Sequence[DrawnCalls]) -> DrawnCalls:
    """Put the samples of several runs together, each whole (a stratified sample, the runs are its strata).

    How often tests make a call is no measure of how often anybody does: one parametrized test makes thousands, and in proportion
    nothing of the other files would be left.
    """
    return DrawnCalls(tuple(call for run in runs for call in run.calls), sum(run.looked for run in runs))


def typical_sample(drawn: DrawnCalls, largest: RecordedCall | None) -> Sample | None:
    """Return different calls out of those `drawn`, evenly by size; with them the `largest`, where it is one of their kind.

    Where most of them have no short spelling, what is left is not typical, and there is no sample.
    """
    short = [each for each in drawn.calls if each]
    if not short or 2 * len(short) < len(drawn.calls):
        return None
    names = statistics.mode(tuple(each["arguments"]) for each in short)
    different: dict[Arguments, SampledCall] = {}
    for each in short:
        if tuple(each["arguments"]) == names:
            code = tuple(each["arguments"].items())
            different[code] = SampledCall(
                arguments=code, imports=tuple(each["imports"]), size=each["size"], returns=each["returns"]
            )
    if largest and is_small_call(largest):
        spelling = largest.spelling
        fits = tuple(dict(spelling.arguments)) == names and sum(len(code) for _, code in spelling.arguments) <= LONGEST
        if fits:
            different[spelling.arguments] = SampledCall(
                arguments=spelling.arguments, imports=spelling.imports, size=largest.size
            )
    if len(different) < 2:
        return None
    chosen = _evenly(sorted(different.values(), key=lambda call: (call.size, call.arguments)), CHOSEN)
    return Sample(calls=tuple(chosen), kinds=short[0]["kinds"], drawn=len(drawn.calls), looked=drawn.looked)


def reproducible(sample: Sample, returned: Sequence[str | None], *, made: str = "") -> Sample | None:
    """Keep the calls that return what they returned when they were recorded (type names, None where a call fails).

    Of a constructor, which returns nothing itself, they return the class that is `made`.
    Where that is less than half of them, they depend on more than their arguments, and there is no sample.
    """
    pairs = zip(sample.calls, returned, strict=True)
    kept = tuple(call for call, kind in pairs if kind is not None and (made or call.returns) in {"", kind})
    enough = max(2, len(sample.calls) / 2)
    return sample.model_copy(update={"calls": kept}) if len(kept) >= enough else None


def is_small_call(call: RecordedCall) -> bool:
    """Return whether the largest call is a small one like the others, whose inputs have no size that could be scaled."""
    spelling = call.spelling
    built = spelling.needs or spelling.files or spelling.statements or spelling.data or spelling.fixtures
    return spelling.scale == 1 and spelling.seconds < REALISTIC and not (built or call.fakes or call.changes)


def _evenly(calls: Sequence[SampledCall], most: int) -> list[SampledCall]:
    if len(calls) <= most:
        return list(calls)
    return [calls[round(place * (len(calls) - 1) / (most - 1))] for place in range(most)]
