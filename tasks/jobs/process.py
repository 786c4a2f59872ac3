"""Run a job in its own process, which ends if the process that started it does."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ..errors import CommandFailedError, JobError
from ..processes import programs
from ..processes.progress import Report
from ..processes.scratch import remove_abandoned, scratch_folder
from ..storage.files import write_whole
from ..workspace import nested
from .files import Job, Result
from .running import result_of_failure


class GivenUpError(JobError):
    """A job was ended because nobody waits for its result any more."""


MARK: Final = "PRPREP_JOB"
"""Set in the process that does the job."""


def is_inside() -> bool:
    return bool(os.environ.get(MARK))


def run(
    file: Path,
    output: Path,
    *,
    cache: Path,
    timeout: float | None,
    report: Report,
    environment: Mapping[str, str] = os.environ,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Result:
    """Run a job and write its result atomically; a failure is a result as well.

    Raises ArchiveError if the file is not a job, GivenUpError if `is_wanted` returns false.
    """
    job, _ = Job.read(file)  # before a process starts
    remove_abandoned(cache)
    with scratch_folder(cache) as folder:
        result, log = folder / "result.zip", folder / "output"
        command = (*nested.command(), "job", "run", str(file), "--output", str(result))
        with programs.start(command, cwd=folder, env={**environment, MARK: "1"}, log=log) as running:
            code = _followed(running, log, timeout=timeout, report=report, is_wanted=is_wanted)
            tail = running.tail(nested.TAIL_LINES)
        if code == 0:
            content = result.read_bytes()
        else:
            content = result_of_failure(job, _ended(code, tail, timeout), tail)
            write_whole(result, content)
        described, _ = Result.read(result)
    write_whole(output, content)
    return described


def _followed(
    running: programs.RunningProgram,
    log: Path,
    *,
    timeout: float | None,
    report: Report,
    is_wanted: Callable[[], bool],
) -> int | None:
    """Report every line of a program until it ends; return its exit code, None after `timeout` seconds."""
    ends = time.monotonic() + timeout if timeout is not None else float("inf")
    with log.open(encoding="utf-8", errors="replace") as stream:
        while True:
            code = running.poll()
            for line in stream:
                report(line.rstrip("\n"))
            if code is not None or time.monotonic() > ends:
                return code
            if not is_wanted():
                raise GivenUpError("nobody waits for this job any more")
            time.sleep(nested.POLL_SECONDS)


def _ended(code: int | None, tail: str, timeout: float | None) -> JobError:
    """Say why the process of the job left no result."""
    if code is None:
        return JobError(
            f"the job took longer than {timeout:g} s and was stopped", hint="allow it more: --timeout SECONDS"
        )
    hint = "it may have run out of memory" if code == -9 else ""
    return JobError(CommandFailedError(("prprep", "job", "run"), code=code, error=tail).what, hint=hint)
