"""Say what went wrong in a run of codeflash, above all where it says nothing of it itself, and what its figures hold for."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...artifacts import SIDES
from ...environments.diagnoses import BENCHMARK, CODEFLASH, diagnose
from ...text.figures import seconds
from ...text.markdown import one_line, shorten
from .reading import Reading
from .running import Asked, Ran
from .witness import Witness

LONGEST = 160
LONGER = 1.5
"""A factor by which the mean of a function may be above the median of its test without a word."""
_NAMED = 3
_FRAME = "─│╭╮╰╯━┃┏┓┗┛┡┩├┤┴┬┼╇╈"


def findings(asked: Asked, ran: Ran, reading: Reading) -> tuple[str, ...]:
    """List what makes codeflash's figures wrong or leaves them out, the weightiest first."""
    found = [*_no_result(ran), *_other_code(ran.witnesses), *_not_passed(ran), *_not_run(asked, ran.witnesses)]
    found += [*_missing(reading), *_no_memory(asked, ran, reading), *_alike(reading)]
    return tuple(dict.fromkeys(found))


def notes(asked: Asked, ran: Ran, reading: Reading, *, differing: Sequence[str] = ()) -> tuple[str, ...]:
    """List what its figures are of, where a reader would take them for something else."""
    return (*_notes(asked, reading, differing), *_beside(asked, ran, reading))


def _beside(asked: Asked, ran: Ran, reading: Reading) -> Iterator[str]:
    """Tell of further benchmarks in the folder: what codeflash shows of them is no part of the claim."""
    own = {test.rpartition("::")[2] for seen in ran.witnesses for test in seen.tests if _is_of(test, asked.benchmark)}
    if own and (others := [test for test in reading.tests if test not in own]):
        yield f"{_and(others)} stands in the same folder: codeflash runs all of it, and prprep measured {asked.benchmark} alone"


def _notes(asked: Asked, reading: Reading, differing: Sequence[str]) -> Iterator[str]:
    if differing:
        yield f"codeflash ran both sides with head's packages, although base asks for others: {', '.join(differing)}"
    if "import" in asked.metrics:
        yield "codeflash has no measure of import time: its figures are those of the benchmark tests as they are"
    shown = {figure.function for figure in reading.functions}
    if coroutines := [each.name for each in asked.functions if each.is_async and each.name in shown]:
        yield f"for {_and(coroutines)}, a coroutine, codeflash's table of functions holds the time of calling it, not of awaiting it"
    if reading.tests and not shown:
        yield f"codeflash shows no table of functions: {_why_none(asked)}"
    yield from _impossible(reading)
    if any(figure.metric == "peak memory" for figure in reading.figures):
        yield "codeflash's peak memory is that of the whole test, with what it sets up"


def _impossible(reading: Reading) -> Iterator[str]:
    """Tell where a function takes longer than the test that calls it: codeflash subtracts what its tracing cost, by guess."""
    for figure in reading.functions:
        whole = reading.of(figure.test, "time")
        for side in SIDES if whole else ():
            test, function = getattr(whole, side), getattr(figure, side)
            if function > test * LONGER:
                told = f"{seconds(function)} for {figure.function} and {seconds(test)} for the whole test"
                yield f"codeflash's figures of {side} do not agree with each other in {figure.test}: {told}"


def _why_none(asked: Asked) -> str:
    plain = [each.name for each in asked.functions if "." not in each.name and each.name.isidentifier()]
    if not plain:
        return "it traces top-level functions only, and none changed"
    return f"it traced no call of {_and(plain)}"


# -- what went wrong ------------------------------------------------------------------------------


def _no_result(ran: Ran) -> Iterator[str]:
    if ran.code is None:
        yield f"codeflash compare took longer than {ran.limit:g} s and was stopped; it keeps nothing of a run that is not over"
    elif ran.markdown is None or ran.code != 0:
        what = "wrote no report" if ran.markdown is None else "wrote a report and failed"
        yield f"codeflash compare {what} (exit code {ran.code}): {_cause(ran)}"
    elif not ran.markdown.count("|"):
        yield f"codeflash compare wrote a report without figures (exit code 0): {_cause(ran)}"


