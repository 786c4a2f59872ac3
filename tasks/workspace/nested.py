"""Run prprep on a manifest in another folder: the same interpreter and package, in a process of its own."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import CommandFailedError
from ..processes import beside, locks, programs
from ..processes.progress import Report, silent
from ..storage import spans
from ..storage.paths import MANIFEST_NAME, ProjectPaths

if TYPE_CHECKING:
    from ..artifacts import Comparison

MARK: Final = "PRPREP_NESTED"
"""Set in a prprep that another one runs: it runs no tests of the project, verifies nothing, writes no report.html."""

POLL_SECONDS: Final = 0.05
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
    return bool(os.environ.get(MARK))


def command() -> tuple[str, ...]:
    """Return the command that runs this prprep, whatever is on PATH."""
    return sys.executable, "-P", "-c", _LAUNCH


def variables(cache: Path) -> dict[str, str]:
    """Return the environment variables of a nested prprep; `cache` is its PRPREP_CACHE, the machine's lock is ours."""
    own = {MARK: "1", "PRPREP_CACHE": str(cache.absolute()), locks.LOCK_VARIABLE: str(locks.machine_lock())}
    return own | beside.family_variables()


def program(folder: Path, cache: Path) -> Path:
    """Write a program `prprep` into a folder for PATH; it sets its own variables, so the caller need not."""
    assignments = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables(cache).items())
    script = folder / "prprep"
    folder.mkdir(parents=True, exist_ok=True)
    script.write_text(
        f'#!/bin/sh\nunset PYTHONPATH PYTHONHOME\n{assignments} exec {shlex.join(command())} "$@"\n', encoding="utf-8"
    )
    script.chmod(0o755)
    return script


def run(
    tasks: Sequence[str],
    *,
    folder: Path,
    cache: Path,
    passed: Sequence[str] = (),
    timeout: float | None = None,
    report: Report = silent,
) -> str:
    """Run tasks such as `compare:ID` of the manifest in `folder`; return the end of the output, report its lines.

    The caller must not hold the machine's lock of the same cache. Raises CommandFailedError if a task fails, or takes
    longer than `timeout` seconds. It gets the variables `passed`, which its manifest passes on.
    """
    environment = programs.installer_environment(variables(cache), passed=passed)
    arguments = (*command(), "run", "--manifest", str(folder / MANIFEST_NAME), *tasks)
    with programs.start(arguments, cwd=folder, env=environment) as running:
        code, output = followed(running, timeout=timeout, report=report)
    if code != 0:
        reason = f"took longer than {timeout:g} s and was stopped" if code is None else ""
        raise CommandFailedError(("prprep", *tasks), code=code, output=output, reason=reason)
    return output


def followed(running: programs.RunningProgram, *, timeout: float | None, report: Report) -> tuple[int | None, str]:
    """Report a program's lines until it ends; return its exit code, None after `timeout`, and its last lines."""
    ends = time.monotonic() + timeout if timeout is not None else float("inf")
    reported, code = "", running.poll()
    while code is None and time.monotonic() < ends:
        if (line := running.tail(1).strip()) and line != reported:
            reported = line
            report(line)
        time.sleep(POLL_SECONDS)
        code = running.poll()
    if code != 0:
        beside.recover()  # it may have been killed while it measured
    return code, running.tail(TAIL_LINES)


def measured(folder: Path, item_id: str) -> list[tuple[float, float]]:
    """Return when a nested run measured an item, in seconds since the epoch."""
    return spans.read(ProjectPaths(folder / MANIFEST_NAME, folder).item(item_id).spans).measured


def comparison(folder: Path, item_id: str) -> Comparison:
    """Return the comparison that a nested run wrote for an item; raise ArtifactError if there is none."""
    from ..artifacts import Comparison

    return Comparison.read(ProjectPaths(folder / MANIFEST_NAME, folder).item(item_id).compare)
