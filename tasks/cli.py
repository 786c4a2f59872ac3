"""The command `prprep`: doit's main loop with prprep's loader, commands, help pages and errors."""

import atexit
import getopt
import platform
import signal
import sys
import traceback
from contextlib import redirect_stdout
from types import FrameType
from typing import NoReturn

from doit.cmd_base import Command, get_loader
from doit.cmdparse import CmdOption, CmdParse, CmdParseError
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask
from doit.plugin import PluginDict

from . import __version__
from .commands import ENTRIES
from .commands.arguments import HELP, parse
from .errors import PrprepError, SystemCallError
from .graph.loader import JSON, ManifestLoader
from .graph.names import may_be_task, unknown_word
from .processes import output, secrets
from .text.markdown import plain

DEFECT, WRONG, INTERRUPTED, UNREAD = 2, 3, 130, 141
"""Of these the last two are what a shell makes of SIGINT and SIGPIPE."""
_KEPT = "finished work is kept, and the next run continues from there"
_JSON = f"--{JSON['long']}"
REPEAT_SECONDS = 10.0
"""Seconds after which a run that did not end on a signal gets it again: longer than its processes take to end."""


class PrprepMain(DoitMain):  # type: ignore[misc]
    """doit's entry point under prprep's name, without the settings that a project's pyproject.toml has for doit."""

    BIN_NAME = "prprep"

    def __init__(self) -> None:
        super().__init__(ManifestLoader(), config_filenames=())
        self._command: Command | None = None
        self._error: Exception | None = None

    def get_cmds(self) -> PluginDict:
        return PluginDict({entry.name: entry for entry in ENTRIES})

    def run(self, all_args: list[str]) -> int:
        """Run a command and return its exit code; every mistake of the user is one plain message."""
        if HELP.isdisjoint(all_args) and any(len(word) > 2 and _JSON.startswith(word) for word in all_args):
            return self._run_for_json(all_args)
        return self._run_plainly(all_args)

    def _run_for_json(self, all_args: list[str]) -> int:
        """Keep standard output for one document, which is written however the command ends."""
        stdout, ended = sys.stdout, None
        with redirect_stdout(sys.stderr):
            try:
                code = self._run_plainly(all_args)
            except (SystemExit, KeyboardInterrupt) as error:
                ended, code = error, INTERRUPTED if isinstance(error, KeyboardInterrupt) else int(error.code or 0)
                if code > 128:
                    self._error = PrprepError("interrupted", hint=_KEPT)
            from .json_output.document import document_text

            command = self._command.name if self._command else ""
            text = document_text(command, self.task_loader.answer, code=code, error=self._error)
        try:
            stdout.write(text)
            stdout.flush()
        except BrokenPipeError:
            return _unread(self._command)
        except OSError as error:
            return self._refused(error)
        if ended:
            raise ended
        return code

    def _run_plainly(self, all_args: list[str]) -> int:
        try:
            if all_args[:1] == ["--version"]:
                print(f"prprep {__version__} ({_what_it_runs_on()})", flush=True)
                return 0
            return self._run(all_args) or 0
        except BrokenPipeError:
            return _unread(self._command)
        except Exception as error:  # noqa: BLE001 - the only handler of errors outside of tasks
            if (ended := _ended_before(error)) and not isinstance(error, PrprepError):
                raise ended from None
            return self._refused(error)

    def _run(self, all_args: list[str]) -> int | None:
        commands = self.get_cmds()
        loader = get_loader(self.config, self.task_loader, commands)
        name, arguments = _command_name(all_args, loader, commands)
        if not HELP.isdisjoint(arguments):
            topic = name or arguments[0]
            name, arguments = "help", [] if topic.startswith("-") else [topic]
        elif not name and arguments and arguments[0].strip() and not may_be_task(arguments[0]):
            # Checked before looking for a manifest: a misspelled command is reported without one too.
            raise unknown_word(arguments[0], commands)
        self._command = command = commands.get_plugin(name or "run")(
            task_loader=loader, config=self.config, bin_name=self.BIN_NAME, cmds=commands
        )
        command.answer = self.task_loader.answer
        values, positional = parse(command, arguments)
        try:
            code: int | None = command.execute(values, positional)
            sys.stdout.flush()
        except PrprepError as error:
            if not getattr(command, "may_fail", False):
                raise
            return self._refused(error, error.exit_code)
        return code

    def _refused(self, error: Exception, code: int = WRONG) -> int:
        match error:
            case InvalidDodoFile(__cause__=PrprepError() as cause):
                self._error = cause
            case OSError():
                self._error = SystemCallError(error)
            case PrprepError() | CmdParseError() | InvalidCommand() | InvalidDodoFile() | InvalidTask():
                self._error = error
            case _:
                output.say(secrets.masked("".join(traceback.format_exception(error)).rstrip()))
                hint = "please report it with the lines above"
                code, self._error = DEFECT, PrprepError("this is a defect of prprep", hint=hint)
        output.say(f"ERROR: {plain(secrets.masked(str(self._error))).rstrip()}")
        return code


def _command_name(arguments: list[str], loader: ManifestLoader, commands: PluginDict) -> tuple[str | None, list[str]]:
    """Split off the name of the command, which options of the manifest may precede; None without one."""
    parser = CmdParse([CmdOption(option) for option in (*loader.cmd_options, JSON)])
    try:
        _, rest = getopt.getopt(arguments, parser.get_short(), parser.get_long())
    except getopt.GetoptError:
        return None, arguments
    if not rest or rest[0] not in commands:
        return None, arguments
    return rest[0], [*arguments[: len(arguments) - len(rest)], *rest[1:]]


def _what_it_runs_on() -> str:
    from importlib import metadata

    packages = ", ".join(f"{name} {metadata.version(name)}" for name in ("doit", "memray", "pytest-benchmark"))
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; {packages}"


def _ended_before(error: BaseException | None) -> BaseException | None:
    """Return the exit by a signal that an error replaced, such as one of doit's database while it is being closed."""
    while error := error and error.__context__:
        by_signal = isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128
        if by_signal or isinstance(error, KeyboardInterrupt):
            return error
    return None


def _unread(command: Command | None) -> int:
    """Return the exit code if the reader of our output left before its end, as in `prprep | head -1`."""
    output.discard(sys.stdout)
    if command is None or getattr(command, "only_prints", False):
        return 0
    output.say(f"nobody reads the output any more; {_KEPT}")
    return UNREAD


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
        output.say(f"\ninterrupted; {_KEPT}")
        code = INTERRUPTED
    # In the interpreter's last steps a signal would only print a traceback, or replace the exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal's signature
    # Python drops an exception that is raised in a callback, and with it the signal: repeat it until the run has ended.
    signal.signal(signal.SIGALRM, lambda *_: _terminated(number, None))
    signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS)
    # In the interpreter's last steps the timer would end the process with another code.
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
    # Unwinding ends the process groups of both sides; the default action would leave them running.
    sys.exit(128 + number)
