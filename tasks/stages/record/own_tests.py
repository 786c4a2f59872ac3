"""Choose a test of the project whose body is measured, if no call of the changed function can be written as code."""

import ast
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from ...benchmark_tests.writing.unused_code import without_idle_setup, without_unused
from ...benchmark_tests.writing.workload_benchmark import STACKS, closing_import, is_prepared_on_loop, run_code
from ...benchmark_tests.writing.workload_body import OwnStatement, TestBody, body_of
from ...project.code.sources import Sources
from ...project.syntax import bound_names, indented, names, outer_names, parse_or_empty, with_globals
from ...text import figures
from ...text.target_names import with_others
from . import lengths
from .candidates import Candidate
from .exploration import LEAST_SHARE, NamedReach
from .lengths import IN_PROPORTION, LARGER_AT_HEAD, TOO_LONG

MOST_TRIED = 12
"""Tests that are run, those with the most time in the changed function first, until ENOUGH of them are benchmarks."""
ENOUGH = 4
MOST_READ = 150
"""Tests whose code is read."""
MOST_LINES = 50
"""Of code in a benchmark, so that it is read without scrolling."""
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
            workload = self._workload(each.test, body)
            if isinstance(workload, str):
                failures.append(f"{test}: {workload}")
            else:
                working.append(workload)
            tried += 1
            if tried == MOST_TRIED or len(working) == ENOUGH or time.monotonic() > end:
                break
        larger = [self._larger(each) if each.repeat > 1 and time.monotonic() < end else each for each in working]
        failures += (
            f"{each.test}: it takes {figures.seconds(_once(each))}, which is too short to show anything"
            for each in larger
            if _once(each) < lengths.LEAST_CALL
        )
        enough = [each for each in larger if _once(each) >= lengths.LEAST_CALL]
        return (_best(enough), ()) if enough else (None, tuple(failures))

    def _body(self, reach: NamedReach, modules: TestModules) -> TestBody | str:
        definition = self.base.changed.located.definition
        method = "property" if definition.is_property else definition.name.rpartition(".")[2]
        folder = self.layout.benchmarks_root
        body = body_of(reach.test, reach.case, modules, folder=folder, method=method, values=reach.values)
        if isinstance(body, str):
            return body
        lines = sum(each.count("\n") + 1 for each in (*body.definitions, *(one.code for one in body.statements)))
        return (
            body if lines <= MOST_LINES else f"it has {lines} lines with what it needs, {MOST_LINES} at most are read"
        )

    def _workload(self, test: str, body: TestBody) -> WorkloadTest | str:
        """Return what of a test is measured, or why it cannot be."""
        body, divisor, answer = self._ending(body)
        if "raised" in answer:
            return f"written as code, it fails: {answer['raised']}"
        calls: list[int] = answer["calls"]
        statements = zip(body.statements, calls, strict=True)
        calls = [0 if each.fails else count for each, count in statements]
        if not any(calls):
            return f"its body makes no call of {self.base.changed.watched} that ends without an error"
        failure = ""
        for workload in _divided(test, body, calls):
            measured = self._measured(workload.model_copy(update={"divisor": divisor}))
            if not isinstance(measured, str):
                return self._plainest(measured)
            failure = failure or measured
        return failure or "what it measures would expect an error"

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
        if failure := _unsteady(at_base):
            return failure
        again = partial(self._tried, self.base, order, workload.fixtures)
        share = lengths.steady_share(at_base["share"], lambda: float(again().get("share") or 0.0))
        if failure := self._too_little(share, at_base["seconds"]):
            return failure
        lines = {str(self.head.site.side.tree / path): list(numbers) for path, numbers in self.lines.items()}
        at_head = self._tried(self.head, {**order, "lines": lines}, workload.fixtures)
        if failure := _unsteady(at_head):
            return f"at head, {failure}"
        if lines and not at_head["reached"]:
            return lengths.CACHED if at_head["reached_first"] else "it does not execute what head changes"
        if at_head["digest"] != at_base["digest"]:
            return "base and head return different results"
        seconds = at_base["seconds"]
        repeat = next((each for each in REPEATED if each * seconds >= REALISTIC), REPEATED[-1])
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


def _once(workload: WorkloadTest) -> float:
    return workload.seconds / workload.repeat


def inside_of(workload: WorkloadTest) -> float:
    """Return the seconds in the changed function if a test runs once."""
    return workload.share * _once(workload)


def _best(workloads: Sequence[WorkloadTest]) -> WorkloadTest:
    """Return the shortest of those that execute most of what head changes and then take the longest in it."""
    most = max(each.executed for each in workloads)
    executing = [each for each in workloads if each.executed == most]
    return min(lengths.alike(executing, lambda each: min(inside_of(each), REALISTIC)), key=_lines)


