"""A side on which tests or code of the project run to be observed, and how such a run ended."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...environments.diagnoses import diagnose
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


@dataclass(frozen=True, slots=True)
class RecordingSite:
    """A side and the `project` folder in its tree; the test to write will lie `depth` folders deep.

    `boundaries` are packages whose objects may be replaced by fakes; `lock` is held while anything runs; names of files
    stored next to the test begin with `stem`; `root` is the folder of benchmarks in the tree.
    """

    side: SideRequest
    project: str
    depth: int
    boundaries: tuple[str, ...] = ()
    lock: Path | None = None
    stem: str = "benchmark"
    root: str = "tests/benchmarks"

    @property
    def folder(self) -> Path:
        return self.side.tree / self.project

    def run(
        self, command: Sequence[str], *, seconds: float, writable: Path, stdin: bytes = b"", **extra: str
    ) -> programs.CompletedProgram:
        """Run a command in the project's folder, confined if the side is; it may write to the folder `writable` too."""
        confinement = sandbox.wrapper(self.side, self.folder, worker=WORKER_FOLDER, writable=(writable,))
        environment = variables(self.side, Settings(seed=1), extra, folder=self.folder)
        return programs.run(
            (*confinement, *command), cwd=self.folder, env=environment, timeout=seconds, stdin=stdin, check=False
        )


def repairable(output: str) -> str:
    """Return the error in an output that installing a package may repair, "" if there is none."""
    match = diagnose(output, "benchmark")
    found = match.diagnosis.pattern.search(output) if match and match.diagnosis.repairs is not None else None
    return found[0] if found else ""


def ending_of(finished: programs.CompletedProgram, site: RecordingSite) -> str:
    """Return a failed run's exit code, with the first error that pytest shows, or the last one of a script."""
    # pytest shows errors of a conftest on the other stream.
    lines = f"{finished.output}\n{finished.error}".splitlines()
    shown = [line[1:].strip() for line in lines if line.startswith("E  ")]
    own = [line.removeprefix("INTERNALERROR> ").strip() for line in reversed(finished.error.splitlines())]
    error = next((line for line in (*shown, *own) if re.match(r"[\w.]+(Error|Exception|Warning): ", line)), "")
    message = error.replace(f"{site.side.tree}/", "")[:LONGEST]
    return f"ended with exit code {finished.code}" + (f" ({message})" if message else "")
