"""Run programs without a shell, each in a session of its own whose processes all end with the call.

plumbum starts them. Its `local.cwd` and `local.env` are not thread-safe, it adds the environment of its import to the
one it is given, and its time limit waits for grandchildren that hold the pipe. So folder and environment are passed
explicitly, and waiting, time limits and killing happen here.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from ..errors import CommandFailedError
from . import beside
from .reaper import REAPER
from .scratch import temporary_folder
from .secrets import is_withheld
from .streams import Stream, exchange

Popen = subprocess.Popen[bytes]

STREAM_LIMIT: Final = 1 << 20
"""Bytes kept of the beginning, and of the end, of either stream of `run`."""

GRACE_SECONDS: Final = 2.0
FULL_BYTES: Final = 64 << 10

# Variables about our own Python, git and tests; COLUMNS and LINES would wrap messages that are parsed.
_REMOVED_PREFIXES: Final = (
    "GIT_", "PYTHON", "PYTEST_", "COV_", "COVERAGE_", "CONDA_", "VIRTUAL_ENV", "UV_PROJECT", "UV_RUN_", "PRPREP_",
    "__PYVENV_", "COLUMNS", "LINES",
)  # fmt: skip

# What uv needs for private indexes and repositories, secret or not.
_INSTALLER: Final = ("UV_*", "PIP_*", "*_PROXY", "*_proxy", "NETRC", "SSH_AUTH_SOCK")


@dataclass(frozen=True, slots=True)
class CompletedProgram:
    """A program that ended; text is decoded with replacement, and a long stream loses its middle."""

    command: tuple[str, ...]
    code: int
    raw: bytes
    """Its standard output."""
    error: str

    @property
    def output(self) -> str:
        return self.raw.decode(errors="replace")


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: bytes = b"",
    check: bool = True,
    limit: int | None = STREAM_LIMIT,
) -> CompletedProgram:
    """Run `command` to its end; `env` is the whole environment. With `limit=None` the whole output is kept.

    Raises CommandFailedError if it cannot start, takes longer than `timeout` seconds or, with `check`, fails.
    """
    output, error = Stream(limit), Stream(STREAM_LIMIT)
    deadline = time.monotonic() + timeout if timeout is not None else float("inf")
    words, pipe = tuple(map(str, command)), subprocess.PIPE
    process = _launch(words, cwd, env, stdin=pipe if stdin else subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    with process:
        try:
            at_exit = partial(_signal, process, signal.SIGKILL)
            exchange(process, (output, error), stdin=stdin, deadline=deadline, at_exit=at_exit)
        except subprocess.TimeoutExpired:
            raise _timed_out(words, timeout, error.text() or output.text()) from None
        finally:
            _end(process)
    completed = CompletedProgram(words, process.returncode, output.whole(), error.text())
    if check and completed.code != 0:
        shown = completed.output if limit is not None else ""  # a whole output is often binary, and too long for a log
        raise CommandFailedError(words, code=completed.code, output=shown, error=completed.error)
    return completed


class RunningProgram:
    """A program in the background; both streams go to one file."""

    def __init__(self, command: tuple[str, ...], process: Popen, log: Path) -> None:
        self.command, self.pid = command, process.pid
        self._process, self._log = process, log

    def poll(self) -> int | None:
        """Return the exit code (negative for a signal), None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raise CommandFailedError after `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise _timed_out(self.command, timeout, self.tail()) from None

    def tail(self, lines: int = 20) -> str:
        try:
            with self._log.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - 400 * lines))
                end = stream.read()
        except OSError:
            return ""
        return "\n".join(end.decode(errors="replace").splitlines()[-lines:])


@contextmanager
def start(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    log: Path | None = None,
) -> Iterator[RunningProgram]:
    """Run `command` in the background; all its processes end with the block. Its output is appended to `log`.

    Stay in the thread that started it: on Linux the program is killed when that thread ends, so that it does not
    outlive a killed prprep.
    """
    words = tuple(map(str, command))
    with temporary_folder() as folder:
        log = log or folder / "output"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab", buffering=0) as stream:
            process = _launch(
                words, cwd, env, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, pass_fds=pass_fds
            )
        try:
            yield RunningProgram(words, process, log)
        finally:
            _end(process)


def full_folder() -> str | None:
    """Return the folder for temporary files if nothing more fits into it, so that programs cannot even say why."""
    folder = tempfile.gettempdir()
    return folder if shutil.disk_usage(folder).free < FULL_BYTES else None


def project_environment(extra: Mapping[str, str] | None = None, *, passed: Collection[str] = ()) -> dict[str, str]:
    """Return the environment for the project's code: without secrets and variables about our Python, git and tests.

    `passed` names variables to keep in any case; `extra` is added.
    """
    variables = {
        name: value
        for name, value in os.environ.items()
        if name in passed or not (name.startswith(_REMOVED_PREFIXES) or is_withheld(name, value))
    }
    return variables | dict(extra or {})


def installer_environment(extra: Mapping[str, str] | None = None, *, passed: Collection[str] = ()) -> dict[str, str]:
    """Return the environment for uv: that of the project's code and what uv needs for private packages."""
    needed = {name for name in os.environ if not name.startswith(_REMOVED_PREFIXES) and _matches(name, _INSTALLER)}
    return project_environment(extra, passed=needed.union(passed))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


# -- processes ------------------------------------------------------------------------------------


def _launch(words: tuple[str, ...], cwd: Path, env: Mapping[str, str] | None, **descriptors: Any) -> Popen:
    environment = dict(os.environ if env is None else env)
    if not cwd.is_dir():
        raise _not_started(words, f"could not start: the folder {cwd} does not exist")
    program = _program(words, cwd, environment)
    leash, arguments = _leash(), words[1:]
    # setpriv would hand a file that the kernel cannot run to a shell; without setpriv it is an error, as it should be.
    if leash and _is_executable_format(program):
        program, arguments = leash[0], (*leash[1:], program, *words[1:])
    try:
        with beside.on_free_cores():
            process: Popen = _command(program).popen(
                arguments, cwd=str(cwd.absolute()), env=environment, new_session=True, **descriptors
            )
    except (OSError, ValueError) as error:
        raise _not_started(words, f"could not start: {getattr(error, 'strerror', None) or error}") from None
    beside.began(process.pid)
    if words[0] != "git":  # git's children end with it, and a run with nothing to do starts only git
        REAPER.add(process.pid)
    return process


def _program(command: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> str:
    """Find the program as the operating system would, from `cwd` with the PATH of `env`."""
    name = command[0]
    folders = [""] if "/" in name else env.get("PATH", os.defpath).split(os.pathsep)
    candidates = [os.path.join(cwd.absolute(), folder, name) for folder in folders]  # noqa: PTH118 - Path drops `..`
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):  # noqa: PTH113
            return candidate
    if any(map(os.path.isfile, candidates)):
        raise _not_started(command, "is not executable", hint=f"make it executable: chmod +x {candidates[0]}")
    raise _not_started(command, "was not found", hint=f"install {name}, or add its folder to PATH")


def _is_executable_format(program: str) -> bool:
    try:
        with open(program, "rb") as stream:  # noqa: PTH123 - Path would normalize it
            return stream.read(4).startswith((b"#!", b"\x7fELF"))
    except OSError:
        return False


@cache
def _leash() -> tuple[str, ...]:
    """Return the command prefix that makes Linux kill a child if we die (`kill -9`), nothing elsewhere.

    prctl in a preexec_fn would not be thread-safe; util-linux's setpriv calls it after the fork and then becomes the
    program. It covers the program but not its children, nor the millisecond before. busybox's setpriv cannot do it.
    """
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    leash = (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()
    works = leash and subprocess.run([*leash, "/bin/true"], capture_output=True, check=False).returncode == 0
    return leash if works else ()


def _command(program: str) -> Any:
    from plumbum import LocalPath

    return _bare_command()(LocalPath(program))


@cache
def _bare_command() -> type[Any]:
    """Return plumbum's command on a machine that adds no variables."""
    from plumbum.machines.local import LocalCommand, LocalMachine

    class Machine(LocalMachine):
        env: Any = {}  # noqa: RUF012 - plumbum's own is a snapshot of our environment

    class Command(LocalCommand):
        machine: Any = Machine()

    return Command


def _end(process: Popen) -> None:
    """End the process group: SIGTERM while the program runs, then SIGKILL, also for descendants in other groups."""
    strays = _descendants(process.pid) if process.poll() is None else ()
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    for kill in strays:
        kill()
    REAPER.remove(process.pid)
    beside.ended(process.pid)
    process.wait()


def _descendants(pid: int) -> Sequence[Callable[[], None]]:
    """Return what kills each descendant of a process, and never another one that got its id meanwhile."""
    import psutil  # not for every run: most programs end by themselves

    def kill(stray: psutil.Process) -> None:
        with suppress(psutil.Error):
            stray.kill()

    with suppress(psutil.Error):
        return [partial(kill, each) for each in psutil.Process(pid).children(recursive=True)]
    return ()


def _signal(process: Popen, number: int) -> None:
    # macOS answers EPERM for a group of which only dead members are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _not_started(command: tuple[str, ...], reason: str, *, hint: str = "") -> CommandFailedError:
    return CommandFailedError(command, code=None, reason=reason, hint=hint)


def _timed_out(command: tuple[str, ...], timeout: float | None, output: str) -> CommandFailedError:
    reason = f"took longer than {timeout or 0:g} s and was stopped"
    return CommandFailedError(command, code=None, output=output, reason=reason, timed_out=True)
