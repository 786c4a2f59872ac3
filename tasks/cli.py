"""The command `prprep`: doit with prprep's own loader, and commands of its own."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from doit.cmd_run import Run
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidDodoFile

from . import __version__, commands
from .errors import PrprepError
from .graph.loader import ManifestLoader
from .graph.reporter import PlainReporter
from .text.markdown import plain as without_escapes

if TYPE_CHECKING:
    from doit.cmd_base import Command

INTERRUPTED = 130
INSISTENCE = 10.0
"""Seconds after which a run that was asked to end, and has not, is asked again: longer than its processes take to end."""


class PlainErrors:
    """What doit would show as a traceback, and is no defect: a closed pipe, a full disk, a folder that is read-only."""

    def parse_execute(self, arguments: list[str]) -> int:
        try:
            code: int = super().parse_execute(arguments)  # type: ignore[misc]
        except BrokenPipeError:
            # Whoever read our output has seen enough, as in `prprep list | head`; nothing more can be written there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except PrprepError as error:
            raise InvalidDodoFile(without_escapes(str(error))) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise InvalidDodoFile(f"{where}{error.strerror or error}\n  mend that, then run again") from None
        return code


def plain(command: type[Command]) -> type[Command]:
    """Return doit's command with our errors, under its own name."""
    return type(command.__name__, (PlainErrors, command), {"name": command.get_name()})


class RunAndReport(Run):  # type: ignore[misc]
    """doit's `run`; with one of doit's own reporters the table goes to standard error."""

    name = "run"

    def execute(self, params: Any, args: list[str]) -> int:
        code: int = super().execute(params, args)
        reporter = params.get("reporter")
        if not (isinstance(reporter, type) and issubclass(reporter, PlainReporter)):
            print(self.loader.graph.summary(), file=sys.stderr)
        return code


class PrprepMain(DoitMain):  # type: ignore[misc]
    """doit's entry point under prprep's name, without the settings that a target's pyproject.toml has for doit."""

    BIN_NAME = "prprep"
    DOIT_CMDS = tuple(
        plain(RunAndReport if command is Run else command) for command in (*DoitMain.DOIT_CMDS, *commands.OWN)
    )

    def __init__(self) -> None:
        super().__init__(ManifestLoader(), config_filenames=())

    @staticmethod
    def print_version() -> None:
        print(f"prprep {__version__}")


def main() -> NoReturn:
    """Run the command line; exit codes are doit's: 0 done, 1 failed, 2 a defect, 3 a wrong manifest or command."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminated)
    if sys.argv[0].endswith("__main__.py"):
        sys.argv[0] = PrprepMain.BIN_NAME  # the name that `tabcompletion` completes
    try:
        code = PrprepMain().run(sys.argv[1:])
    except KeyboardInterrupt:
        print("\ninterrupted; what was done is kept, and the next run goes on from there", file=sys.stderr)
        code = INTERRUPTED
    except PrprepError as error:
        print(f"ERROR: {without_escapes(str(error))}", file=sys.stderr)
        code = error.exit_code
    # All is done and told: in the interpreter's last steps a signal would only print a traceback, or take the exit code's place.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal's signature
    # Python drops an exception that comes in a callback, and with it the signal: until the run has ended, once more.
    signal.signal(signal.SIGALRM, lambda *_: _terminated(number, None))
    signal.setitimer(signal.ITIMER_REAL, INSISTENCE)
    # Unwinding ends the process groups of both sides; the default action would leave them running.
    sys.exit(128 + number)
