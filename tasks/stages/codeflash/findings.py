"""Report what went wrong in a run of codeflash, above all what it does not report, and what its figures mean."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from ...artifacts import SIDES
from ...environments.diagnoses import diagnose
from ...text.figures import seconds
from ...text.markdown import one_line, shorten
from .reading import CodeflashReport
from .running import CodeflashOutcome, CodeflashRequest
from .witness import PytestProcess

_LONGEST = 160
_TOLERANCE = 1.5
"""Factor by which the mean of a function may exceed the median of its test."""
_NAMED = 3
_FRAME = "─│╭╮╰╯━┃┏┓┗┛┡┩├┤┴┬┼╇╈"


def findings(request: CodeflashRequest, outcome: CodeflashOutcome, report: CodeflashReport) -> tuple[str, ...]:
    """List what makes codeflash's figures wrong or missing, the most important first."""
    problems = (
        _no_result(outcome),
        _other_code(outcome.processes),
        _not_passed(outcome),
        _not_run(request, outcome.processes),
        _missing(report),
        _no_memory(request, outcome, report),
        _alike(report),
    )
    return tuple(dict.fromkeys(chain.from_iterable(problems)))


def notes(
    request: CodeflashRequest, outcome: CodeflashOutcome, report: CodeflashReport, *, differing: Sequence[str] = ()
) -> Iterator[str]:
    """List what its figures mean, if a reader would expect something else."""
    if differing:
        yield f"codeflash ran both sides with head's packages, although base requires others: {', '.join(differing)}"
    if "import" in request.metrics:
        yield "codeflash does not measure import time: its figures are those of the benchmark tests"
    shown = {figure.function for figure in report.functions}
    if coroutines := [each.name for each in request.functions if each.is_async and each.name in shown]:
        shows = "codeflash's table of functions shows the time of calling it, not of awaiting it"
        yield f"for {_and(coroutines)}, a coroutine, {shows}"
    if report.tests and not shown:
        plain = [each.name for each in request.functions if "." not in each.name and each.name.isidentifier()]
        why = f"it traced no call of {_and(plain)}" if plain else "it traces top-level functions only, and none changed"
        yield f"codeflash shows no table of functions: {why}"
    yield from _impossible(report)
    if any(figure.metric == "peak memory" for figure in report.figures):
        yield "codeflash's peak memory is that of the whole test, setup included"
    ran = [test for process in outcome.processes for test in process.tests]
    own = {test.rpartition("::")[2] for test in ran if _is_of(test, request.benchmark)}
    if own and (others := [test for test in report.tests if test not in own]):
        measured = f"prprep measured only {request.benchmark}"
        yield f"{_and(others)} is in the same folder: codeflash runs all of it, and {measured}"


def _impossible(report: CodeflashReport) -> Iterator[str]:
    """Report functions that take longer than the test that calls them: codeflash estimates its tracing's cost."""
    for figure in report.functions:
        whole = report.of(figure.test, "time")
        for side in SIDES if whole else ():
            test, function = getattr(whole, side), getattr(figure, side)
            if function > test * _TOLERANCE:
                shown = f"{seconds(function)} for {figure.function} and {seconds(test)} for the whole test"
                yield f"codeflash's figures of {side} do not agree with each other in {figure.test}: {shown}"


# -- what went wrong ------------------------------------------------------------------------------


def _no_result(outcome: CodeflashOutcome) -> Iterator[str]:
    if outcome.code is None:
        limit = f"{outcome.limit:g} s"
        yield f"codeflash compare took longer than {limit} and was stopped; it saves nothing before the end of a run"
    elif outcome.markdown is None or outcome.code != 0:
        what = "wrote no report" if outcome.markdown is None else "wrote a report and failed"
        yield f"codeflash compare {what} (exit code {outcome.code}): {_cause(outcome)}"
    elif not outcome.markdown.count("|"):
        yield f"codeflash compare wrote a report without figures (exit code 0): {_cause(outcome)}"


