"""The command `prprep`: doit with prprep's own loader, and commands of its own."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from doit.cmd_base import Command
from doit.cmd_run import Run
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidDodoFile

from . import __version__, pipeline
from .errors import PrprepError, UsageError
from .graph.console import CONSOLE
from .graph.loader import ManifestLoader, graph_of
from .graph.reporter import PlainReporter
from .markdown import plain as without_escapes
from .paths import cache_folder

if TYPE_CHECKING:
    from types import FrameType

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
    """Give doit's command with our errors, under its own name."""
    return type(command.__name__, (PlainErrors, command), {"name": command.get_name()})


class RunAndReport(Run):  # type: ignore[misc]
    """doit's `run`; with one of doit's own reporters the table goes to standard error."""

    name = "run"

    def execute(self, params: Any, args: list[str]) -> int:  # noqa: ANN401 - doit's signature
        code: int = super().execute(params, args)
        reporter = params.get("reporter")
        if not (isinstance(reporter, type) and issubclass(reporter, PlainReporter)):
            print(self.loader.graph.summary(), file=sys.stderr)
        return code


class Schema(Command):  # type: ignore[misc]
    doc_purpose = "print the JSON Schema of prprep.yaml"
    doc_usage = ""
    doc_description = "Editors that read it complete and check the manifest while it is written."

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        from .manifest.schema import schema_text  # noqa: PLC0415 - the one command that needs it

        print(schema_text(), end="")
        return 0


class Explain(Command):  # type: ignore[misc]
    """Tell of one item, or of all, what is stale and why, or what failed."""

    doc_purpose = "say for an item what is stale and why, or what failed"
    doc_usage = "[ID ...]"
    doc_description = "Without an ID all items are told of. Nothing is run."
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from .explain import explanation  # noqa: PLC0415

        graph = graph_of(opt_values["manifest"])
        wanted = [graph.known(item_id) for item_id in pos_args] or list(graph.workspace.plan.items)
        print("\n\n".join(explanation(graph.workspace, graph.freshness, item_id, pipeline.NAMES) for item_id in wanted))
        return 0


class Doctor(Command):  # type: ignore[misc]
    """Run the checks that come before measuring, and print them as a checklist with the fixes."""

    doc_purpose = "check what measuring needs, without measuring"
    doc_usage = "[ID ...]"
    doc_description = "Builds the environments and runs each benchmark once on every side. Without an ID all items are checked."
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from .doctor import checklist, of_item, of_machine  # noqa: PLC0415

        graph = graph_of(opt_values["manifest"])
        # Before the manifest is held against its repository: without git that would be all that is said.
        well = checklist("machine", of_machine(cache_folder()), CONSOLE.print)
        wanted = [graph.known(item_id) for item_id in pos_args] or list(graph.workspace.plan.items)
        graph.begin()
        with CONSOLE.step("doctor") as report:
            for item_id in wanted:
                well = checklist(item_id, of_item(graph.workspace, graph.freshness, item_id, report), CONSOLE.print) and well
        graph.summary()
        return 0 if well else 1


class Lint(Command):  # type: ignore[misc]
    """Hold benchmark files against the rules."""

    doc_purpose = "hold benchmark files against the rules for benchmarks"
    doc_usage = "PATH ... [--fix] [--no-run]"
    doc_description = "PATH is a file, or a folder of them, of any project. Exit code 1 where something breaks a rule."
    cmd_options = (
        {"name": "fix", "long": "fix", "type": bool, "default": False, "help": "mend what has one right answer"},
        {"name": "read", "long": "no-run", "type": bool, "default": False, "help": "only read the files: no environment is built"},
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from . import lint_files  # noqa: PLC0415

        opt_values, paths = _anywhere(self, opt_values, pos_args)
        places = lint_files.files_of(paths)
        if not places:
            now = "write `prprep lint tests/benchmarks`; the step of all items is `prprep run lint`, that of one `prprep lint:ID`"
            raise UsageError("`lint` needs benchmark files", now=now)
        count = 0
        for place in places:
            subject = lint_files.Subject.of(place)
            if opt_values["fix"] and (done := lint_files.fix(subject)):
                print("\n".join(f"{place}: {each}" for each in done))
                continue
            with CONSOLE.step("lint") as report:
                found, notes = lint_files.lint(subject, cache=cache_folder(), run=not opt_values["read"], report=report)
            for line in lint_files.lines(subject, found, notes):
                CONSOLE.print(line)
            count += len(found)
        print(f"{len(places)} file{'s' if len(places) != 1 else ''}, {count} finding{'s' if count != 1 else ''}")
        return 1 if count else 0


def _anywhere(command: Command, values: dict[str, Any], words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Read options that stand behind the first word, too, where doit leaves them."""
    plain_words: list[str] = []
    while words:
        more, rest = command.cmdparser.parse(words)
        values = {**values, **{name: value for name, value in more.items() if value != command.cmdparser[name].default}}
        plain_words, words = [*plain_words, *rest[:1]], rest[1:]
    return values, plain_words


class Cache(Command):  # type: ignore[misc]
    """Show what is kept in the cache folder, or remove what is not needed."""

    doc_purpose = "show what is kept in the cache folder, or prune it"
    doc_usage = "[prune [--older-than DAYS] [--all] [--dry-run]]"
    doc_description = "All of it can be made again. `prune` without an option goes down to the limit (PRPREP_CACHE_LIMIT, 20 GiB)."
    cmd_options = (
        {"name": "days", "long": "older-than", "type": float, "default": -1.0, "help": "prune what was not used for so many days"},
        {"name": "all", "long": "all", "type": bool, "default": False, "help": "prune everything"},
        {"name": "dry", "long": "dry-run", "type": bool, "default": False, "help": "tell what would be removed, and remove nothing"},
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from . import cache, figures  # noqa: PLC0415

        if pos_args[1:]:  # doit reads options only before the first word
            opt_values, more = self.cmdparser.parse(pos_args[1:])
            pos_args = [pos_args[0], *more]
        if pos_args not in ([], ["prune"]):
            raise UsageError(f"`cache` has no {' '.join(pos_args)}", now="write `prprep cache` or `prprep cache prune`")
        folder, now = cache_folder(), time.time()
        things = cache.kept(folder)
        if not pos_args:
            print(cache.shown(folder, things, now=now))
            return 0
        doomed = cache.chosen(things, days=opt_values["days"], everything=opt_values["all"], now=now)
        if not opt_values["dry"]:
            doomed = cache.prune(folder, doomed, CONSOLE.line)
        verb = "would be removed" if opt_values["dry"] else "removed"
        print(f"{verb}: {len(doomed)} of {len(things)}, {figures.size(sum(each.size for each in doomed))}")
        return 0


class PrprepMain(DoitMain):  # type: ignore[misc]
    """doit's entry point under prprep's name, without the settings that a target's pyproject.toml has for doit."""

    BIN_NAME = "prprep"
    OWN_CMDS = Schema, Explain, Doctor, Lint, Cache
    DOIT_CMDS = tuple(plain(RunAndReport if command is Run else command) for command in (*DoitMain.DOIT_CMDS, *OWN_CMDS))

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
