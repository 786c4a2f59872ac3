"""Keep what belongs to this machine out of written code and files: paths, secrets, the user's home."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

LEAST = 8
"""Characters of a variable's value that may be a secret."""


class Secrets:
    """Texts that must not be written: `forms` of what prprep knows, and values of variables whose `names` match.

    prprep decides what a secret is. A process may set further variables, so names are matched when a text is looked at.
    """

    def __init__(self, forms: Iterable[str] = (), names: str = "") -> None:
        self._forms, self._names = tuple(forms), re.compile(names) if names else None

    def are_in(self, text: str) -> bool:
        if any(form in text for form in self._forms):
            return True
        variables = os.environ.items() if self._names else ()
        return any(len(value) >= LEAST and value in text and self._names.search(name) for name, value in variables)


def private_part(text: str, tree: str, secrets: Secrets) -> str:
    """Return what a text reveals of this machine, its user or the environment; "" if nothing."""
    home = os.path.expanduser("~")
    if len(home) > 1 and home in text:
        return "it names a folder of this machine's user"
    if tree + os.sep in text:
        return "it holds a path of this machine"
    return "it holds a secret of the environment" if secrets.are_in(text) else ""


def joined(texts: Iterable[str]) -> str:
    """Join texts to search them at once, since a search takes longer than most texts.

    Neither a path nor a variable can hold a NUL, so a match lies within one of the texts.
    """
    return "\0".join(texts)


def is_of_machine(text: str) -> bool:
    """Return whether a text is the absolute path of an existing file or folder; the root alone reveals nothing."""
    if not text.strip(os.sep) or len(text) > 4_096 or "\n" in text:
        return False
    return os.path.isabs(text) and os.path.exists(text)
