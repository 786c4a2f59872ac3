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


def enumeration(names: Iterable[str], most: int = 5, separator: str = ", ") -> str:
    """Join the first names, and count the others: `a, b and 3 more`."""
    names = list(names)
    more = len(names) - most
    return separator.join(names[:most]) + (f" and {more} more" if more > 0 else "")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar, ignoring case."""
    by_lower = {other.lower(): other for other in known}
    matches = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
