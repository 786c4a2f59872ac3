"""Write a benchmark test from one of the project's own tests."""

import ast
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...artifacts import Detection, WorkloadTest
from ...project.syntax import awaits, bound_names, indented, parse_or_empty
from ...text import figures
from ...text.target_names import with_others
from .assertions import STACK
from .benchmark_code import BenchmarkParts, WrittenBenchmark, text_of
from .needed_code import used_names
from .recorded_code import SPACES, WIDTH, pedantic

FUNCTIONS = ("run", "call", "measured")
LOOPS = ("loop", "event_loop", "own_loop")
PREPARING = ("prepare", "set_up", "prepared")
"""Names for the measured function, the event loop and the setup: the first that the test does not use itself."""
STACKS = {False: "ExitStack", True: "AsyncExitStack"}
"""The class that closes what the setup opens, without and with an event loop."""


def from_workload(
    workload: WorkloadTest, detection: Detection, *, changed: str, path: str, templates: Path | None
) -> WrittenBenchmark:
    """Write the benchmark from the body of a test that spends much of its time in the function `changed`."""
    is_async = awaits("\n".join((*workload.setup, *workload.body, workload.result)))
    closing = [closing_import(is_async=is_async)] if workload.is_closed else []
    imports = (*(["import asyncio"] if is_async else []), *closing, *workload.imports)
    is_expression = not (
        workload.body or workload.repeat > 1 or is_async or workload.is_closed or workload.setup_each_round
    )
    is_apart = is_async or workload.is_closed or workload.setup_each_round or not workload.setup
    test = workload.test.partition("[")[0].rpartition("::")[2]
    parts = BenchmarkParts(
        imports=tuple(dict.fromkeys(sorted(imports, key=lambda line: not line.startswith("from __future__ ")))),
        setup="" if is_apart else indented("\n".join(workload.setup), SPACES),
        expression=workload.result or "...",
        recorded=_origin(workload, test, changed),
        definitions=tuple("\n\n\n".join(workload.definitions).splitlines()),
        fixtures=workload.fixtures,
        decorators=tuple(f"@{each}" for each in workload.marks),
        timed="the calls of a test",
        direct=None if is_expression else indented(_on_loop(workload) if is_async else _passed(workload), SPACES),
    )
    return WrittenBenchmark(text_of(parts, detection, path=path, templates=templates), "test")


def run_code(workload: WorkloadTest) -> tuple[str, str]:
    """Return the name and the code of the function that is measured, a coroutine function if it awaits something."""
    name, body = _free_name(workload, FUNCTIONS), "\n".join(_measured(workload))
    return name, f"{'async def' if awaits(body) else 'def'} {name}():\n" + indented(body, SPACES)


def closing_import(*, is_async: bool) -> str:
    return f"from contextlib import {STACKS[is_async]}"


def is_prepared_on_loop(workload: WorkloadTest) -> bool:
    """Return whether the setup needs a running event loop: it awaits, or calls what might look for the loop."""
    setup = "\n".join(workload.setup)
    is_awaited = awaits("\n".join((*workload.body, workload.result)))
    calls = any(isinstance(each, ast.Call) for each in ast.walk(parse_or_empty(setup.encode())))
    return awaits(setup) or (is_awaited and calls)


def _free_name(workload: WorkloadTest, names: Sequence[str]) -> str:
    code = "\n".join((*workload.setup, *workload.body, workload.result))
    taken = used_names(code) | bound_names([parse_or_empty(code.encode())])
    return next(each for each in names if each not in taken)


def _measured(workload: WorkloadTest) -> Iterator[str]:
    if workload.repeat == 1:
        yield from workload.body
        yield f"return {workload.result}" if workload.result else ""
        return
    yield f"for _ in range({workload.repeat:_}):"
    is_name = workload.result.isidentifier()
    last = f"result = {workload.result}" if workload.result and not is_name else ""
    yield indented("\n".join(filter(None, (*workload.body, last))), SPACES)
    if workload.result:
        yield f"return {workload.result if is_name else 'result'}"


def _passed(workload: WorkloadTest) -> str:
    name, code = run_code(workload)
    if workload.setup_each_round:
        made = sorted(bound_names([parse_or_empty("\n".join(workload.setup).encode())]) & used_names(code))
        code = code.replace("()", f"({', '.join(made)})", 1)
        setup = (f"{STACK}.close()", *workload.setup) if workload.is_closed else workload.setup
        passed = pedantic(name, code, setup=setup, made=made, prepare=_free_name(workload, PREPARING))
    else:
        passed = f"{code}\n\nbenchmark({name})"
    if not workload.is_closed:
        return passed
    inside = passed if workload.setup_each_round else "\n".join((*workload.setup, "", passed))
    return f"with {STACKS[False]}() as {STACK}:\n{indented(inside, SPACES)}"


def _on_loop(workload: WorkloadTest) -> str:
    """Write what awaits setup and measured code on one event loop, each time with a new coroutine."""
    name, code = run_code(workload)
    loop, prepare = _free_name(workload, LOOPS), _free_name(workload, PREPARING)
    setup, run = "\n".join(workload.setup), f"{loop}.run_until_complete"
    lines = [f"{loop} = asyncio.new_event_loop()", "try:"]
    if is_prepared_on_loop(workload):
        made = sorted(bound_names([parse_or_empty(setup.encode())]) & used_names(code))
        returned = f"\nreturn {', '.join(made)}" if made else ""
        setup = f"async def {prepare}():\n{indented(setup + returned, SPACES)}"
        lines.append(f"{SPACES}{', '.join(made) + ' = ' if made else ''}{run}({prepare}())")
    passed = f"lambda: {run}({name}())" if code.startswith("async ") else name
    closed = [f"{SPACES}{run}({STACK}.aclose())"] if workload.is_closed else []
    lines += [f"{SPACES}benchmark({passed})", "finally:", *closed, f"{SPACES}{loop}.close()"]
    opened = [f"{STACK} = {STACKS[True]}()\n"] if workload.is_closed else []
    return "\n".join((*opened, *([f"{setup}\n"] if setup else []), f"{code}\n", *lines))


def _origin(workload: WorkloadTest, test: str, changed: str) -> str:
    name = with_others(changed.partition(":")[2], workload.changed_functions)
    share, takes = figures.share(round(workload.share, 2)), "takes" if workload.changed_functions == 1 else "take"
    when = "runs before every round and " if workload.setup_each_round else ""
    setup = f"; the setup {when}is not timed" if workload.setup else ""
    text = (
        f"It does what {test} in {workload.test.partition('::')[0]} does, without the assertions. {name} {takes} "
        f"{share} of the time{setup}."
    )
    if workload.scale > 1:
        text += f" One list is {workload.scale:,} times as long as in the test."
    if workload.divisor > 1:
        text += f" Its large numbers are 1/{workload.divisor:,} of those in the test, on which base takes too long."
    if workload.repeat > 1:
        text += f" One round repeats the calls {workload.repeat:,} times."
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
