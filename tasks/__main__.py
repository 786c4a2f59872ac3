"""`python -m tasks` in a checkout, `python -m prprep` and the command `prprep` where it is installed."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType


def main() -> NoReturn:
    """Run the command line; a signal that comes while it is still being imported ends it without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # One that is ignored (nohup, a shell's background job) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _ended)
    from .cli import main as run  # noqa: PLC0415 - a quarter of a second, in which people press Ctrl-C

    run()


def _ended(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal's signature
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
