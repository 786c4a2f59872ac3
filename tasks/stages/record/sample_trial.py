"""Try typical recorded calls, written as code, on both sides, and keep those that a benchmark can make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...artifacts import Sample, SampledCall
from ...bench.observing.site import RecordingSite
from ...bench.observing.trying import try_code
from ...bench.workers.channel import Message
from ...benchmark_tests.writing.sampled_code import compose_sample
from ...benchmark_tests.writing.sampling import reproducible
from ...project.code.definitions import Definition
from ...text.markdown import shorten

TOGETHER, ALONE = 30.0, 10.0
"""Seconds within which all calls have to end, and each of them if not all do."""
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
        notes: tuple[str, ...] = ()
        order = self._order(sample)
        answer = try_code(self.base, order, seconds=TOGETHER)
        if "raised" in answer:
            sample, notes = self._ending(sample)
            if notes and sample.calls:
                order = self._order(sample)
                answer = try_code(self.base, order, seconds=TOGETHER)
        if "raised" in answer or answer["changes"]:
            return None, notes
        reached: Sequence[bool] = ()
        if self.head is not None and self.lines:
            lines = {str(self.head.side.tree / path): list(numbers) for path, numbers in self.lines.items()}
            at_head = try_code(self.head, {**order, "lines": lines})
            if "raised" in at_head:
                return None, notes
            reached = [each[2] for each in at_head["value"]]
        lazy = any(is_iterator for _, is_iterator, _ in answer["value"])
        timed = sample.model_copy(update={"lazy": lazy, "seconds": answer["seconds"]})
        returned = [kind for kind, _, _ in answer["value"]]
        return reproducible(timed, returned, reached, constructed=constructed), notes

    def _order(self, sample: Sample) -> Message:
        """Return the order to try all calls of a sample, each of which may raise an error."""
        sampled = compose_sample(sample, self.called_as, self.definition)
        defined, attempts = sampled.attempts()
        setup = (*sampled.code.imports, f"calls = {sampled.listed}", *sampled.code.setup, defined)
        return {"setup": "\n".join(setup), "call": attempts, "inputs": ["calls"], "tell": True}

    def _ending(self, sample: Sample) -> tuple[Sample, tuple[str, ...]]:
        """Return the calls that end at base, each tried alone, and a note on each other one.

        What a change is about may be an input for which base takes for ever.
        """
        ending: list[SampledCall] = []
        notes: list[str] = []
        order = self._order(sample)
        for number, call in enumerate(sample.calls):
            alone = {**order, "setup": f"{order['setup']}\ncalls = calls[{number}:{number + 1}]"}
            if "raised" not in try_code(self.base, alone, seconds=ALONE):
                ending.append(call)
                continue
            code = shorten(", ".join(code for _, code in call.arguments), SHOWN)
            notes.append(f"a call with {code} is left out: at base it does not end within {ALONE:g} s, or it crashes")
            if len(notes) == MOST_ENDLESS:
                break
        return sample.model_copy(update={"calls": tuple(ending)}), tuple(notes)
