"""Our own standard streams: one that is closed, full or not Unicode must not end the work."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_SPELLED = {
    "−": "-", "–": "-", "—": "-", "─": "-", "━": "-", "│": "|", "┃": "|", "…": "...", "→": "->", "×": "x", "·": ".",  # noqa: RUF001
    "•": "*", "±": "+/-", "≈": "~", "“": '"', "”": '"', "‘": "'", "’": "'", "µ": "u", "μ": "u", "²": "2",  # noqa: RUF001
    "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
_ERRORS = "prprep-spelled"


def prepare() -> None:
    """Open closed streams on the null device, and let both outputs spell what their encoding lacks.

    Otherwise the next file that is opened gets the number of the closed stream, and messages are written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # POSIX opens the lowest free number.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003
        if getattr(sys, name) is None:
            stream = open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    codecs.register_error(_ERRORS, _spelled)
    for output in (sys.stdout, sys.stderr):
        if reconfigure := getattr(output, "reconfigure", None):
            reconfigure(errors=_ERRORS)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Spell characters in ASCII: typographic ones as a typewriter does, others as Python escapes them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(
        _SPELLED.get(each) or each.encode("ascii", "backslashreplace").decode() for each in characters
    ), error.end


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line to a stream, standard error by default, at once; one that cannot be written to is no error."""
    stream = stream or sys.stderr
    try:
        print(text, file=stream, flush=True)
    except (OSError, ValueError):
        discard(stream)


def discard(stream: TextIO) -> None:
    """Send a stream's unwritten and later output to the null device."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()
