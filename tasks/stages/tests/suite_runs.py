"""Run a project's own tests in one side's tree and environment, and see how each of them ended."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

from ...artifacts import Ending, SideRun
from ...bench.workers import sandbox
from ...bench.workers.workers import WORKER_FOLDER, WORKER_PROGRAMS, Settings, variables
from ...environments import shims
from ...errors import CommandFailedError
from ...processes import programs

if TYPE_CHECKING:
    from ...bench.request import SideRequest

TAIL_LINES: Final = 15
USAGE_ERROR: Final = 4
"""pytest's exit code for options that it does not know."""

NO_TESTS: Final = 5
_GRAVITY: Final[Mapping[Ending | None, int]] = {None: 0, "passed": 1, "skipped": 2, "error": 3, "failed": 4}


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """How a run ended: the exit code (None where it was stopped), every test that told how it ended, and the one it was at."""

    code: int | None
    endings: Mapping[str, Ending] = field(default_factory=dict)
    running: str = ""
    tail: str = ""

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(test for test, ending in self.endings.items() if ending in {"failed", "error"})

    def told(self) -> SideRun:
        """Return what is kept of it."""
        counted = {ending: sum(each == ending for each in self.endings.values()) for ending in get_args(Ending)}
        well = self.code == 0 and not self.failures
        return SideRun(
            code=self.code,
            passed=counted["passed"],
            failed=counted["failed"],
            errors=counted["error"],
            skipped=counted["skipped"],
            running=self.running if self.code is None else "",
            tail="" if well else self.tail,
        )


def run(place: SideRequest, command: str, *, folder: str, seconds: float) -> SuiteRun:
    """Run `command` by a shell in a folder of the side's tree, with its environment's programs; it is ended after `seconds`."""
    where = place.tree / folder
    with tempfile.TemporaryDirectory(prefix="prprep-tests-") as scratch:
        notes = Path(scratch) / "endings"
        own = {
            "PATH": shims.write_shims(Path(scratch) / "bin", place.python),
            "VIRTUAL_ENV": str(place.python.parents[1]),
        }
        told = {"PYTEST_PLUGINS": "prprep_worker.outcomes.plugin", "PRPREP_TESTS": str(notes), **own}
        environment = variables(place, Settings(seed=1), told, folder=where)
        words = (
            *sandbox.wrapper(place, where, worker=WORKER_FOLDER, writable=(Path(scratch),)),
            "bash",
            "-c",
            _spelled(command),
        )
        try:
            ended = programs.run(words, cwd=where, env=environment, timeout=seconds, check=False)
            code, said = ended.code, f"{ended.output}\n{ended.error}"
        except CommandFailedError as error:
            if not error.timed_out:
                raise
            code, said = None, error.output
        endings, running = read_notes(notes)
    return SuiteRun(code, endings, running, _tail(said, (place.tree, Path(scratch))))


def read_notes(file: Path) -> tuple[dict[str, Ending], str]:
    """Read how tests ended, and which one had begun and not ended; a last line that was cut short is left out."""
    endings: dict[str, Ending] = {}
    running = ""
    for note in _notes(file):
        if started := note.get("started"):
            running = started
            continue
        test, ending = note.get("test", ""), cast("Ending", note.get("ending"))
        if _GRAVITY[ending] > _GRAVITY[endings.get(test)]:
            endings[test] = ending
    return endings, "" if running in endings else running


def _notes(file: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    with suppress(OSError, ValueError):
        found.extend(map(json.loads, file.read_text(encoding="utf-8", errors="replace").splitlines()))
    return found


def _spelled(command: str) -> str:
    """Put our program, which does the same and notes endings, in the place of unittest's."""
    rest = command.removeprefix("python -m unittest ")
    return (
        command
        if rest == command
        else f"python {shlex.quote(str(WORKER_PROGRAMS / 'outcomes/unittest_runner.py'))} {rest}"
    )


def _tail(said: str, folders: tuple[Path, ...]) -> str:
    """Return the end of what was printed, without places of this machine."""
    for folder in folders:
        for spelled in {os.path.realpath(folder), str(folder)}:
            said = said.replace(f"{spelled}/", "").replace(spelled, ".")
    return "\n".join(said.strip().splitlines()[-TAIL_LINES:])
