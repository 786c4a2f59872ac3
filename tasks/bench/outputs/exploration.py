"""Try further inputs of one benchmark call on both sides, which hypothesis generates around its own."""

import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from ...artifacts import SIDES, Output, Side
from ...errors import MeasuringError
from ..request import Request
from ..workers.channel import Message
from ..workers.workers import Settings, Worker, started
from .descriptions import DescriptionComparison, spelled_difference, unstable_parts
from .input_edges import as_recorded, edges
from .input_spelling import call_as_markdown, first_difference, largest_number, passed_objects

Input = list[list[Any]]

INPUTS = 100
"""Inputs of a call to compare."""
EDGES = 60
"""The first so many inputs are edge cases."""
TRIES = 400
"""Inputs to try at most, including those that cannot be compared and those for shrinking."""
SIDE_SECONDS = 2.0
"""Time for one benchmark call on each side."""
EXPENSIVE_SECONDS = 0.2
LATE_SECONDS = 0.05
LATE_FACTOR = 10
OWN_SECONDS = 1.0
"""A further call may take LATE_SECONDS, plus LATE_FACTOR times what the benchmark's own call takes, plus twice what
running that in a child and describing its result takes, which may be OWN_SECONDS."""


class DifferenceError(Exception):
    """Both sides return different results on an input; hypothesis then looks for a simpler one."""


def too_long(seconds: float) -> str:
    """Return why a call of so many seconds is not tried with further inputs, "" if it is."""
    return f"one call takes {seconds:.1f} s" if seconds > EXPENSIVE_SECONDS else ""


def refusal(workers: Sequence[Worker], seconds: float) -> str:
    """Return why no further inputs of the workers' call, of so many seconds, can be tried; "" if that is not known."""
    if refused := too_long(seconds):
        return refused
    answers = (worker.ask("try", no_setup=True) for worker in workers)
    return next((str(answer["reason"]) for answer in answers if answer["kind"] == "refused"), "")


@dataclass
class Witness:
    """Another process on base, with another hash seed and memory layout; it starts when it is needed."""

    request: Request
    settings: Settings
    stack: ExitStack
    worker: Worker | None = None
    key: str = ""
    recorded: Message = field(default_factory=dict)
    """The arguments of the call with this key."""

    def ask(self, key: str, **order: Any) -> Message | None:
        """Try an input at the call with this key; None if the process does not reach it."""
        with suppress(MeasuringError):
            if self.worker is None:
                process = started(self.request, self.request.second_base, self.settings)
                self.worker = self.stack.enter_context(process)
                self.worker.collected()
            while self.key != key and (ready := self.worker.advance()):
                self.key = ready.key
                self.recorded = self.worker.ask("try")
            if self.key == key and self.recorded["kind"] == "recorded":
                return self.worker.ask("try", **order) if order else self.recorded
        return None


