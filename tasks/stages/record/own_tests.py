"""Choose a test of the project whose body is measured, if no call of the changed function can be written as code."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ...artifacts import Layout, Peaks, WorkloadTest
from ...bench.observing.site import RecordingSite, WatchedFunction
from ...bench.observing.trying import TRIAL_SECONDS, try_code
from ...bench.workers.channel import Message
from ...benchmark_tests.writing.assertions import STACK
from ...benchmark_tests.writing.longer_lists import with_longer_list
from ...benchmark_tests.writing.needed_code import TestModules
from ...benchmark_tests.writing.recorded_code import SPACES
from ...benchmark_tests.writing.sampling import REALISTIC
from ...benchmark_tests.writing.smaller_numbers import with_smaller_numbers
from ...benchmark_tests.writing.unused_code import without_idle_setup
from ...benchmark_tests.writing.workload_benchmark import STACKS, closing_import, is_prepared_on_loop, run_code
from ...benchmark_tests.writing.workload_body import TestBody, body_of
from ...project.code.sources import Sources
from ...project.syntax import awaits, bound_names, indented, parse_or_empty, with_globals
from ...text import figures
from ...text.target_names import with_others
from . import lengths
from .candidates import Candidate
from .divided_tests import divided, with_own_folder, without_result
from .exploration import LEAST_SHARE, NamedReach
from .lengths import IN_PROPORTION, LARGER_AT_HEAD, TOO_LONG

MOST_TRIED = 12
"""Tests that are run, those with the most time in the changed function first, until ENOUGH of them are benchmarks."""
ENOUGH = 4
MOST_READ = 150
"""Tests whose code is read."""
MOST_LINES = 50
"""Of code in a benchmark, so that it is read without scrolling."""
PART_OF_MOST = 0.8
"""A test executes most of what head changes if it executes this part of the lines that another one does."""
LONG_ROUND = 1.0
"""Seconds of a test that leaves few rounds to a measurement; it is used if all others take as long."""
LONG_ENOUGH = 0.01
"""Seconds in the changed function; a test that takes longer is not better for it."""
REPEATED = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""How often a round repeats a short test."""
SCALES = 10, 100
"""How many times as long a list is made; the second is what is measured."""
STEP = SCALES[1] / SCALES[0]
DIVISORS = 10, 100, 1_000
"""What large numbers of a test that does not end in time are divided by."""
SAME_TIME = 1.25
"""Two times of a test that differ by at most this factor may be equal."""
MOST_LISTS = 3
GIVEN = frozenset({"tmp_path", "monkeypatch"})
"""Fixtures that a trial provides without pytest."""


