"""`python -m tasks` in a checkout, `python -m prprep` and the command `prprep` of an installation."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; a signal during its import ends the process at once, without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # One that is ignored (nohup, a shell's background job) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _ended)
    if sys.path and sys.path[0] in {"", os.getcwd()} and __package__ in sys.modules:  # noqa: PTH109 - nothing is imported yet
        # `python -m` imports from the current folder first: from a project whose `numbers.py` is not Python's.
        del sys.path[0]
    from .processes import output

    output.prepare()  # before doit is imported, which remembers sys.stdout
    from .cli import main as run

    run()


def _ended(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal's signature
    # No exception: the import system drops those that come in its callbacks, and nothing is open yet.
    os._exit(128 + number)


if __name__ == "__main__":
    main()
