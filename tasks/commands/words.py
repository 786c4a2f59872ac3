"""Read what doit's command line leaves unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doit.cmd_base import Command


def options_anywhere(command: Command, values: dict[str, Any], words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Read options that stand behind the first word, too, where doit leaves them."""
    plain_words: list[str] = []
    while words:
        more, rest = command.cmdparser.parse(words)
        values = {**values, **{name: value for name, value in more.items() if value != command.cmdparser[name].default}}
        plain_words, words = [*plain_words, *rest[:1]], rest[1:]
    return values, plain_words
