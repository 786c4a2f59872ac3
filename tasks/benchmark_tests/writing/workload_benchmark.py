"""Write a benchmark test from one of the project's own tests."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from ...artifacts import Detection, WorkloadTest
from ...project.syntax import bound_names, indented, parse_or_empty
from ...text import figures
from .benchmark_code import BenchmarkParts, WrittenBenchmark, text_of
from .needed_code import used_names
from .recorded_code import SPACES, WIDTH

FUNCTIONS = ("run", "call", "measured")
"""Names for the measured function: the first that the test does not use itself."""


def from_workload(
    workload: WorkloadTest, detection: Detection, *, changed: str, path: str, templates: Path | None
) -> WrittenBenchmark:
    """Write the benchmark from the body of a test that spends much of its time in the function `changed`."""
    is_expression = not workload.body and workload.repeat == 1
    test = workload.test.partition("[")[0].rpartition("::")[2]
    parts = BenchmarkParts(
        imports=workload.imports,
        setup="" if not workload.setup else indented("\n".join(workload.setup), SPACES),
        expression=workload.result or "...",
        recorded=_origin(workload, test, changed),
        definitions=tuple("\n\n\n".join(workload.definitions).splitlines()),
        fixtures=workload.fixtures,
        timed="the calls of a test",
        direct=None if is_expression else indented(_passed(workload), SPACES),
    )
    return WrittenBenchmark(text_of(parts, detection, path=path, templates=templates), "test")


def run_code(workload: WorkloadTest) -> tuple[str, str]:
    """Return the name and the code of the function that is measured."""
    code = "\n".join((*workload.setup, *workload.body, workload.result))
    taken = used_names(code) | bound_names([parse_or_empty(code.encode())]) | set(workload.imports)
    name = next(each for each in FUNCTIONS if each not in taken)
    lines = list(_measured(workload))
    return name, f"def {name}():\n" + indented("\n".join(lines), SPACES)


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
    return f"{code}\n\nbenchmark({name})"


def _origin(workload: WorkloadTest, test: str, changed: str) -> str:
    name, share = changed.partition(":")[2], figures.share(round(workload.share, 2))
    setup = "; the setup is not timed" if workload.setup else ""
    text = (
        f"It does what {test} in {workload.test.partition('::')[0]} does, without the assertions: no call of {name} "
        f"alone makes a benchmark. {name} takes {share} of the time{setup}."
    )
    if workload.scale > 1:
        text += f" One list is {workload.scale:,} times as long as in the test."
    if workload.repeat > 1:
        text += f" One round repeats the calls {workload.repeat:,} times."
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