def _cause(outcome: CodeflashOutcome) -> str:
    """Return the known cause, else the last line of output."""
    endings = [ended for process in outcome.processes for ended in process.tests.values()]
    errors = [ended.error for ended in endings if ended.outcome == "failed"]
    tables = ("codeflash", "benchmark")
    known = diagnose("\n".join(errors), *tables) or diagnose(outcome.output, *tables)
    if known:
        return f"{known.cause}; {known.hint}"
    lines = [line.strip(f"{_FRAME} ") for line in outcome.output.splitlines()]
    texts = [line for line in lines if re.search(r"\w", line)]
    return shorten(one_line(texts[-1]), _LONGEST) if texts else "it printed nothing"


def _other_code(processes: Sequence[PytestProcess]) -> Iterator[str]:
    """Report modules from outside a side's worktree: then that side was not measured."""
    for side in SIDES:
        strange = {name: file for process in processes if process.side == side for name, file in process.elsewhere}
        if strange:
            names = sorted(strange)
            places = dict.fromkeys(_shown(name, strange[name]) for name in names)
            yield (
                f"codeflash did not measure {side}'s code: {_and(names)} came from {_and(list(places))}, "
                f"not from {side}'s worktree; an installed copy was measured instead"
            )


def _shown(module: str, file: str) -> str:
    """Shorten a path to the folder above its package, which means the same on any machine."""
    parts = Path(file).parts
    depth = module.count(".") + (2 if parts[-1] == "__init__.py" else 1)
    return "/".join(parts[-depth - 1 :])


def _not_passed(outcome: CodeflashOutcome) -> Iterator[str]:
    failed: dict[tuple[str, str], list[str]] = {}
    for process in outcome.processes:
        for test, ended in process.tests.items():
            if ended.outcome == "failed":
                passes = f"{process.side}, with memory" if process.memory else process.side
                failed.setdefault((test, ended.error), []).append(passes)
    silent = ", which its report does not mention" if outcome.code == 0 and outcome.markdown else ""
    for (test, error), sides in failed.items():
        known = diagnose(error, "codeflash")
        cause = f"; {known.cause}" if known else ""
        yield f"{test} failed under codeflash on {_and(sides)} ({shorten(one_line(error), _LONGEST)}){silent}{cause}"


def _not_run(request: CodeflashRequest, processes: Sequence[PytestProcess]) -> Iterator[str]:
    """Report a side without the benchmark: codeflash silently skips one that is in neither commit."""
    for side in SIDES:
        own = [process.tests for process in processes if process.side == side]
        ran = [test for tests in own for test, ended in tests.items() if ended.outcome != "skipped"]
        if own and not any(_is_of(test, request.benchmark) for test in ran):
            yield f"codeflash did not run {request.benchmark} on {side}"


def _is_of(test: str, path: str) -> bool:
    # Node ids begin at pytest's root, which may be a folder of the project.
    file = test.partition("::")[0]
    return path == file or path.endswith(f"/{file}")


def _missing(report: CodeflashReport) -> Iterator[str]:
    for side in SIDES:
        if tests := list(dict.fromkeys(test for test, lacking, _ in report.missing if lacking == side)):
            yield f"codeflash has no figures of {side} for {_and(tests)}: it shows a dash or no row"


def _no_memory(request: CodeflashRequest, outcome: CodeflashOutcome, report: CodeflashReport) -> Iterator[str]:
    is_shown = any(figure.metric == "peak memory" for figure in report.figures)
    if "memory" in request.metrics and outcome.markdown and not is_shown:
        why = "its memory pass finished no test"
        if any(process.memory and process.tests for process in outcome.processes):
            why = "it omits differences below 1 %, and tests whose names differ between its passes"
        yield f"codeflash shows no memory: {why}"


def _alike(report: CodeflashReport) -> Iterator[str]:
    if report.twice:
        yield f"codeflash gives several tests the same heading ({_and(list(report.twice))}): their tables are ambiguous"


def _and(names: Sequence[str]) -> str:
    shown = [*names[:_NAMED], *([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