class Unrepeatable(str):
    """Why a part of a test cannot be repeated."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TestSide:
    """A side on which tests are run, what they call, and all changed functions."""

    __test__ = False  # this is no test class

    site: RecordingSite
    sources: Sources
    changed: Candidate
    functions: tuple[WatchedFunction, ...]


@dataclass(frozen=True, slots=True)
class TestChooser:
    """Chooses among tests that reach the changed function; `lines` are those that head changes, by file."""

    __test__ = False

    base: TestSide
    head: TestSide
    layout: Layout
    lines: Mapping[str, Sequence[int]]
    new_tests: frozenset[str]
    """The files of tests that head adds or changes."""

    def best(self, reached: Sequence[NamedReach], *, seconds: float) -> tuple[WorkloadTest | None, tuple[str, ...]]:
        """Return the test with the most time in the changed function, or None and why no test can be used.

        After `seconds` no further test is tried.
        """
        end = time.monotonic() + seconds
        modules = {side.site: TestModules(side.sources, self.layout) for side in (self.base, self.head)}
        working: list[WorkloadTest] = []
        failures: list[str] = []
        tried = 0
        for each in reached[:MOST_READ]:
            side = self.head if each.test.partition("::")[0] in self.new_tests else self.base
            test = each.test.partition("[")[0]
            body = self._body(each, modules[side.site])
            if isinstance(body, str):
                failures.append(f"{test}: {body}")
                continue
            inlined = partial(self._body, each, modules[side.site], inlines_fixtures=True)
            workload = self._workload(each.test, body, inlined=inlined)
            if isinstance(workload, str):
                failures.append(f"{test}: {workload}")
            else:
                working.append(workload)
            tried += 1
            if tried == MOST_TRIED or len(working) == ENOUGH or time.monotonic() > end:
                break
        larger = [self._larger(each) if _is_short(each) and time.monotonic() < end else each for each in working]
        failures += (
            f"{each.test}: it takes {figures.seconds(_once(each))}, which is too short to show anything"
            for each in larger
            if _once(each) < lengths.LEAST_CALL
        )
        enough = [each for each in larger if _once(each) >= lengths.LEAST_CALL]
        return (_best(enough), ()) if enough else (None, tuple(failures))

    def _body(self, reach: NamedReach, modules: TestModules, *, inlines_fixtures: bool = False) -> TestBody | str:
        definition = self.base.changed.located.definition
        method = "property" if definition.is_property else definition.name.rpartition(".")[2]
        of_case = partial(body_of, reach.test, reach.case, modules, values=reach.values)
        body = of_case(folder=self.layout.benchmarks_root, method=method, inlines_fixtures=inlines_fixtures)
        if isinstance(body, str):
            return body
        lines = sum(each.count("\n") + 1 for each in (*body.definitions, *(one.code for one in body.statements)))
        return (
            body if lines <= MOST_LINES else f"it has {lines} lines with what it needs, {MOST_LINES} at most are read"
        )

    def _workload(self, test: str, body: TestBody, *, inlined: Callable[[], TestBody | str]) -> WorkloadTest | str:
        """Return what of a test is measured, or why it cannot be; `inlined` returns it with its fixtures' code."""
        ways = self._ways(test, body)
        if isinstance(ways, str):
            return ways
        failure = ""
        for workload in ways:
            measured = self._measured(workload)
            if not isinstance(measured, str):
                return self._plainest(measured)
            failure = failure or measured
        if isinstance(failure, Unrepeatable) and (other := self._with_setup_each_round(test, inlined())):
            return other if isinstance(other, str) else self._plainest(other)
        return failure or "what it measures would expect an error"

    def _ways(self, test: str, body: TestBody) -> list[WorkloadTest] | str:
        """Return a test divided into setup and measured code in one way or two, or why it cannot be."""
        body, divisor, answer = self._ending(body)
        if "raised" in answer:
            return f"written as code, it fails: {answer['raised']}"
        counts: list[int] = answer["calls"]
        calls = [0 if each.fails else count for each, count in zip(body.statements, counts, strict=True)]
        if not any(calls):
            return f"its body makes no call of {self.base.changed.watched} that ends without an error"
        return [each.model_copy(update={"divisor": divisor}) for each in divided(test, body, calls)]

    def _with_setup_each_round(self, test: str, body: TestBody | str) -> WorkloadTest | str:
        """Return a test whose setup runs before every round, or why it cannot be; "" if it has no such setup."""
        ways = self._ways(test, with_own_folder(body)) if isinstance(body, TestBody) else body
        if isinstance(ways, str):
            return ways
        workload = next((each for each in ways if each.setup), None)
        if not workload or awaits("\n".join((*workload.setup, *workload.body, workload.result))):
            return ""
        return self._measured(workload.model_copy(update={"setup_each_round": True}))

    def _ending(self, whole: TestBody) -> tuple[TestBody, int, Message]:
        """Run the statements of a test at base, with smaller numbers if they do not end in time.

        Return the test, what its numbers are divided by, and the answer.
        """
        bodies = {divisor: body for divisor in DIVISORS if (body := with_smaller_numbers(whole, divisor))}
        answer = self._steps(whole, seconds=lengths.LATE if bodies else TRIAL_SECONDS)
        if answer.get("is_late"):
            for divisor, smaller in bodies.items():
                of_smaller = self._steps(smaller, seconds=lengths.LATE)
                if "raised" not in of_smaller:
                    return smaller, divisor, of_smaller
        return whole, 1, answer

    def _steps(self, body: TestBody, *, seconds: float) -> Message:
        steps = [with_globals(each.code) for each in body.statements]
        is_closed = any(each.opens for each in body.statements)
        order = {**_module_of(body), **_setup("", is_closed=is_closed), "steps": steps, "call": "None", "inputs": []}
        functions = (self.base.changed.function,)
        return self._tried(self.base, order, body.fixtures, functions=functions, seconds=seconds)

    def _measured(self, workload: WorkloadTest) -> WorkloadTest | str:
        """Return the workload with its time, or why it is no benchmark."""
        order = _order(workload)
        at_base = self._tried(self.base, order, workload.fixtures)
        if at_base.get("lazy"):
            workload = workload.model_copy(update={"result": f"list({workload.result})"})
            order = _order(workload)
            at_base = self._tried(self.base, order, workload.fixtures)
        if unsteady := _unsteady(at_base):
            return unsteady
        again = partial(self._tried, self.base, order, workload.fixtures)
        share = lengths.steady_share(at_base["share"], lambda: float(again().get("share") or 0.0))
        if failure := self._too_little(share, at_base["seconds"]):
            return failure
        lines = {str(self.head.site.side.tree / path): list(numbers) for path, numbers in self.lines.items()}
        at_head = self._tried(self.head, {**order, "lines": lines}, workload.fixtures)
        if unsteady := _unsteady(at_head):
            return f"at head, {unsteady}"
        if lines and not at_head["reached"]:
            return lengths.CACHED if at_head["reached_first"] else "it does not execute what head changes"
        if at_head["digest"] != at_base["digest"]:
            different = "base and head return different results"
            return self._measured(without_result(workload)) if workload.ignores_result else different
        seconds = at_base["seconds"]
        enough = (each for each in REPEATED if each * seconds >= REALISTIC)
        repeat = 1 if workload.setup_each_round else next(enough, REPEATED[-1])
        peaks = Peaks(base=at_base["peak"], head=at_head["peak"])
        update = {"peaks": peaks, "repeat": repeat, "seconds": seconds * repeat, "share": share}
        update |= {"changed_functions": len(self.base.functions)}
        of_head = {"executed": len(at_head["executed"]), "seconds_at_head": at_head["seconds"]}
        return workload.model_copy(update={**update, **of_head})

    def _plainest(self, workload: WorkloadTest) -> WorkloadTest:
        """Return a test without idle parts of its setup, if it still returns the same, as fast, by the same lines."""
        plain = without_idle_setup(workload)
        if plain.setup == workload.setup:
            return workload
        measured = self._measured(plain.model_copy(update={"repeat": 1}))
        if isinstance(measured, str) or measured.executed != workload.executed:
            return workload
        shorter, longer = sorted(map(_once, (workload, measured)))
        if longer > SAME_TIME * shorter:
            return workload  # its setup makes it faster or slower, like one that turns off logging
        digests = {self._tried(self.base, _order(each), each.fixtures).get("digest") for each in (workload, measured)}
        return measured if len(digests) == 1 and "" not in digests else workload

    def _larger(self, workload: WorkloadTest) -> WorkloadTest:
        """Make a list in a short test longer, if its time grows in proportion and the same lines are executed."""
        scaled = list(zip(*(with_longer_list(workload, scale) for scale in SCALES), strict=True))[:MOST_LISTS]
        executed = self._executed(workload) if scaled else frozenset()
        larger = [workload]
        for some, many in scaled:
            first, second = self._measured(some), self._measured(many)
            if isinstance(first, str) or isinstance(second, str):
                continue
            some_time, many_time = inside_of(first), inside_of(second)
            grows = some_time > inside_of(workload) and many_time >= IN_PROPORTION * STEP * some_time
            # Head may be so fast because it returns at once, as a search does that finds its target first.
            grows = grows and second.seconds_at_head >= LARGER_AT_HEAD * workload.seconds_at_head
            if grows and _once(second) <= TOO_LONG and executed <= self._executed(many):
                larger.append(second)
        return max(larger, key=inside_of)

    def _executed(self, workload: WorkloadTest) -> frozenset[int]:
        """Return the lines of the changed function that a test executes at base."""
        path, definition = self.base.changed.located
        lines = {str(self.base.site.side.tree / path): [*range(definition.start, definition.end + 1)]}
        answer = self._tried(self.base, {**_order(workload), "lines": lines}, workload.fixtures)
        return frozenset(answer.get("executed", ()))

    def _too_little(self, share: float, seconds: float) -> str:
        """Return why a trial at base is too short to be measured; "" if it is not."""
        if share < LEAST_SHARE:
            changed = with_others(self.base.changed.watched, len(self.base.functions))
            return f"only {figures.share(round(share, 2))} of its time is spent in {changed}"
        if seconds < lengths.LEAST_ROUND:
            return f"it takes {figures.seconds(seconds)}, which is too short to show anything"
        return ""

    def _tried(
        self,
        side: TestSide,
        order: Message,
        fixtures: Sequence[str],
        *,
        functions: Sequence[WatchedFunction] = (),
        seconds: float = TRIAL_SECONDS,
    ) -> Message:
        """Try code; its time in the `functions`, or in all that changed, is watched."""
        inside = [each.message(side.site.side.tree) for each in functions or side.functions]
        more = {
            "steady": True,
            "peak": True,
            "fixtures": [] if GIVEN.issuperset(fixtures) else list(fixtures),
        }
        return try_code(side.site, {**order, **more, "inside": inside}, seconds=seconds)


