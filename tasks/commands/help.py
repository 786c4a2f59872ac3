"""`prprep help`: one page about prprep, one for every command, one for every stage."""

from collections.abc import Iterable
from typing import Any

from doit.cmd_base import Command
from doit.cmdparse import CmdOption
from doit.plugin import PluginDict
from rich.console import Console
from rich.table import Table

from ..graph.names import unknown_word
from ..pipeline import REPORT, STAGES
from ..text.tables import rendered
from . import MOST_USED, OTHER, TASKS
from .arguments import usage, visible_options
from .doit_commands import OPTION_HELP

INTRODUCTION = (
    "prprep turns finished optimizations into ready-to-merge performance pull requests. It finds or writes a "
    "benchmark for each, measures it before and after the change, and writes the pull request's body from the results."
)
_CLOSING = (
    "`prprep COMMAND --help` shows the options of a command, `prprep help STAGE` what a stage reads.\n"
    "Documentation: README.md and docs/ in prprep's repository. To begin, run `prprep init` in yours."
)


class Help(Command):  # type: ignore[misc]
    doc_usage = "[COMMAND|TASK]"
    doc_description = "`prprep COMMAND --help` and `-h` print the same page."
    example = "prprep help measure"
    only_prints = True

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
    print(rendered(INTRODUCTION, console.width))
    usage_rows = (
        ("prprep COMMAND [ARGUMENT ...] [OPTIONS]", ""),
        ("prprep [TASK ...] [OPTIONS]", "the same as `prprep run`"),
    )
    _section(console, "\nUsage", usage_rows)
    for group in (MOST_USED, TASKS, OTHER):
        _section(
            console, f"\n{group}", ((each.name, each.purpose) for each in commands.values() if each.group == group)
        )
    stages = ((stage.name, stage.doc) for stage in (*STAGES, REPORT))
    _section(console, "\nStages, each a task: STAGE runs it for all items, STAGE:ID for one", stages)
    print(rendered(f"\n{_CLOSING}", console.width))


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
        _page("prprep report [OPTIONS]", _sentence(REPORT.doc), options, "prprep report")
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
    _section(console, "Usage", [(form, "")])
    print(rendered(f"\n{about}", console.width))
    _section(console, "\nOptions", options)
    _section(console, "\nExample", [(example, "")])


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls it while it handles BrokenPipeError, and would end with exit code 1


def _console() -> Console:
    return _Console(markup=False, highlight=False, emoji=False)


def _section(console: Console, heading: str, rows: Iterable[tuple[str, str]]) -> None:
    console.print(f"{heading}:", style="bold")
    table = Table.grid(padding=(0, 2))
    for left, right in rows:
        table.add_row(f"  {left}", right)
    print(rendered(table, console.width))
