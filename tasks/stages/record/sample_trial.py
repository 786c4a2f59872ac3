"""Try typical recorded calls, written as code, on both sides, and keep those that a benchmark can make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...artifacts import Sample, SampledCall, Side
from ...bench.observing.site import RecordingSite
from ...bench.observing.trying import try_code
from ...bench.workers.channel import Message
from ...benchmark_tests.writing.sampled_code import compose_sample
from ...benchmark_tests.writing.sampling import reproducible
from ...project.code.definitions import Definition
from ...text.markdown import shorten
from . import lengths

TOGETHER = 30.0
"""Seconds within which all calls have to end; if they do not, each is tried by itself."""
MOST_ENDLESS = 3
"""Calls that do not, after which no further one is tried."""
SHOWN = 60
"""Letters of a call's arguments in a note."""


@dataclass(frozen=True, slots=True)
class SampleTrial:
    """Tries calls of `called_as` at base, and at `head` if it is known; `lines` are those that it changes, by file."""

    called_as: str
    definition: Definition
    base: RecordingSite
    head: RecordingSite | None
    lines: Mapping[str, Sequence[int]]

    def kept(self, sample: Sample, *, constructed: str) -> tuple[Sample | None, tuple[str, ...]]:
        """Return the calls that work as code, and notes on calls that do not end.

        The sample is None if most do not work, or if they change their arguments. `constructed` is the class whose
        objects the calls make, "" for none.
        """
        ending, base, notes = self._answer(sample, self.base, "base")
        if base is None or base["changes"]:
            return None, notes
        reached: Sequence[bool] = ()
        if self.head is not None and self.lines:
            ending_at_head, head, more = self._answer(ending, self.head, "head")
            if head is None:
                return None, notes + more
            if more:
                kept, _ = self.kept(ending_at_head, constructed=constructed)
                return kept, notes + more
            reached = [each[2] for each in head["value"]]
        lazy = any(is_iterator for _, is_iterator, _ in base["value"])
        timed = ending.model_copy(update={"lazy": lazy, "seconds": base["seconds"]})
        returned = [kind for kind, _, _ in base["value"]]
        return reproducible(timed, returned, reached, constructed=constructed), notes

    def _answer(
        self, sample: Sample, site: RecordingSite, side: Side
    ) -> tuple[Sample, Message | None, tuple[str, ...]]:
        """Return the calls that end on a side, what trying them answers, and notes on the others."""
        answer = try_code(site, self._order(sample, side), seconds=TOGETHER)
        if "raised" not in answer:
            return sample, answer, ()
        ending, notes = self._ending(sample, site, side)
        if not notes or not ending.calls:
            return ending, None, notes
        answer = try_code(site, self._order(ending, side), seconds=TOGETHER)
        return ending, None if "raised" in answer else answer, notes

    def _order(self, sample: Sample, side: Side) -> Message:
        """Return the order to try all calls of a sample, each of which may raise an error."""
        sampled = compose_sample(sample, self.called_as, self.definition)
        defined, attempts = sampled.attempts()
        setup = (*sampled.code.imports, f"calls = {sampled.listed}", *sampled.code.setup, defined)
        order = {"setup": "\n".join(setup), "call": attempts, "inputs": ["calls"], "tell": True}
        if side == "head" and self.head is not None:
            tree = self.head.side.tree
            order["lines"] = {str(tree / path): list(numbers) for path, numbers in self.lines.items()}
        return order

    def _ending(self, sample: Sample, site: RecordingSite, side: Side) -> tuple[Sample, tuple[str, ...]]:
        """Return the calls that end on a side, each tried alone, and a note on each other one.

        What a change is about may be an input for which base takes for ever.
        """
        ending: list[SampledCall] = []
        notes: list[str] = []
        order = self._order(sample, side)
        for number, call in enumerate(sample.calls):
            alone = {**order, "setup": f"{order['setup']}\ncalls = calls[{number}:{number + 1}]"}
            if "raised" not in try_code(site, alone, seconds=lengths.LATE):
                ending.append(call)
                continue
            code = shorten(", ".join(code for _, code in call.arguments), SHOWN)
            reason = f"at {side} it does not end within {lengths.LATE:g} s, or it crashes"
            notes.append(f"a call with {code} is left out: {reason}")
            if len(notes) == MOST_ENDLESS:
                break
        return sample.model_copy(update={"calls": tuple(ending)}), tuple(notes)