def _is_short(workload: WorkloadTest) -> bool:
    """Return whether a round is too short if the test runs once in it."""
    return workload.repeat > 1 or workload.seconds < REALISTIC


def _once(workload: WorkloadTest) -> float:
    return workload.seconds / workload.repeat


def inside_of(workload: WorkloadTest) -> float:
    """Return the seconds in the changed function if a test runs once."""
    return workload.share * _once(workload)


def _best(workloads: Sequence[WorkloadTest]) -> WorkloadTest:
    """Return the shortest of those that execute most of what head changes and take the longest in it."""
    most = max(each.executed for each in workloads)
    executing = [each for each in workloads if each.executed >= PART_OF_MOST * most]
    executing = [each for each in executing if each.seconds <= LONG_ROUND] or executing
    return min(lengths.alike(executing, lambda each: min(inside_of(each), LONG_ENOUGH)), key=_lines)


def _lines(workload: WorkloadTest) -> int:
    code = (*workload.definitions, *workload.setup, *workload.body, workload.result)
    return sum(each.count("\n") + 1 for each in code)


def _unsteady(answer: Message) -> Unrepeatable:
    """Return why a trial cannot be repeated; "" if it can."""
    if "raised" in answer:
        return Unrepeatable(f"repeating a part of it fails: {answer['raised']}")
    is_steady = answer["steady"] and not answer["changes"]
    return Unrepeatable("" if is_steady else "repeating a part of it gives something else")


