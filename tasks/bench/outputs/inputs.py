"""Compare what both sides return on further inputs, which hypothesis makes around those of the benchmark."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...artifacts import SIDES, Output, Side
from ...errors import MeasuringError, ProvenanceError
from ..workers.channel import TimeLimitError
from ..workers.workers import Settings, core, hash_seed, started
from .input_edges import as_recorded, edges
from .input_spelling import differs, kept, largest, spelled_call
from .outputs import Comparison, judge, told

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request
    from ..workers.channel import Message
    from ..workers.workers import Ready, Worker

    Input = list[list[Any]]

INPUTS = 100
EDGES = 60
TRIES = 400
"""Inputs of a call: as many are compared, as many of them are edge cases at first, and no more are tried, with what shrinking needs."""
SIDE_SECONDS = 2.0
ALL_SECONDS = 6.0
"""Time for one benchmark call on either side, and for all of them."""
DEAR_SECONDS = 0.2
LATE_SECONDS = 0.05
LATE_FACTOR = 10
OWN_SECONDS = 1.0
"""A further call may take LATE_SECONDS, LATE_FACTOR times what the benchmark's own takes, and twice what that takes to
be made in a child and described, which may be OWN_SECONDS."""


class DifferenceError(Exception):
    """Both sides give other results on an input: for hypothesis, which looks for a simpler one then."""


def compare_further_inputs(
    request: Request, outputs: tuple[Output, ...], lots: random.Random, report: Report
) -> tuple[Output, ...]:
    """Try further inputs on every benchmark call whose outputs are equal; give the outputs with what came of it.

    A fresh process a side makes the calls, each in a forked child. Where nothing can be tried, `detail` says why.
    """
    wanted = [output.test for output in outputs if output.verdict == "equal"]
    if not wanted or request.benchmark is None:
        return outputs
    found: dict[str, Output] = {}
    seconds = min(ALL_SECONDS, request.timeout or math.inf)
    try:
        _serve(
            request,
            {output.test: output for output in outputs if output.verdict == "equal"},
            found,
            lots=lots,
            seconds=seconds,
        )
    except TimeLimitError:
        reason = f"no further inputs were tried within {seconds:g} s"
    except ProvenanceError:
        raise
    except MeasuringError as error:
        reason = f"no further inputs were tried: {error.what.splitlines()[0].rstrip(':')}"
    else:
        reason = "no further inputs were tried: the call was not made again"
    different = sum(output.verdict == "different" for output in found.values())
    report(
        f"results on further inputs: {sum(output.inputs - 1 for output in found.values())} compared, {different} calls differ"
    )
    return tuple(
        found.get(output.test) or (_noted(output, reason) if output.test in wanted else output) for output in outputs
    )


def _serve(
    request: Request, equal: Mapping[str, Output], found: dict[str, Output], *, lots: random.Random, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    settings = Settings(hash_seed(lots), core=core(pin=request.pin), deadline=deadline)
    with ExitStack() as stack:
        workers = {side: stack.enter_context(started(request, side, settings)) for side in SIDES}
        for worker in workers.values():
            worker.collected()
        while len(found) < len(equal):
            ready = {side: worker.advance() for side, worker in workers.items()}
            base, head = ready["base"], ready["head"]
            if base is None or head is None or base.key != head.key:
                return
            if base.key in equal:
                # A lot for each call, whatever becomes of it: the next one's inputs are the same.
                seed = lots.randrange(2**32)
                found[base.key] = _further(equal[base.key], workers, (base, head), seed=seed, deadline=deadline)


def _further(
    output: Output, workers: Mapping[Side, Worker], ready: tuple[Ready, Ready], *, seed: int, deadline: float
) -> Output:
    taken = max(call.seconds for call in ready)
    if taken > DEAR_SECONDS:
        return _noted(output, f"no further inputs were tried: one call takes {taken:.1f} s")
    recorded = {side: worker.ask("try") for side, worker in workers.items()}
    for side in SIDES:
        if recorded[side]["kind"] == "refused":
            return _noted(output, f"no further inputs were tried: {recorded[side]['reason']}")
    base, head = recorded["base"], recorded["head"]
    if kept(base["arguments"]) != kept(head["arguments"]) or base["keywords"] != head["keywords"]:
        return _noted(output, "no further inputs were tried: the call is given other arguments at head")
    if place := differs(base["arguments"], head["arguments"]):
        return Output(
            test=output.test, verdict="different", detail=f"after the call its arguments differ: {told(place)}"
        )
    exploration = Exploration(output, workers, base, limit=OWN_SECONDS + LATE_FACTOR * taken)
    return exploration.run(seed, taken=taken, deadline=deadline)


@dataclass
class Exploration:
    """Try inputs around those of one benchmark call on both sides."""

    output: Output
    workers: Mapping[Side, Worker]
    recorded: Message
    limit: float
    """Seconds that one call may take."""
    until: float = math.inf
    """When no more inputs are tried, on the monotonic clock."""
    counted: Counter[str] = field(default_factory=Counter)
    """Inputs by what came of them."""
    otherwise: str = ""
    """The first input that base refuses and head does not, or with another error."""
    rounding: float = 0.0
    differences: list[tuple[str, str]] = field(default_factory=list)
    _known: dict[str, str | None] = field(default_factory=dict)

    def run(self, seed: int, *, taken: float, deadline: float) -> Output:
        from .input_strategies import around

        spellings: Input = self.recorded["arguments"]
        own = [as_recorded(index, spelling) for index, spelling in enumerate(spellings)]
        began = time.monotonic()
        refusal = self._try_own(own)
        ended = time.monotonic()
        self.limit = LATE_SECONDS + LATE_FACTOR * taken + (ended - began)
        self.until = min(deadline - 2 * self.limit, ended + 2 * SIDE_SECONDS)
        if refusal:
            return (
                _noted(self.output, f"no further inputs were tried: {refusal}") if isinstance(refusal, str) else refusal
            )
        cases, strategy = edges(spellings, EDGES), around(spellings)
        if cases:
            from hypothesis import strategies

            self._explore(strategies.sampled_from(cases), len(cases), seed)
        self._explore(strategy, max(INPUTS - self.counted["equal"], INPUTS - EDGES), seed)
        return self._output()

    def _try_own(self, own: Input) -> Output | str | None:
        """Make the benchmark's own call in the same way: give what keeps it from being tried with others."""
        self._known[_key(own)] = None
        answers = self._ask(own)
        for side in SIDES:
            answer = answers[side]
            if answer["outcome"] != "returned":
                return f"{_OUTCOMES[answer['outcome']]} at {side}".format(answer.get("text") or answer.get("type", ""))
        difference = self._difference(own, answers)
        if difference and self._repeats(own, answers):
            return Output(
                test=self.output.test,
                verdict="different",
                detail=f"called again, with the same arguments: {difference}",
            )
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
        def both_return_the_same(tried: Input) -> None:
            if difference := self._tried(tried):
                raise DifferenceError(_key(tried), difference)

        # It keeps what it learns from the modules that are loaded, by default where the user is.
        with tempfile.TemporaryDirectory(prefix="prprep-") as home:
            set_hypothesis_home_dir(home)
            try:
                both_return_the_same()
            except DifferenceError as error:
                self.differences.append((error.args[0], error.args[1]))
            finally:
                set_hypothesis_home_dir(None)

    def _tried(self, tried: Input) -> str | None:
        """Return the difference on an input, None where there is none, it cannot be tried, or time is up; the same every time."""
        key = _key(tried)
        if key not in self._known:
            if len(self._known) > TRIES or time.monotonic() > self.until:
                return None
            self._known[key] = self._try(tried)
        return self._known[key]

    def _try(self, tried: Input) -> str | None:
        answers = self._ask(tried)
        outcomes = answers["base"]["outcome"], answers["head"]["outcome"]
        if outcomes[0] == "raised":
            self._count_raised(tried, answers)
            return None
        if outcomes[0] != "returned" or outcomes[1] in {"late", "stopped", "unbuilt"}:
            late_at_head = outcomes == ("returned", "late")
            self.counted["late at head" if late_at_head else "late" if "late" in outcomes else "skipped"] += 1
            return None
        difference = self._difference(tried, answers)
        if difference and not self._repeats(tried, answers):
            self.counted["unsteady"] += 1
            return None
        self.counted["different" if difference else "equal"] += 1
        return difference

    def _ask(self, tried: Input) -> dict[Side, Message]:
        """Ask base, and head where there is something to compare."""
        answers: dict[Side, Message] = {"base": self.workers["base"].ask("try", input=tried, limit=self.limit)}
        if answers["base"]["outcome"] in {"returned", "raised"}:
            answers["head"] = self.workers["head"].ask("try", input=tried, limit=self.limit)
        else:
            answers["head"] = {"outcome": "not asked"}
        return answers

    def _repeats(self, tried: Input, answers: Mapping[Side, Message]) -> bool:
        return self._ask(tried) == answers

    def _difference(self, tried: Input, answers: Mapping[Side, Message]) -> str | None:
        base, head = (answers[side] for side in SIDES)
        if head["outcome"] != "returned":
            ended = f"raises {head['type']}" if head["outcome"] == "raised" else "breaks the process"
            return f"returns at base, {ended} at head"
        sizes = [self.recorded["arguments"][value[1]] if value[0] == "recorded" else value for value in tried]
        described = {side: answers[side]["value"] for side in SIDES}
        output = judge("", described, {"base": True, "head": True}, scale=largest(sizes))
        if output.verdict == "different":
            return output.detail
        comparison = Comparison(largest(sizes))
        comparison.first_difference(described["base"]["tree"], described["head"]["tree"])
        self.rounding = max(self.rounding, comparison.rounding)
        return _changed_otherwise(base.get("arguments"), head.get("arguments"), comparison)

    def _count_raised(self, tried: Input, answers: Mapping[Side, Message]) -> None:
        base, head = (answers[side] for side in SIDES)
        if head["outcome"] == "raised" and head["type"] == base["type"]:
            self.counted["raised"] += 1
        elif head["outcome"] in {"returned", "raised"}:
            self.counted["raised at base"] += 1
            then = "returns" if head["outcome"] == "returned" else f"raises {head['type']}"
            self.otherwise = self.otherwise or f"at {self._spelled(tried)} base raises {base['type']}, head {then}"

    def _spelled(self, tried: Input) -> str:
        return spelled_call(self.recorded["name"], self.recorded["keywords"], tried)

    def _output(self) -> Output:
        inputs = self.output.inputs + self.counted["equal"] + self.counted["different"]
        if self.differences:
            key, difference = min(self.differences, key=lambda found: len(found[0]))
            detail = f"at input {self._spelled(json.loads(key))}: {difference}"
            return Output(test=self.output.test, verdict="different", detail=detail, inputs=inputs)
        said = [self.output.detail, *self._said()]
        return self.output.model_copy(update={"inputs": inputs, "detail": "; ".join(part for part in said if part)})

    def _said(self) -> list[str]:
        counted = {name: f"{count} input{'s' if count > 1 else ''}" for name, count in self.counted.items() if count}
        told_as = {
            "raised": "{} more raised the same error on both",
            "raised at base": "{} more raised at base and not the same at head: " + _braced(self.otherwise),
            "late at head": f"on {{}} more only head took over {self.limit:.2g} s or too much memory",
            "late": f"{{}} more took over {self.limit:.2g} s or too much memory, and were not compared",
            "unsteady": "on {} more a side did not repeat its own result",
        }
        said = [words.format(counted[name]) for name, words in told_as.items() if name in counted]
        if self.rounding and "not exactly" not in self.output.detail:
            said.insert(0, f"floats are equal but for rounding: they differ by up to {self.rounding:.1e}")
        if not self.counted["equal"]:
            said.insert(0, "no further input could be compared")
        return said


_OUTCOMES = {
    "raised": "made in a process of its own, the call raises {}",
    "late": "made in a process of its own, the call does not end",
    "stopped": "the call does more than to compute ({})",
    "unbuilt": "its arguments cannot be built again",
    "broke": "made in a process of its own, the call breaks it",
    "not asked": "the call was not made",
}


def _changed_otherwise(base: list[Any] | None, head: list[Any] | None, comparison: Comparison) -> str | None:
    """Say where the call leaves its arguments otherwise: only those come that it changed."""
    if (base is None) != (head is None):
        return f"the call changes its arguments at {'base' if head is None else 'head'} only"
    for (index, one), (_, other) in zip(base or (), head or (), strict=True):
        if place := comparison.first_difference(one["tree"], other["tree"]):
            return f"the call leaves argument {index + 1} otherwise: {told(place)}"
    return None


def _noted(output: Output, reason: str) -> Output:
    return output.model_copy(update={"detail": f"{output.detail}; {reason}" if output.detail else reason})


def _braced(text: str) -> str:
    """Keep braces from being filled in."""
    return text.replace("{", "{{").replace("}", "}}")


def _key(tried: Input) -> str:
    return json.dumps(tried)
