"""Run prprep itself on a manifest in another folder: this interpreter and this package, in a process of its own."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..artifacts import Comparison
from ..errors import CommandFailedError
from ..processes import programs
from ..processes.progress import Report, silent
from ..storage.paths import MANIFEST_NAME, ProjectPaths

MARK: Final = "PRPREP_NESTED"
"""Set for a prprep that another one runs: it runs no tests of the project, and verifies nothing."""

LOOK_SECONDS: Final = 0.2
TAIL_LINES: Final = 40
_PACKAGE = (__package__ or "prprep").partition(".")[0]
_ROOT = str(Path(__file__).resolve().parents[2])
_LAUNCH = f"""\
import runpy, sys
sys.path.{"insert(0, " if _PACKAGE == "tasks" else "append("}{_ROOT!r})
sys.argv[0] = "prprep"
runpy.run_module({_PACKAGE + ".__main__"!r}, run_name="__main__", alter_sys=False)
"""


def is_nested() -> bool:
    """Return whether another prprep runs this one."""
    return bool(os.environ.get(MARK))


def command() -> tuple[str, ...]:
    """Return the command that is this very prprep, whatever is on PATH."""
    return sys.executable, "-P", "-c", _LAUNCH


def variables(cache: Path) -> dict[str, str]:
    """Return what a nested prprep needs to be told by its environment; `cache` is its PRPREP_CACHE."""
    return {MARK: "1", "PRPREP_CACHE": str(cache.absolute())}


def program(folder: Path, cache: Path) -> Path:
    """Write the program `prprep` into a folder, to be put on PATH; what it is told stands in it, so that no environment has to tell."""
    told = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables(cache).items())
    written = folder / "prprep"
    folder.mkdir(parents=True, exist_ok=True)
    written.write_text(
        f'#!/bin/sh\nunset PYTHONPATH PYTHONHOME\n{told} exec {shlex.join(command())} "$@"\n', encoding="utf-8"
    )
    written.chmod(0o755)
    return written


def run(
    tasks: Sequence[str], *, folder: Path, cache: Path, timeout: float | None = None, report: Report = silent
) -> str:
    """Run tasks such as `compare:ID` of the manifest in `folder`, and give the end of what was said; `report` gets every line of it.

    Whoever calls must not hold the machine's lock of the same cache. Raise CommandFailedError where a task fails, or
    where it takes longer than `timeout` seconds.
    """
    words = (*command(), "run", "--manifest", str(folder / MANIFEST_NAME), *tasks)
    with programs.start(words, cwd=folder, env=programs.installer_environment(variables(cache))) as running:
        code, said = followed(running, timeout=timeout, report=report)
    if code != 0:
        reason = f"took longer than {timeout:g} s and was stopped" if code is None else ""
        raise CommandFailedError(("prprep", *tasks), code=code, output=said, reason=reason)
    return said


def followed(running: programs.RunningProgram, *, timeout: float | None, report: Report) -> tuple[int | None, str]:
    """Pass on what a program says until it ends; give its exit code, None where it takes longer than `timeout`, and its last lines."""
    ends = time.monotonic() + timeout if timeout is not None else float("inf")
    told, code = "", running.poll()
    while code is None and time.monotonic() < ends:
        if (line := running.tail(1).strip()) and line != told:
            told = line
            report(line)
        time.sleep(LOOK_SECONDS)
        code = running.poll()
    return code, running.tail(TAIL_LINES)


def comparison(folder: Path, item_id: str) -> Comparison:
    """Read what a nested run made of an item of the manifest in `folder`; raise ArtifactError where it made nothing."""
    return Comparison.read(ProjectPaths(folder / MANIFEST_NAME, folder).item(item_id).compare)
