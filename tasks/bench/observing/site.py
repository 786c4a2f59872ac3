"""A side on which tests or code of the project run to be observed, and how such a run ended."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from ...environments.diagnoses import Match, diagnose, tables
from ...processes import programs
from ..request import SideRequest
from ..workers import sandbox
from ..workers.channel import Message
from ..workers.workers import WORKER_FOLDER, Settings, variables

LONGEST = 160
"""Characters of an error that a run ended with."""


@dataclass(frozen=True, slots=True)
class WatchedFunction:
    """A function of one side: `module:name` as code calls it; path in the tree and first line, as others may have it.

    Without a line, the function is found by its name alone.
    """

    called: str
    path: str = ""
    line: int = 0

    def message(self, tree: Path) -> Message:
        return {"called": self.called, "file": os.path.realpath(tree / self.path), "line": self.line}


@dataclass(slots=True)
class RunningTime:
    """How long what is run on some sites has taken so far."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordingSite:
    """A side and the `project` folder in its tree; the test to write will lie `depth` folders deep.

    `boundaries` are packages whose objects may be replaced by fakes; `lock` is held while anything runs; names of files
    stored next to the test begin with `stem`; `root` is the folder of benchmarks in the tree. What `run` takes is
    added to `running`.
    """

    side: SideRequest
    project: str
    depth: int
    boundaries: tuple[str, ...] = ()
    lock: Path | None = None
    stem: str = "benchmark"
    root: str = "tests/benchmarks"
    running: RunningTime = field(default_factory=RunningTime, compare=False)

    @property
    def folder(self) -> Path:
        return self.side.tree / self.project

    def run(
        self, command: Sequence[str], *, seconds: float, writable: Path, stdin: bytes = b"", **extra: str
    ) -> programs.CompletedProgram:
        """Run a command in the project's folder, confined if the side is; it may write to the folder `writable` too."""
        confinement = sandbox.wrapper(self.side, self.folder, worker=WORKER_FOLDER, writable=(writable,))
        environment = variables(self.side, Settings(seed=1), extra, folder=self.folder)
        began = time.monotonic()
        try:
            return programs.run(
                (*confinement, *command), cwd=self.folder, env=environment, timeout=seconds, stdin=stdin, check=False
            )
        finally:
            self.running.seconds += time.monotonic() - began


def repairable(output: str) -> dict[str, Match]:
    """Return the errors in an output that installing a package may repair, with what each means, in their order."""
    return {error: match for _, error, match in sorted(_repairable(output), key=lambda found: found[0])}


def _repairable(output: str) -> Iterator[tuple[int, str, Match]]:
    for diagnosis in tables()["benchmark"]:
        for found in diagnosis.pattern.finditer(output) if diagnosis.repairs is not None else ():
            match = diagnose(found[0], "benchmark")
            # Another entry may know better what the error is.
            if match and match.diagnosis is diagnosis:
                yield found.start(), found[0], match


def ending_of(finished: programs.CompletedProgram, site: RecordingSite) -> str:
    """Return a failed run's exit code, with the first error that pytest shows, or the last one of a script.

    If there is none, it is what pytest says of its options.
    """
    # pytest shows errors of a conftest on the other stream.
    lines = f"{finished.output}\n{finished.error}".splitlines()
    shown = [line[1:].strip() for line in lines if line.startswith("E  ")]
    own = [line.removeprefix("INTERNALERROR> ").strip() for line in reversed(finished.error.splitlines())]
    errors = (line for line in (*shown, *own) if re.match(r"[\w.]+(Error|Exception|Warning): ", line))
    of_options = (line.partition(": error: ")[2] for line in own if ": error: " in line)
    error = next(chain(errors, of_options), "")
    message = error.replace(f"{site.side.tree}/", "")[:LONGEST]
    return f"ended with exit code {finished.code}" + (f" ({message})" if message else "")
