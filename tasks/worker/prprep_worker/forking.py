"""Fork children that compute something and go; their `random` continues as the parent's would have."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

# Bound now: a test may replace what the module `os` offers.
_fork, _kill, _leave, _wait = getattr(os, "fork", None), os.kill, os._exit, os.waitpid
_pipe, _read, _write, _close = os.pipe, os.read, os.write, os.close
_exit_code = os.waitstatus_to_exitcode

CAN_FORK = _fork is not None
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER


class NoAnswerError(Exception):
    """A child gave no answer; the text is `late` or `broke`."""


def fork_child(run: Callable[[], int]) -> int:
    """Return the pid of a child that ends with the exit code that `run` returns, or with 1 if it raises."""
    # The module `random` seeds itself anew in a child; a benchmark that seeded it would get other numbers.
    random = sys.modules.get("random")
    state = random.getstate() if random else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns that threads do not come along
        pid = _fork()
    if pid:
        return pid
    code = 1
    try:
        if random:
            random.setstate(state)
        code = run()
    finally:
        _leave(code)


def adopt_orphans() -> bool:
    """Stay the ancestor of all descendants, also of those that outlive their parents (a daemon); return if it works.

    Only Linux can do it. A process keeps this through `exec`, but its forks do not inherit it.
    """
    try:
        import ctypes

        return ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0) == 0
    except (AttributeError, ImportError, OSError):
        return False


def exit_of_child(pid: int) -> int:
    """Wait for a child, and return its exit code, or the signal that ended it as a negative number."""
    return _exit_code(_wait(pid, 0)[1])


def answer_of_child(ask: Callable[[], Any], seconds: float) -> Any:
    """Return what `ask` returns in a forked child, as JSON; raise NoAnswerError if it dies, or after `seconds`."""
    readable, writable = _pipe()
    pid = fork_child(lambda: write_all(writable, json.dumps(ask()).encode()))
    _close(writable)
    try:
        answer = _receive(readable, seconds)
    finally:
        _close(readable)
        _kill(pid, signal.SIGKILL)
        _wait(pid, 0)
    if not answer:
        raise NoAnswerError("broke")
    return json.loads(answer)


def write_all(writable: int, message: bytes) -> int:
    while message:
        message = message[_write(writable, message) :]
    return 0


def _receive(readable: int, seconds: float) -> bytes:
    chunks = []
    # A child sends its whole answer at once: only the first part may keep us waiting.
    while select.select([readable], [], [], seconds)[0]:
        chunk = _read(readable, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    raise NoAnswerError("late")
