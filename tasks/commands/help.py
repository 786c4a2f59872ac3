"""`prprep help`: one page about prprep, one for every command, one for every stage."""

from collections.abc import Iterable
from typing import Any

from doit.cmd_base import Command
from doit.cmdparse import CmdOption
from doit.plugin import PluginDict
from rich.console import Console
from rich.table import Table

from ..graph.names import unknown_word
from ..pipeline import STAGES
from . import MOST_USED, OTHER, TASKS
from .arguments import usage, visible_options
from .doit_commands import OPTION_HELP

INTRODUCTION = (
    "prprep turns optimizations already made into ready-to-merge performance pull requests. It finds or writes a "
    "benchmark for each, measures it before and after the change, and writes the pull request's body from the results."
)
_REPORT = "write report.md, the table of all items"


class Help(Command):  # type: ignore[misc]
    doc_usage = "[COMMAND|TASK]"
    doc_description = "`prprep COMMAND --help` and `-h` print the same page."
    example = "prprep help measure"

    def __init__(self, cmds: PluginDict, **settings: Any) -> None:
        super().__init__(**settings)
        self._commands, self._settings = cmds, settings

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        if not pos_args:
            main_page(self._commands)
        elif pos_args[0] in self._commands:
            command = self._commands.get_plugin(pos_args[0])
            command_page(command(cmds=self._commands, **self._settings))
        else:
            task_page(pos_args[0], self._commands)
        return 0


def main_page(commands: PluginDict) -> None:
    console = _console()
    console.print(INTRODUCTION)
    _heading(console, "Usage")
    _rows(
        console,
        (("prprep COMMAND [ARGUMENT ...] [OPTIONS]", ""), ("prprep [TASK ...] [OPTIONS]", "the same as `prprep run`")),
    )
    for group in (MOST_USED, TASKS, OTHER):
        _heading(console, group)
        _rows(console, ((entry.name, entry.purpose) for entry in commands.values() if entry.group == group))
    _heading(console, "Stages, each a task: STAGE runs it for all items, STAGE:ID for one")
    _rows(console, (*((stage.name, stage.doc) for stage in STAGES), ("report", _REPORT)))
    console.print("\n`prprep COMMAND --help` shows the options of a command, `prprep help STAGE` what a stage reads.")
    console.print("Documentation: README.md and docs/ in prprep's repository. To begin, run `prprep init` in yours.")


def command_page(command: Command) -> None:
    options = [(option_form(option), _option_help(option)) for option in visible_options(command)]
    about = f"{_sentence(command.doc_purpose)} {command.doc_description}"
    _page(usage(command), about, (*options, ("-h, --help", "show this page")), command.example)


def task_page(name: str, commands: PluginDict) -> None:
    """Print the page of a stage; raise UsageError for a name that is neither a command nor a task."""
    stage_name, _, item = name.partition(":")
    stage = next((stage for stage in STAGES if stage.name == stage_name), None)
    options = (("those of `prprep run`", "see `prprep run --help`"),)
    if stage:
        reads = f" It reads what {', '.join(stage.reads)} wrote." if stage.reads else ""
        form = f"{stage_name}:{item}" if item else f"{stage_name}[:ID]"
        about = f"{_sentence(f'{stage.doc}, for each item')}{reads}"
        _page(f"prprep {form} [OPTIONS]", about, options, f"prprep {stage_name}:{item or 'ID'}")
    elif name == "report":
        _page("prprep report [OPTIONS]", f"{_sentence(_REPORT)}", options, "prprep report")
    else:
        raise unknown_word(name, commands)


def option_form(option: CmdOption) -> str:
    """Format an option: `-m, --manifest FILE`."""
    forms = [
        f"-{option.short}" if option.short else "",
        *(f"--{long}" for long in (option.long, option.inverse) if long),
    ]
    return ", ".join(filter(None, forms)) + ("" if option.type is bool else f" {option.metavar}")


def _option_help(option: CmdOption) -> str:
    text = OPTION_HELP.get(option.name, option.help)
    return f"{text}: {', '.join(option.choices)}" if option.choices else text


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _page(form: str, about: str, options: Iterable[tuple[str, str]], example: str) -> None:
    console = _console()
    _heading(console, "Usage", before="")
    _rows(console, ((form, ""),))
    console.print(f"\n{about}")
    _heading(console, "Options")
    _rows(console, options)
    _heading(console, "Example")
    _rows(console, ((example, ""),))


def _console() -> Console:
    return Console(markup=False, highlight=False, emoji=False)


def _heading(console: Console, text: str, *, before: str = "\n") -> None:
    console.print(f"{before}{text}:", style="bold")


def _rows(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for left, right in rows:
        table.add_row(f"  {left}", right)
    console.print(table)
