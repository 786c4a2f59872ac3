"""Keep what belongs to this machine out of written code and files: paths, secrets, the user's home."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

SECRET = re.compile(r"token|secret|passw|api_?key|credential|private", re.IGNORECASE)


def private_part(text: str, tree: str) -> str:
    """Return what a text reveals of this machine, its user or the environment; "" if nothing."""
    home = os.path.expanduser("~")
    if len(home) > 1 and home in text:
        return "it names a folder of this machine's user"
    if tree + os.sep in text:
        return "it holds a path of this machine"
    if any(SECRET.search(name) and len(value) > 7 and value in text for name, value in os.environ.items()):
        return "it holds a secret of the environment"
    return ""


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
