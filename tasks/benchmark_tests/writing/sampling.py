"""Choose typical calls among those that a recorder drew; the largest call alone does not show everyday use."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...artifacts import RecordedCall, Sample, SampledCall

Arguments = tuple[tuple[str, str], ...]

REALISTIC = 1e-3
"""Seconds of a call for an input to be large enough; smaller inputs are scaled up if possible."""
LONGEST = 160
"""The most characters of a call's arguments in a list of calls."""
CHOSEN = 16
"""The most calls in a benchmark."""
TRIED = 160
"""The most calls that are tried, to choose from."""


@dataclass(frozen=True, slots=True)
class DrawnCalls:
    """Calls drawn at random from the `looked` ones that were recorded; None for one that has no short code."""

    calls: tuple[Mapping[str, Any] | None, ...]
    looked: int


def combined(runs: Sequence[DrawnCalls]) -> DrawnCalls:
    """Combine the samples of several runs, each whole: a stratified sample whose strata are the runs.

    A sample in proportion would hold the thousands of calls of one parametrized test, and none of other files.
    """
    return DrawnCalls(tuple(call for run in runs for call in run.calls), sum(run.looked for run in runs))


def typical_sample(drawn: DrawnCalls, largest: RecordedCall | None) -> Sample | None:
    """Return the different calls of those `drawn`, by size, with the `largest` if it is as small as they are.

    There is no sample if most of them have no short code, since the others are not typical.
    """
    short = [each for each in drawn.calls if each]
    if not short or 2 * len(short) < len(drawn.calls):
        return None
    names = statistics.mode(tuple(each["arguments"]) for each in short)
    different: dict[Arguments, SampledCall] = {}
    for each in (each for each in short if tuple(each["arguments"]) == names):
        code, imports = tuple(each["arguments"].items()), tuple(each["imports"])
        different[code] = SampledCall(arguments=code, imports=imports, size=each["size"], returns=each["returns"])
    if largest and is_small_call(largest):
        code, imports = largest.spelling.arguments, largest.spelling.imports
        if tuple(dict(code)) == names:
            different[code] = SampledCall(arguments=code, imports=imports, size=largest.size)
    if len(different) < 2:
        return None
    chosen = _evenly(sorted(different.values(), key=_rank), TRIED)
    return Sample(calls=chosen, kinds=short[0]["kinds"], drawn=len(drawn.calls), looked=drawn.looked)


def _rank(call: SampledCall) -> tuple[int, int, Arguments]:
    """Order calls by what they hold; numbers, which hold as much, by their digits."""
    return call.size, sum(len(code) for _, code in call.arguments), call.arguments


def reproducible(
    sample: Sample, returned: Sequence[str | None], reached: Sequence[bool] = (), *, constructed: str = ""
) -> Sample | None:
    """Keep the calls that return the recorded type again, and if some of them have `reached` what changed, only those.

    `returned` has type names, None for a call that failed. Calls of a constructor return the class `constructed`. There
    is no sample if less than half return the same again: such calls depend on more than their arguments.
    """
    kept = [
        index
        for index, (call, kind) in enumerate(zip(sample.calls, returned, strict=True))
        if kind is not None and (constructed or call.returns) in {"", kind}
    ]
    if len(kept) < max(2, len(sample.calls) / 2):
        return None
    reaching = [index for index in kept if reached and reached[index]]
    chosen = _evenly([sample.calls[index] for index in (reaching if len(reaching) > 1 else kept)], CHOSEN)
    share = len(chosen) / len(sample.calls)
    return sample.model_copy(
        update={
            "calls": chosen,
            "seconds": sample.seconds * share,
            "reaching": len(reaching) if reached else len(kept),
        }
    )


def is_small_call(call: RecordedCall) -> bool:
    """Return whether the largest call is a short one whose inputs cannot be scaled up, like the sampled ones."""
    spelling = call.spelling
    if sum(len(code) for _, code in spelling.arguments) > LONGEST:
        return False
    built = spelling.needs or spelling.files or spelling.statements or spelling.data
    is_whole = spelling.scale == spelling.divisor == 1
    return is_whole and spelling.seconds < REALISTIC and not (built or call.fakes or call.changes)


def _evenly(calls: Sequence[SampledCall], most: int) -> tuple[SampledCall, ...]:
    last = len(calls) - 1
    return tuple(calls[round(index * last / (most - 1))] for index in range(most)) if last >= most else tuple(calls)
