"""Parts of messages: values that are safe to print, and guesses at what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_QUOTE = 60


def printable_line(text: str) -> str:
    """Return text that is safe to print on one line: white space becomes blanks, unprintable characters U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else " " if character.isspace() else "\ufffd" for character in text
    )


def quoted(text: str) -> str:
    """Quote a value, cut to a readable length."""
    safe = printable_line(text)
    return f'"{safe[:_LONGEST_QUOTE]}…"' if len(safe) > _LONGEST_QUOTE else f'"{safe}"'


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar, ignoring case."""
    by_lower = {other.lower(): other for other in known}
    matches = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
