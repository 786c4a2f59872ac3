"""Read a program's output and write its input without deadlocks and with limited memory."""

import math
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

DRAIN_SECONDS: Final = 1.0
TICK_SECONDS: Final = 0.05


class Stream:
    """The output of one pipe: all of it, or its first and last `limit` bytes."""

    def __init__(self, limit: int | None) -> None:
        self._limit, self._head, self._tail, self._lost = limit, bytearray(), bytearray(), 0

    def add(self, chunk: bytes) -> None:
        room = len(chunk) if self._limit is None else max(0, self._limit - len(self._head))
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if self._limit is not None and len(self._tail) > 2 * self._limit:
            surplus = len(self._tail) - self._limit
            del self._tail[:surplus]
            self._lost += surplus

    def whole(self) -> bytes:
        gap = f"\n... {self._lost} bytes left out ...\n".encode() if self._lost else b""
        return bytes(self._head) + gap + bytes(self._tail)

    def text(self) -> str:
        return self.whole().decode(errors="replace")


def exchange(
    process: subprocess.Popen[bytes],
    streams: tuple[Stream, Stream],
    *,
    stdin: bytes,
    deadline: float,
    at_exit: Callable[[], None],
) -> None:
    """Read and write the pipes until all are closed; raise TimeoutExpired at `deadline` (of the monotonic clock).

    `at_exit` is called when the program itself has ended.
    """
    with selectors.DefaultSelector() as selector:
        for pipe, stream in zip((process.stdout, process.stderr), streams, strict=True):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, stream)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE, memoryview(stdin))
        ended = False
        while selector.get_map():
            for key, _ in selector.select(max(0.0, min(TICK_SECONDS, deadline - time.monotonic()))):
                _transfer(selector, key)
            if not ended and process.poll() is not None:
                # A grandchild may hold the pipes open: stop reading soon after the program has ended.
                ended, deadline = True, min(deadline, time.monotonic() + DRAIN_SECONDS)
                at_exit()
            if time.monotonic() >= deadline:
                break
    if not ended:
        _wait(process, max(0.0, deadline - time.monotonic()))


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for the end; if the system reports it, without the sleeps of `subprocess`: a millisecond a program."""
    with suppress(AttributeError, OSError):
        descriptor = os.pidfd_open(process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(descriptor, selectors.EVENT_READ)
                seconds = 1.0 if selector.select(seconds if math.isfinite(seconds) else None) else 0.0
        finally:
            os.close(descriptor)
    process.wait(seconds)


def _transfer(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    pipe: Any = key.fileobj
    try:
        if isinstance(key.data, Stream):
            if chunk := os.read(key.fd, 1 << 16):
                key.data.add(chunk)
                return
        elif rest := key.data[os.write(key.fd, key.data[: 1 << 16]) :]:
            selector.modify(pipe, selectors.EVENT_WRITE, rest)
            return
    except BlockingIOError:
        return
    except BrokenPipeError:
        pass
    selector.unregister(pipe)
    pipe.close()