def _cause(ran: Ran) -> str:
    """Return the known cause, else the last thing that it wrote."""
    raised = [ended.told for seen in ran.witnesses for ended in seen.tests.values() if ended.outcome == "failed"]
    table = (*CODEFLASH, *BENCHMARK)
    known = diagnose("\n".join(raised), table) or diagnose(ran.written, table)
    if known:
        return f"{known.cause}; {known.hint}"
    lines = [line.strip(f"{_FRAME} ") for line in ran.written.splitlines()]
    told = [line for line in lines if re.search(r"\w", line)]
    return shorten(one_line(told[-1]), LONGEST) if told else "it said nothing"


def _other_code(witnesses: Sequence[Witness]) -> Iterator[str]:
    """Tell where a side's modules came from, if not out of its own worktree: then it was not that side that was measured."""
    for side in SIDES:
        strange = {name: file for seen in witnesses if seen.side == side for name, file in seen.elsewhere}
        if strange:
            names = sorted(strange)
            places = dict.fromkeys(_shown(name, strange[name]) for name in names)
            yield (
                f"codeflash did not measure {side}'s code: {_and(names)} came from {_and(list(places))}, not from {side}'s worktree; "
                "an installed copy was measured in its place"
            )


def _shown(module: str, file: str) -> str:
    """Spell a file so that it says something on any machine: from the folder above its package on."""
    parts = Path(file).parts
    depth = module.count(".") + (2 if parts[-1] == "__init__.py" else 1)
    return "/".join(parts[-depth - 1 :])


def _not_passed(ran: Ran) -> Iterator[str]:
    failed: dict[tuple[str, str], list[str]] = {}
    for seen in ran.witnesses:
        for test, ended in seen.tests.items():
            if ended.outcome == "failed":
                passes = f"{seen.side}, with memory" if seen.memory else seen.side
                failed.setdefault((test, ended.told), []).append(passes)
    silent = ", of which its report says nothing" if ran.code == 0 and ran.markdown else ""
    for (test, told), sides in failed.items():
        known = diagnose(told, CODEFLASH)
        cause = f"; {known.cause}" if known else ""
        yield f"{test} failed under codeflash on {_and(sides)} ({shorten(one_line(told), LONGEST)}){silent}{cause}"


def _not_run(asked: Asked, witnesses: Sequence[Witness]) -> Iterator[str]:
    """Tell where the benchmark was not among what ran: one that is in neither commit is left out without a word."""
    for side in SIDES:
        ran = [
            test
            for seen in witnesses
            if seen.side == side
            for test, ended in seen.tests.items()
            if ended.outcome != "skipped"
        ]
        if any(seen.side == side for seen in witnesses) and not any(_is_of(test, asked.benchmark) for test in ran):
            yield f"codeflash did not run {asked.benchmark} on {side}"


def _is_of(test: str, path: str) -> bool:
    # Node ids begin at pytest's root, which may be a folder of the project.
    file = test.partition("::")[0]
    return path == file or path.endswith(f"/{file}")


def _missing(reading: Reading) -> Iterator[str]:
    for side in SIDES:
        if tests := list(dict.fromkeys(test for test, lacking, _ in reading.missing if lacking == side)):
            yield f"codeflash has no figures of {side} for {_and(tests)}: it shows a dash, or leaves the line out"


def _no_memory(asked: Asked, ran: Ran, reading: Reading) -> Iterator[str]:
    ended = {test.rpartition("::")[2] for seen in ran.witnesses if seen.memory for test in seen.tests}
    there = any(figure.metric == "peak memory" for figure in reading.figures)
    if "memory" in asked.metrics and ran.markdown and not there:
        if ended:
            yield "codeflash shows no memory: it leaves out what differs by less than 1 %, and tests that its passes name otherwise"
        else:
            yield "codeflash shows no memory: its pass for memory ran no test to the end"


def _alike(reading: Reading) -> Iterator[str]:
    if reading.twice:
        yield f"codeflash gives several tests the same heading ({_and(list(reading.twice))}): their tables cannot be told apart"


def _and(names: Sequence[str]) -> str:
    shown = [*names[:_NAMED], *([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
