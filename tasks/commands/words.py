"""Read what doit's command line leaves unread."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import PrprepError
from ..text.markdown import plain

if TYPE_CHECKING:
    from doit.cmd_base import Command


def plainly(do: Callable[[], int]) -> int:
    """Run what can fail for reasons that the user can mend, and give its exit code; doit takes every error for a wrong command."""
    try:
        return do()
    except PrprepError as error:
        print(f"ERROR: {plain(str(error))}", file=sys.stderr)
        return error.exit_code


def options_anywhere(command: Command, values: dict[str, Any], words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Read options that stand behind the first word, too, where doit leaves them."""
    plain_words: list[str] = []
    while words:
        more, rest = command.cmdparser.parse(words)
        values = {**values, **{name: value for name, value in more.items() if value != command.cmdparser[name].default}}
        plain_words, words = [*plain_words, *rest[:1]], rest[1:]
    return values, plain_words