def _lines(workload: WorkloadTest) -> int:
    code = (*workload.definitions, *workload.setup, *workload.body, workload.result)
    return sum(each.count("\n") + 1 for each in code)


def _unsteady(answer: Message) -> str:
    """Return why a trial cannot be repeated; "" if it can."""
    if "raised" in answer:
        return f"repeating a part of it fails: {answer['raised']}"
    return "" if answer["steady"] and not answer["changes"] else "repeating a part of it gives something else"


def _divided(test: str, body: TestBody, calls: Sequence[int]) -> Iterator[WorkloadTest]:
    """Yield a test divided into setup and measured code: from the first statement that calls the function on, or all.

    What is undone after the test is never measured. What only checks results, and what comes after the last call, is
    left out.
    """
    last = max(index for index, count in enumerate(calls) if count)
    counted = _without_unused(list(zip(body.statements[: last + 1], calls, strict=False)))
    kept = [each for each, _ in counted]
    first = next(index for index, (_, count) in enumerate(counted) if count)
    opened = max((index + 1 for index in range(first) if kept[index].opens), default=0)
    for start in dict.fromkeys((_start(kept, first), _start(kept, opened))):
        setup, measured = kept[:start], kept[start:]
        if any(each.fails or each.opens for each in measured):
            continue
        code, result = _with_result([each.code for each in measured])
        workload = WorkloadTest(
            test=test,
            imports=body.imports,
            definitions=body.definitions,
            setup=tuple(each.code for each in setup),
            body=code,
            result=result,
            fixtures=body.fixtures,
            marks=body.marks,
            is_closed=any(each.opens for each in setup),
        )
        yield without_unused(workload)


def _without_unused(counted: Sequence[tuple[OwnStatement, int]]) -> list[tuple[OwnStatement, int]]:
    """Leave out checks, and assigned values that only they used, unless one of their names is used.

    Statements that make values must call nothing, else the call alone is kept.
    """
    kept: list[tuple[OwnStatement, int]] = []
    used: set[str] = set()
    for statement, count in reversed(counted):
        (node, *_) = parse_or_empty(statement.code.encode()).body
        is_value = isinstance(node, ast.Assign) and all(isinstance(each, ast.Name) for each in node.targets)
        calls = any(isinstance(each, ast.Call) for each in ast.walk(node))
        is_needed = not statement.is_check and (not is_value or (calls and not statement.is_given))
        if count or is_needed or statement.binds & used:
            is_bare = is_value and kept and not statement.binds & used
            bare = replace(statement, code=_value_code(statement.code, node), binds=frozenset()) if is_bare else None
            kept.insert(0, (bare or statement, count))
            used |= names([node]) | outer_names([node])
    return kept


def _start(statements: Sequence[OwnStatement], first: int) -> int:
    """Return where measured code begins: the setup must not bind a name that is bound there again."""
    while True:
        bound = set[str]().union(*(each.binds for each in statements[first:]))
        bound |= outer_names(parse_or_empty(each.code.encode()) for each in statements[first:])
        earlier = [index for index in range(first) if statements[index].binds & bound]
        if not earlier:
            return first
        first = earlier[0]


def _with_result(code: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return the measured statements, and the expression that the last one evaluates or assigns."""
    *others, last = code
    (node,) = parse_or_empty(last.encode()).body
    if isinstance(node, ast.Expr):
        return tuple(others), last
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return tuple(others), _value_code(last, node)
    if isinstance(node, ast.Assign) and len(bound := bound_names([node])) == 1:
        return tuple(code), next(iter(bound))
    return tuple(code), ""


def _value_code(code: str, node: ast.stmt) -> str:
    """Return the code of what a statement assigns."""
    if not isinstance(node, ast.Assign):
        return code
    value = ast.get_source_segment(code, node.value) or ""
    # Without brackets around it, a value may not span lines.
    is_whole = len(parse_or_empty(value.encode()).body) == 1
    return value if is_whole else ast.unparse(node.value)


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
        "inputs": ["variables", *(each for each in workload.fixtures if each not in GIVEN)],
    }


def _setup(code: str, *, is_closed: bool) -> Message:
    # Whether or not a test awaits something, a trial has an event loop.
    opening = f"{closing_import(is_async=True)}\n{STACK} = {STACKS[True]}()\n" if is_closed else ""
    return {"setup": opening + code, "stack": STACK if is_closed else ""}


def _module_of(test: TestBody | WorkloadTest) -> Message:
    """Return what the module of a trial has outside of its test, and the marks of that."""
    return {"module": "\n".join((*test.imports, *test.definitions)), "marks": test.marks}
