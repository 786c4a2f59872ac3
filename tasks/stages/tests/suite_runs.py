"""Run a project's own tests in one side's tree and environment, and read how each of them ended."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...artifacts import Ending, SideRun
from ...bench.node_ids import NodeIds
from ...bench.request import SideRequest
from ...bench.workers import sandbox
from ...bench.workers.workers import WORKER_FOLDER, WORKER_PROGRAMS, Settings, variables
from ...environments.venvs import write_shims
from ...errors import CommandFailedError
from ...processes import programs
from ...processes.scratch import temporary_folder
from ...storage.files import read_regular
from ...storage.paths import with_relative_paths

TAIL_LINES: Final = 15
INTERRUPTED: Final = 2
"""pytest's exit code if files cannot be imported."""
NO_TESTS: Final = 5
_GRAVITY: Final[Mapping[Ending | None, int]] = {None: 0, "passed": 1, "skipped": 2, "error": 3, "failed": 4}


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """How a run ended: the exit code (None if it was stopped), how each test ended, and the test that was running.

    `arguments` select tests in another run whose names in `endings` do not.
    """

    code: int | None
    endings: Mapping[str, Ending] = field(default_factory=dict)
    running: str = ""
    tail: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def was_interrupted(self) -> bool:
        """Whether pytest ran no test because it could not import some files."""
        return self.code == INTERRUPTED and bool(self.endings) and set(self.endings.values()) <= {"error", "skipped"}

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(test for test, ending in self.endings.items() if ending in {"failed", "error"})

    def counted(self) -> SideRun:
        counts = Counter(self.endings.values())
        passed = self.code == 0 and not self.failures
        return SideRun(
            code=self.code,
            passed=counts["passed"],
            failed=counts["failed"],
            errors=counts["error"],
            skipped=counts["skipped"],
            running=self.running if self.code is None else "",
            tail="" if passed else self.tail,
        )


def run(side: SideRequest, command: str, *, folder: str, seconds: float) -> SuiteRun:
    """Run `command` in a shell, in a folder of the tree with the environment's programs, for at most `seconds`."""
    cwd = side.tree / folder
    with temporary_folder("prprep-tests-") as scratch:
        notes = scratch / "endings"
        extra = {
            "PYTEST_PLUGINS": "prprep_worker.outcomes.plugin",
            "PRPREP_TESTS": str(notes),
            "PATH": write_shims(scratch / "bin", side.python),
            "VIRTUAL_ENV": str(side.python.parents[1]),
        }
        environment = variables(side, Settings(seed=1), extra, folder=cwd)
        arguments = (
            *sandbox.wrapper(side, cwd, worker=WORKER_FOLDER, writable=(scratch,)),
            "bash",
            "-c",
            _recording(command),
        )
        try:
            finished = programs.run(arguments, cwd=cwd, env=environment, timeout=seconds, check=False)
            code, output = finished.code, f"{finished.output}\n{finished.error}"
        except CommandFailedError as error:
            if not error.timed_out:
                raise
            code, output = None, error.output
        endings, running = read_notes(notes)
    ids = NodeIds(side.tree, side.python)
    names = ids.stable((*endings, *filter(None, [running])))
    tail = ids.without_folders(with_relative_paths(output, scratch)).strip().splitlines()[-TAIL_LINES:]
    return SuiteRun(
        code,
        {names[test]: ending for test, ending in endings.items()},
        names.get(running, ""),
        "\n".join(tail),
        {name: _argument(test, name, ids) for test, name in names.items() if test != name},
    )


def _argument(test: str, name: str, ids: NodeIds) -> str:
    """Return how to select a test in another run: by its function, if its id will differ."""
    return test if ids.relative(test) == name else test.partition("[")[0]


def read_notes(file: Path) -> tuple[dict[str, Ending], str]:
    """Return how each test ended, and the one that did not; an incomplete last line is ignored."""
    endings: dict[str, Ending] = {}
    running = ""
    with suppress(json.JSONDecodeError):
        for note in map(json.loads, (read_regular(file) or b"").decode(errors="replace").splitlines()):
            if started := note.get("started"):
                running = started
            elif _GRAVITY[note.get("ending")] > _GRAVITY[endings.get(note.get("test", ""))]:
                endings[note.get("test", "")] = note["ending"]
    return endings, "" if running in endings else running


def _recording(command: str) -> str:
    """Run unittest by our program, which records how tests end; pytest has a plugin for that."""
    rest = command.removeprefix("python -m unittest ")
    if rest == command:
        return command
    return f"python {shlex.quote(str(WORKER_PROGRAMS / 'outcomes/unittest_runner.py'))} {rest}"