def _order(workload: WorkloadTest) -> Message:
    """Return what `try_code` needs: a function makes the variables of the setup, as the benchmark's test does."""
    name, code = run_code(workload)
    variables = sorted(bound_names([parse_or_empty("\n".join(workload.setup).encode())]))
    prepare = "\n".join(
        (*workload.setup, code, f"return {name}, {{{', '.join(f'{each!r}: {each}' for each in variables)}}}")
    )
    prepared = ("async ", "await ") if is_prepared_on_loop(workload) else ("", "")
    setup = f"{prepared[0]}def prepare():\n{indented(prepare, SPACES)}\nmeasured, variables = {prepared[1]}prepare()"
    return {
        **_module_of(workload),
        **_setup(setup, is_closed=workload.is_closed),
        "call": "await measured()" if code.startswith("async ") else "measured()",
        "setup_each_call": workload.setup_each_round,
        "inputs": ["variables", *(each for each in workload.fixtures if each not in GIVEN)],
    }


def _setup(code: str, *, is_closed: bool) -> Message:
    # Whether or not a test awaits something, a trial has an event loop.
    opening = f"{closing_import(is_async=True)}\n{STACK} = {STACKS[True]}()\n" if is_closed else ""
    return {"setup": opening + code, "stack": STACK if is_closed else ""}


def _module_of(test: TestBody | WorkloadTest) -> Message:
    """Return what the module of a trial has outside of its test, and the marks of that."""
    return {"module": "\n".join((*test.imports, *test.definitions)), "marks": test.marks}
