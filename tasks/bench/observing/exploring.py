"""Run tests on one side, and learn which of them reach the changed functions, how long, and through which callers."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import CommandFailedError
from ...processes.progress import silent
from ...processes.scratch import temporary_folder
from ...storage.files import read_regular
from ..exclusive import exclusive
from ..workers.channel import Message
from ..workers.pytest_options import COMMON, options
from .site import RecordingSite, WatchedFunction, ending_of, repairable

PLUGIN_OPTIONS = (
    *COMMON,
    *("-p", "prprep_worker.exploring.plugin", "--benchmark-disable", "--continue-on-collection-errors"),
    *("-W", "ignore::pytest.PytestDeprecationWarning"),
)
TEST_SECONDS = 10.0
"""For one test."""
IMPORT_SECONDS = 30.0
"""For the import of one file of tests."""
GRACE = 15.0
"""Seconds that a run may take beyond its time to collect tests and to end the last one."""

MOST_ENDING = 5
"""Tests that may end the process before the run is given up."""

Frame = tuple[str, int]
"""A function as a file of the tree and its first line."""


@dataclass(frozen=True, slots=True)
class CallChain:
    """The project's functions that called a target, the nearest first, and the target's seconds in these calls."""

    callers: tuple[Frame, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A call of a target: its `number` in the test from 1, its seconds, and those in the function that matters."""

    number: int
    seconds: float
    inside: float


@dataclass(frozen=True, slots=True)
class Reach:
    """What a test (pytest's id) reached of a target, by its name.

    `case` has the index of each parametrized value, `values` those that are plain; the inputs of a `generated` test are
    made by hypothesis.
    """

    test: str
    target: str
    calls: int
    seconds: float
    chains: tuple[CallChain, ...] = ()
    longest: tuple[TimedCall, ...] = ()
    case: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    generated: bool = False


def explore(
    site: RecordingSite,
    targets: Mapping[str, WatchedFunction],
    tests: Sequence[str],
    *,
    seconds: float,
    inside: str = "",
    chains: bool = True,
    only: Sequence[str] = (),
) -> tuple[tuple[Reach, ...], tuple[str, ...], tuple[str, ...]]:
    """Run tests in one process; return what each of them reached, the files of those that ran, and notes on the end.

    For the longest calls of each target it is noted how long the target `inside` runs in them. Of a test with cases in
    `only` the others are left out.
    """
    order = {
        "targets": {target: function.message(site.side.tree) for target, function in targets.items()},
        "tree": str(site.side.tree),
        "seconds": TEST_SECONDS,
        "importing": IMPORT_SECONDS,
        "inside": inside,
        "chains": chains,
        "only": list(only),
    }
    with exclusive(site.lock, silent), temporary_folder("prprep-explore-") as folder:
        run = _Run(site, folder, options(site.side.tree, *tests, own=PLUGIN_OPTIONS), order)
        notes = run.to_the_end(seconds)
        reached = tuple(reach for each in run.ended for reach in _reached(each))
        ran = tuple(dict.fromkeys(each["test"].partition("::")[0] for each in run.ended))
    return reached, ran, tuple(f"the run of the tests {note}" for note in notes)


class _Run:
    """The tests in one process after the other: one that a test ends is followed by one for the tests after it."""

    def __init__(self, site: RecordingSite, folder: Path, arguments: Sequence[str], order: Message) -> None:
        self._site, self._folder, self._tree = site, folder, str(site.side.tree)
        self._out, self._stacks = folder / "reached.jsonl", folder / "stacks.txt"
        self._command = [str(site.side.python), "-m", "pytest", *arguments]
        self._order = {**order, "out": str(self._out), "stacks": str(self._stacks)}

    @property
    def ended(self) -> list[Message]:
        return [each for each in self._lines() if "test" in each]

    def to_the_end(self, seconds: float) -> list[str]:
        """Run the tests; return notes on how that ended."""
        end, unended = time.monotonic() + seconds, list[str]()
        notes: list[str] = []
        while len(unended) <= MOST_ENDING and (left := end - time.monotonic()) > 0:
            in_time, ending = self._once(left)
            test = self._unended()
            if not in_time or not test or test in unended:
                return [*notes, *ending]
            unended.append(test)
            notes.append(f"ended in {test}, which is left out")
        return notes

    def _once(self, seconds: float) -> tuple[bool, list[str]]:
        """Run the tests that have not begun in one process; return whether it ended in time, and notes on its end."""
        site, file = self._site, self._folder / "order.json"
        limits = {"session": seconds, "dump_after": seconds + GRACE / 2}
        file.write_text(json.dumps({**self._order, **limits}), encoding="utf-8")
        try:
            allowed = seconds + GRACE
            finished = site.run(self._command, seconds=allowed, writable=self._folder, PRPREP_EXPLORER=str(file))
        except CommandFailedError as error:
            if not error.timed_out:
                raise
            return False, [*self._left_out(), f"was stopped after {allowed:.0f} s, {self._hanging_place()}"]
        notes = self._left_out()
        if finished.code not in (0, 1, 2, 5) or (finished.code in (1, 2) and not self._lines()):
            notes.append(ending_of(finished, site))
        errors = repairable(f"{finished.output}\n{finished.error}") if finished.code else {}
        return True, notes + [f"lacks something: {error}" for error in errors if error not in "".join(notes)]

    def _left_out(self) -> list[str]:
        """Return a note on each file whose import took too long."""
        stopped = {line["stopped"]: line["at"] for line in self._lines() if "stopped" in line}
        too_long = f"whose import took longer than {IMPORT_SECONDS:.0f} s"
        return [f"left out {path}, {too_long}{_in_brackets(at)}" for path, at in stopped.items()]

    def _hanging_place(self) -> str:
        """Return in which test the run was, and the tree's line that it was at last."""
        test = self._unended()
        where = f"in {test}" if test else "between tests" if self.ended else "before its first test"
        stacks = (read_regular(self._stacks) or b"").decode("utf-8", "replace")
        main_thread = stacks.rstrip().rpartition("\n\n")[2]
        tree = "|".join(re.escape(f"{tree}{os.sep}") for tree in (self._tree, os.path.realpath(self._tree)))
        frame = re.search(rf'^  File "(?:{tree})(.+)", line (\d+) in ', main_thread, re.MULTILINE)
        return where + _in_brackets(f"{frame[1]}:{frame[2]}" if frame else "")

    def _unended(self) -> str:
        """Return the test that began last, if it did not end."""
        lines = self._lines()
        return str(lines[-1].get("began", "")) if lines else ""

    def _lines(self) -> list[Message]:
        """Read the lines that are whole: a process that was killed may leave part of one."""
        lines = []
        for line in (read_regular(self._out) or b"").decode("utf-8", "replace").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(line))
        return [line for line in lines if isinstance(line, dict)]


def _in_brackets(place: str) -> str:
    return f" ({place})" if place else ""


def _reached(test: Message) -> Iterator[Reach]:
    for target, reach in test["reached"].items():
        chains = tuple(
            CallChain(tuple((path, first) for path, first in callers), seconds) for callers, seconds in reach["chains"]
        )
        longest = tuple(TimedCall(number, took, inside) for inside, number, took in reach["longest"])
        of_test = {"case": test["case"], "values": test["values"], "generated": test["generated"]}
        yield Reach(test["test"], target, reach["calls"], reach["seconds"], chains, longest, **of_test)
