"""Parse the arguments of a command: options anywhere, and one plain message for whatever does not fit."""

import getopt
from typing import Any

from doit.cmd_base import Command
from doit.cmdparse import CmdOption, CmdParseError

from ..errors import UsageError
from ..graph.names import suggestion
from ..text.messages import quoted

HELP = {"-h", "--help"}
_KINDS = {int: "a whole number", float: "a number"}


def parse(command: Command, arguments: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of the options and the positional arguments; raise UsageError."""
    parser = command.cmdparser
    values, _ = parser.parse([])
    try:
        options, positional = getopt.gnu_getopt(arguments, parser.get_short(), parser.get_long())
    except getopt.GetoptError as error:
        message = error.msg.replace("requires argument", "needs a value")
        known = [f"--{option.long}" for option in visible_options(command) if option.long]
        hint = suggestion(f"--{error.opt}", [*known, "--help"], "its options")
        raise UsageError(f"`prprep {command.name}`: {message}", hint=hint) from None
    for flag, text in options:
        option, is_inverse = parser.get_option(flag)
        if option.type is bool:
            values[option.name] = not is_inverse
        elif option.type is list:
            values[option.name] = [*values[option.name], _value(str, option, flag, text)]
        else:
            values[option.name] = _value(option.type, option, flag, text)
    _check_count(command, positional)
    return values, positional


def usage(command: Command) -> str:
    return " ".join(filter(None, ("prprep", command.name, command.doc_usage, "[OPTIONS]")))


def visible_options(command: Command) -> list[CmdOption]:
    """Return the options that a page shows, without those for doit's database, which prprep sets."""
    hidden = {"dep_file", "backend", "codec_cls", "check_file_uptodate", "auto_delayed_regex", "pdb"}
    return [
        option for option in command.cmdparser.options if option.name not in hidden and (option.short or option.long)
    ]


def _value(kind: type, option: CmdOption, flag: str, text: str) -> Any:
    if not text.strip():
        raise UsageError(f"{flag} has an empty value", hint="pass one, or leave the option out")
    try:
        return option.str2type(text) if kind is not str or option.choices else text
    except CmdParseError:
        if not option.choices:
            raise UsageError(f"{flag} is {quoted(text)}, must be {_KINDS[kind]}") from None
        raise UsageError(f"{flag} is {quoted(text)}", hint=suggestion(text, option.choices, "its values")) from None


def _check_count(command: Command, positional: list[str]) -> None:
    hint = f"usage: {usage(command)}"
    if not all(word.strip() for word in positional):
        raise UsageError(f"an argument of `prprep {command.name}` is empty", hint=hint)
    form = command.doc_usage
    if not positional and form and not form.startswith("["):
        raise UsageError(f"`prprep {command.name}` needs {form.removesuffix(' ...')}", hint=hint)
    most = len(positional) if "..." in form else 1 if form else 0
    if len(positional) > most:
        raise UsageError(f"`prprep {command.name}` got too many arguments: {' '.join(positional[most:])}", hint=hint)
