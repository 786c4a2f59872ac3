"""Run programs: never a shell, each in a session of its own, whose whole group ends with the call.

plumbum starts them. Its `local.cwd` and `local.env` contexts are not safe with threads, it adds the environment it
was imported in to the one it is given, and its time limit waits for grandchildren that hold the pipe; so folder and
environment are given explicitly, and waiting, limits and killing are done here.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ..errors import CommandFailedError
from .reaper import REAPER
from .streams import Stream, exchange, opened

if TYPE_CHECKING:
    from plumbum.machines.local import LocalCommand

    Popen = subprocess.Popen[bytes]

STREAM_LIMIT: Final = 1 << 20
"""Bytes kept of the beginning, and as many of the end, of either stream of `run`."""

GRACE_SECONDS: Final = 2.0

PRIVATE_PREFIXES: Final = (
    *(
        "GIT_",
        "PYTHON",
        "PYTEST_",
        "COV_",
        "COVERAGE_",
        "CONDA_",
        "VIRTUAL_ENV",
        "UV_PROJECT",
        "UV_RUN_",
        "PRPREP_",
        "__PYVENV_",
    ),
    *("COLUMNS", "LINES"),  # a width of lines would break messages that are recognised
)

SECRETS: Final = (
    *("*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*PASSPHRASE*", "*PASSFILE*", "*CREDENTIAL*"),
    *("*API_KEY*", "*APIKEY*", "*PRIVATE_KEY*"),
    *("*_KEY", "*_KEY_ID", "*_PAT", "*_PWD", "*_AUTH", "*_DSN", "*_COOKIE", "*AUTH_CONFIG*", "*CONNECTION_STRING*"),
    *("AWS_*", "AZURE_*", "GCP_*", "GH_*", "GITHUB_*", "GITLAB_*", "VAULT_*", "TWINE_*"),
    *(
        "SSH_AUTH_SOCK",
        "SSH_AGENT_PID",
        "GPG_AGENT_INFO",
        "DBUS_SESSION_BUS_ADDRESS",
        "KRB5CCNAME",
        "KUBECONFIG",
        "NETRC",
    ),
)
"""Variables that hold secrets or lead to them, by the form of their names in capitals; the target's code gets none of them."""

NOT_SECRETS: Final = ("TOKENIZERS_*", "MAX_TOKENS")
"""Names that only look like secrets, and change what code does."""

INSTALLERS: Final = ("UV_*", "PIP_*", "*_PROXY", "*_proxy", "NETRC", "SSH_AUTH_SOCK")
"""What uv needs to get at private indexes and repositories, secret or not."""

_ADDRESS_WITH_PASSWORD: Final = re.compile(r"\w://[^/\s@]*:[^/\s@]+@|https?://[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class CompletedProgram:
    """A program that ended; the streams are decoded with replacement, their middle left out where very long."""

    command: tuple[str, ...]
    code: int
    output: str
    error: str


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: bytes = b"",
    check: bool = True,
    log: Path | None = None,
) -> CompletedProgram:
    """Run `command` to its end; `env` is the whole environment, `log` gets everything it writes.

    Raises CommandFailedError where it cannot start or outlives `timeout` (seconds), and, with `check`,
    where its exit code is not 0.
    """
    output, error = Stream(STREAM_LIMIT), Stream(STREAM_LIMIT)
    with opened(log) as copy:
        output.copy = error.copy = copy
        code = _complete(command, (output, error), cwd=cwd, env=env, timeout=timeout, stdin=stdin)
    finished = CompletedProgram(_words(command), code, output.text(), error.text())
    if check and code != 0:
        raise CommandFailedError(finished.command, code=code, output=finished.output, error=finished.error)
    return finished


def run_bytes(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: bytes = b"",
) -> bytes:
    """Run `command` and give all that it wrote to its standard output; raises as `run` does."""
    output, error = Stream(None), Stream(STREAM_LIMIT)
    code = _complete(command, (output, error), cwd=cwd, env=env, timeout=timeout, stdin=stdin)
    if code != 0:
        raise CommandFailedError(_words(command), code=code, output="", error=error.text())
    return output.whole()


class RunningProgram:
    """A program that runs beside us; both of its streams go to one file."""

    def __init__(self, command: tuple[str, ...], process: Popen, written: Path) -> None:
        self.command, self.pid = command, process.pid
        self._process, self._written = process, written

    def poll(self) -> int | None:
        """Return the exit code (negative for a signal), None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raise CommandFailedError where it takes longer than `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise _too_long(self.command, timeout, self.tail()) from None

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of what it has written so far."""
        try:
            with self._written.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - 400 * lines))
                written = stream.read()
        except OSError:
            return ""
        return "\n".join(written.decode(errors="replace").splitlines()[-lines:])


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below one, by Linux's /proc; those that end meanwhile are left out."""
    with suppress(OSError):
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, listed.read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)


@contextmanager
def start(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    log: Path | None = None,
) -> Iterator[RunningProgram]:
    """Run `command` beside us until the block ends; its whole group ends with the block, however that ends.

    What it writes goes to the end of `log`. Stay in the thread that started it: on Linux the program is killed
    when that thread ends (so that it does not outlive a killed prprep).
    """
    with tempfile.TemporaryDirectory(prefix="prprep-") as scratch:
        written = log or Path(scratch) / "output"
        with opened(written) as sink:
            process = _launch(
                command, cwd=cwd, env=env, pass_fds=tuple(pass_fds), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )
        try:
            yield RunningProgram(_words(command), process, written)
        finally:
            _end(process)


