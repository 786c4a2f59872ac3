"""Refuse names that do not exist, and suggest the name that was probably meant and the existing ones."""

from collections.abc import Iterable

from ..errors import UsageError
from ..pipeline import NAMES
from ..text.messages import enumeration, nearest, quoted

TASKS = (*NAMES, "report")
_MOST_LISTED = 16


def suggestion(name: str, known: Iterable[str], what: str, *, prefix: str = "") -> str:
    """Return the hint for an unknown name; `prefix` goes before the name that was probably meant."""
    names = list(known)
    listed = f"{what}: {enumeration(names, _MOST_LISTED) or 'none'}"
    meant = nearest(name, names)
    return f"did you mean {prefix}{meant}?\n  {listed}" if meant else listed


def unknown_word(word: str, commands: Iterable[str] = ()) -> UsageError:
    """Return the error for a word that is not a task, nor one of the `commands`, if these are allowed too."""
    commands = sorted(commands)
    if word in commands:
        return UsageError(f"`{word}` is a command and must come first", hint=f"write `prprep {word} ...`")
    stage, colon, item = word.partition(":")
    meant = nearest(stage, TASKS if colon else (*commands, *TASKS))
    full = meant if meant == stage else f"{meant}{colon}{item}"
    hint = f"did you mean {full}?\n  " if meant else ""
    hint += f"commands: {', '.join(commands)}\n  " if commands else ""
    kind = "neither a command nor a task" if commands else "not a task"
    return UsageError(f"{quoted(word)} is {kind}", hint=f"{hint}tasks: {', '.join(TASKS)}")


def may_be_task(word: str) -> bool:
    """Return whether a manifest could have this task, pattern or file that a task writes."""
    return word.startswith("-") or word.partition(":")[0] in TASKS or not {".", "/", "*"}.isdisjoint(word)