@dataclass
class Exploration:
    """Try inputs around those of one benchmark call on both sides."""

    output: Output
    workers: Mapping[Side, Worker]
    witness: Witness
    limit: float
    """Seconds that one call may take."""
    recorded: Message = field(default_factory=dict)
    until: float = math.inf
    """When to stop trying inputs, on the monotonic clock."""
    counts: Counter[str] = field(default_factory=Counter)
    """Inputs by what happened."""
    other_error: str = ""
    """The first input for which base raises an error and head does not raise the same."""
    rounding: float = 0.0
    differences: list[tuple[str, ...]] = field(default_factory=list)
    _results: dict[str, str | None] = field(default_factory=dict)

    def run(self, seed: int, *, seconds: float, deadline: float) -> Output:
        """Explore for the time that a call of `seconds` leaves until `deadline`."""
        if output := self._record(seconds):
            return output
        from .input_strategies import around

        spellings: Input = self.recorded["arguments"]
        own = [as_recorded(index, spelling) for index, spelling in enumerate(spellings)]
        began = time.monotonic()
        if output := self._try_own(own):
            return output
        ended = time.monotonic()
        self.limit = LATE_SECONDS + LATE_FACTOR * seconds + (ended - began)
        self.until = min(deadline - 2 * self.limit, ended + 2 * SIDE_SECONDS)
        cases, strategy = edges(spellings, EDGES), around(spellings)
        if cases:
            from hypothesis import strategies

            self._explore(strategies.sampled_from(cases), len(cases), seed)
        self._explore(strategy, max(INPUTS - self.counts["equal"], INPUTS - EDGES), seed)
        return self._output()

    def _record(self, seconds: float) -> Output | None:
        """Record the benchmark's own arguments; return the output if they cannot be varied or differ."""
        if refused := too_long(seconds):
            return not_tried(self.output, refused)
        base, head = recorded = [self.workers[side].ask("try") for side in SIDES]
        for call in recorded:
            if call["kind"] == "refused":
                return not_tried(self.output, call["reason"])
        passed, keywords = [passed_objects(call["arguments"]) for call in recorded], base["keywords"]
        if passed[0] != passed[1] or keywords != head["keywords"]:
            return not_tried(self.output, "the call has other arguments at head")
        self.recorded = base
        if difference := first_difference(base["arguments"], head["arguments"]):
            other = self.witness.ask(self.output.test)
            if other and first_difference(base["arguments"], other["arguments"]):
                return not_tried(self.output, "its arguments differ from process to process")
            detail = f"after the call its arguments differ: {spelled_difference(difference)}"
            return Output(test=self.output.test, verdict="different", detail=detail)
        return None

    def _try_own(self, own: Input) -> Output | None:
        """Run the benchmark's own call in the same way; return the output if that fails or differs."""
        self._results[json.dumps(own)] = None
        answers = self._ask(own)
        for side, answer in answers.items():
            if answer["outcome"] != "returned":
                reason = _FAILURES[answer["outcome"]].format(answer.get("text") or answer.get("type", ""))
                return not_tried(self.output, f"{reason} at {side}")
        difference, _ = self._compare(own, answers)
        if difference and (difference := self._confirmed(own, answers)):
            detail = f"called again, with the same arguments: {difference}"
            return Output(test=self.output.test, verdict="different", detail=detail)
        return None

    def _explore(self, strategy: Any, count: int, seed: int) -> None:
        import hypothesis
        from hypothesis.configuration import set_hypothesis_home_dir

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(hypothesis.HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            verbosity=hypothesis.Verbosity.quiet,
        )
        @hypothesis.given(strategy)
        def both_return_the_same(arguments: Input) -> None:
            if difference := self._result(arguments):
                raise DifferenceError(json.dumps(arguments), difference)

        # Hypothesis stores what it learns from loaded modules, by default in the current folder.
        with tempfile.TemporaryDirectory(prefix="prprep-") as home:
            set_hypothesis_home_dir(home)
            try:
                both_return_the_same()
            except DifferenceError as error:
                self.differences.append(error.args)
            finally:
                set_hypothesis_home_dir(None)

    def _result(self, arguments: Input) -> str | None:
        """Return the difference on an input; None if there is none, it cannot be tried, or time is up."""
        key = json.dumps(arguments)
        if key not in self._results:
            if len(self._results) > TRIES or time.monotonic() > self.until:
                return None
            self._results[key] = self._try(arguments)
        return self._results[key]

    def _try(self, arguments: Input) -> str | None:
        answers = self._ask(arguments)
        base, head = (answers[side]["outcome"] for side in SIDES)
        if base == "raised":
            self._count_raised(arguments, answers)
            return None
        if base != "returned" or head in {"late", "stopped", "unbuilt"}:
            late_at_head = (base, head) == ("returned", "late")
            self.counts["late at head" if late_at_head else "late" if "late" in (base, head) else "skipped"] += 1
            return None
        difference, is_decided = self._compare(arguments, answers)
        if difference and not (difference := self._confirmed(arguments, answers)):
            self.counts["unsteady"] += 1
            return None
        self.counts["different" if difference else "equal" if is_decided else "undecided"] += 1
        return difference

    def _ask(self, arguments: Input) -> dict[Side, Message]:
        """Call base, and head if there is something to compare."""
        base = self.workers["base"].ask("try", input=arguments, limit=self.limit)
        if base["outcome"] not in {"returned", "raised"}:
            return {"base": base, "head": {"outcome": "not called"}}
        return {"base": base, "head": self.workers["head"].ask("try", input=arguments, limit=self.limit)}

    def _confirmed(self, arguments: Input, answers: Mapping[Side, Message]) -> str | None:
        """Return the difference without what a side does not repeat, or another process on base does not return."""
        again = self._ask(arguments)
        other = self.witness.ask(self.output.test, input=arguments, limit=self.limit)
        pairs = [(answers[side], again[side]) for side in SIDES]
        if other and other["outcome"] in {"returned", "raised"}:
            pairs.append((answers["base"], other))
        if any(one["outcome"] != another["outcome"] for one, another in pairs):
            return None
        difference, _ = self._compare(arguments, answers, [pair for pair in pairs if pair[0]["outcome"] == "returned"])
        return difference

    def _compare(
        self,
        arguments: Input,
        answers: Mapping[Side, Message],
        same_code: Sequence[tuple[Message, Message]] = (),
    ) -> tuple[str | None, bool]:
        """Return how head differs from base, besides what differs between answers of the same code.

        The second value is whether sides without a difference are known to be equal.
        """
        base, head = (answers[side] for side in SIDES)
        if head["outcome"] != "returned":
            ending = f"raises {head['type']}" if head["outcome"] == "raised" else "breaks the process"
            return f"returns at base, {ending} at head", True
        recorded = self.recorded["arguments"]
        inputs = [recorded[value[1]] if value[0] == "recorded" else value for value in arguments]
        unstable = unstable_parts((one["value"]["tree"], other["value"]["tree"]) for one, other in same_code)
        comparison = DescriptionComparison(largest_number(inputs), unstable=unstable)
        if difference := comparison.first_difference(base["value"]["tree"], head["value"]["tree"]):
            return spelled_difference(difference), True
        self.rounding = max(self.rounding, comparison.rounding)
        difference_of_arguments = _arguments_differ(base.get("arguments"), head.get("arguments"), comparison)
        opaque = base["value"]["opaque"] or head["value"]["opaque"]
        return difference_of_arguments, comparison.is_decided and not opaque

    def _count_raised(self, arguments: Input, answers: Mapping[Side, Message]) -> None:
        base, head = (answers[side] for side in SIDES)
        if head["outcome"] == "raised" and head["type"] == base["type"]:
            self.counts["raised"] += 1
        elif head["outcome"] in {"returned", "raised"}:
            self.counts["raised at base"] += 1
            ending = "returns" if head["outcome"] == "returned" else f"raises {head['type']}"
            call = self._as_markdown(arguments)
            self.other_error = self.other_error or f"at {call} base raises {base['type']}, head {ending}"

    def _as_markdown(self, arguments: Input) -> str:
        return call_as_markdown(self.recorded["name"], self.recorded["keywords"], arguments)

    def _output(self) -> Output:
        inputs = self.output.inputs + self.counts["equal"] + self.counts["different"]
        if self.differences:
            key, difference = min(self.differences, key=lambda each: len(each[0]))
            detail = f"at input {self._as_markdown(json.loads(key))}: {difference}"
            return Output(test=self.output.test, verdict="different", detail=detail, inputs=inputs)
        details = [self.output.detail, *self._details()]
        return self.output.model_copy(update={"inputs": inputs, "detail": "; ".join(filter(None, details))})

    def _details(self) -> Iterator[str]:
        if not self.counts["equal"]:
            yield "no further input could be compared"
        if self.rounding and "not exactly" not in self.output.detail:
            yield f"floats are equal but for rounding: they differ by up to {self.rounding:.1e}"
        limits = f"{self.limit:.2g} s or its memory limit"
        for name, before, after in (
            ("raised", "", "raised the same error on both"),
            ("raised at base", "", f"raised at base but not the same at head: {self.other_error}"),
            ("late at head", "on ", f"only head exceeded {limits}"),
            ("late", "on ", f"the call exceeded {limits}, and was not compared"),
            ("unsteady", "on ", "a side did not repeat its own result"),
            ("undecided", "on ", "the results are not comparable"),
        ):
            if count := self.counts[name]:
                yield f"{before}{count} more input{'s' if count > 1 else ''} {after}"


_FAILURES = {
    "raised": "in a process of its own, the call raises {}",
    "late": "in a process of its own, the call does not end",
    "stopped": "the call has side effects ({})",
    "unbuilt": "its arguments cannot be rebuilt",
    "broke": "in a process of its own, the call breaks the process",
    "not called": "the call was not repeated",
}


def _arguments_differ(base: list[Any] | None, head: list[Any] | None, comparison: DescriptionComparison) -> str | None:
    """Return how the arguments differ after the call; only those that it changed are compared."""
    if (base is None) != (head is None):
        return f"the call changes its arguments at {'base' if head is None else 'head'} only"
    for (index, one), (_, other) in zip(base or (), head or (), strict=True):
        if difference := comparison.first_difference(one["tree"], other["tree"]):
            return f"the call leaves argument {index + 1} different: {spelled_difference(difference)}"
    return None


def not_tried(output: Output, reason: str) -> Output:
    return noted(output, f"no further inputs were tried: {reason}")


def noted(output: Output, reason: str) -> Output:
    return output.model_copy(update={"detail": f"{output.detail}; {reason}" if output.detail else reason})