def target_environment(extra: Mapping[str, str] | None = None, *, passed: Collection[str] = ()) -> dict[str, str]:
    """Return the environment for the target's own code: ours without secrets and without what is about our Python, git, tests and terminal.

    `passed` names variables that are handed over whatever they hold; `extra` comes on top.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if name in passed or not (name.startswith(PRIVATE_PREFIXES) or is_secret(name, value))
    }
    return own | dict(extra or {})


def installer_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for uv: that of the target's code, with what uv needs to get at private packages."""
    needed = {name for name in os.environ if not name.startswith(PRIVATE_PREFIXES) and _has_form(name, INSTALLERS)}
    return target_environment(extra, passed=needed)


def is_secret(name: str, value: str) -> bool:
    """Return whether a variable looks like a secret: by its name, or as an address with a password in it."""
    named = _has_form(name.upper(), SECRETS) and not _has_form(name.upper(), NOT_SECRETS)
    return named or _ADDRESS_WITH_PASSWORD.search(value) is not None


def _has_form(name: str, forms: Sequence[str]) -> bool:
    return any(fnmatchcase(name, form) for form in forms)


# -- processes ------------------------------------------------------------------------------------


def _complete(
    command: Sequence[str | Path],
    streams: tuple[Stream, Stream],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    timeout: float | None,
    stdin: bytes,
) -> int:
    process = _launch(command, cwd=cwd, env=env, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)
    deadline = time.monotonic() + timeout if timeout is not None else float("inf")
    try:
        exchange(process, streams, stdin=stdin, deadline=deadline, when_over=lambda: _signal(process, signal.SIGKILL))
    except subprocess.TimeoutExpired:
        _end(process)
        raise _too_long(_words(command), timeout, streams[1].text() or streams[0].text()) from None
    finally:
        _end(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
    return process.wait()


def _launch(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    pass_fds: tuple[int, ...] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: IO[bytes] | int | None = subprocess.PIPE,
    stderr: IO[bytes] | int | None = subprocess.PIPE,
) -> Popen:
    words = _words(command)
    environment = dict(os.environ if env is None else env)
    if not cwd.is_dir():
        raise _not_started(words, f"could not start: the folder {cwd} is not there")
    program = _program(words, cwd, environment)
    leash, arguments = _leash(), words[1:]
    # setpriv would hand a file that the kernel cannot run to a shell; without it that is an error, as it should be.
    if leash and _is_executable_format(program):
        program, arguments = leash[0], (*leash[1:], program, *words[1:])
    try:
        popen: Any = _command(program).popen(
            arguments,
            cwd=str(cwd.absolute()),
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            new_session=True,
            close_fds=True,
            pass_fds=pass_fds,
        )
    except (OSError, ValueError) as error:
        raise _not_started(words, f"could not start: {getattr(error, 'strerror', None) or error}") from None
    process: Popen = popen
    if words[0] != "git":  # What git starts ends by itself when git does; and a run with nothing to do asks git alone.
        REAPER.add(process.pid)
    return process


def _program(words: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> str:
    """Find the program as the operating system would, with `env`'s PATH, from `cwd`; raise where it is not there."""
    name = words[0]
    folders = [""] if "/" in name else env.get("PATH", os.defpath).split(os.pathsep)
    candidates = [os.path.join(cwd.absolute(), folder, name) for folder in folders]  # noqa: PTH118 - Path would drop `..`
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):  # noqa: PTH113
            return candidate
    if any(map(os.path.isfile, candidates)):
        raise _not_started(words, "may not be executed", hint=f"make it executable: chmod +x {candidates[0]}")
    raise _not_started(words, "was not found", hint=f"install {name}, or put its folder on PATH")


def _is_executable_format(program: str) -> bool:
    try:
        with open(program, "rb") as stream:  # noqa: PTH123 - a path that Path would rewrite
            return stream.read(4).startswith((b"#!", b"\x7fELF"))
    except OSError:
        return False


@cache
def _leash() -> tuple[str, ...]:
    """Return what makes Linux kill a child when we die (`kill -9` leaves us no time to do it), nothing elsewhere.

    prctl in a preexec_fn would not be safe with threads; util-linux's setpriv does it after the fork and
    then becomes the program. It holds for the program itself, not for what that starts, and not for the
    millisecond before. busybox's setpriv cannot.
    """
    for folder in ("/usr/bin", "/bin"):
        leash = (f"{folder}/setpriv", "--pdeathsig", "KILL", "--")
        if os.access(leash[0], os.X_OK):
            return (
                leash if subprocess.run([*leash, "/bin/true"], capture_output=True, check=False).returncode == 0 else ()
            )
    return ()


def _command(program: str) -> LocalCommand:
    from plumbum import LocalPath

    return _bare_command()(LocalPath(program))


@cache
def _bare_command() -> type[LocalCommand]:
    """Return plumbum's command on a machine that adds no variables of its own to what it is given."""
    from plumbum.machines.local import LocalCommand, LocalMachine

    class Machine(LocalMachine):
        env: Any = {}  # noqa: RUF012 - plumbum's own is a snapshot of our environment

    class Command(LocalCommand):
        machine: Any = Machine()

    return Command


def _end(process: Popen) -> None:
    """End the whole group: politely while the program runs, then for certain."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    REAPER.remove(process.pid)
    process.wait()


def _signal(process: Popen, number: int) -> None:
    # macOS answers EPERM for a group of which only dead members are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _words(command: Sequence[str | Path]) -> tuple[str, ...]:
    return tuple(map(str, command))


def _not_started(words: tuple[str, ...], reason: str, *, hint: str = "") -> CommandFailedError:
    return CommandFailedError(words, code=None, reason=reason, hint=hint)


def _too_long(words: tuple[str, ...], timeout: float | None, output: str) -> CommandFailedError:
    return CommandFailedError(
        words, code=None, output=output, reason=f"took longer than {timeout or 0:g} s and was stopped", timed_out=True
    )
