"""Exchange messages with a worker: one JSON object a line over two pipes that it inherits."""

import json
import os
import time
from contextlib import suppress
from multiprocessing import connection
from typing import Any, Self

VERSION = 1
"""Of the protocol; the same as in `prprep_worker.benchmark.plugin`."""

Message = dict[str, Any]


class ClosedError(Exception):
    """The worker is gone."""


class TimeLimitError(Exception):
    """The deadline passed before an answer came."""


class WorkerChannel:
    """Both pipes, seen from the coordinator; a context that closes them."""

    def __init__(self) -> None:
        self._their_read, self._out = os.pipe()
        self._in, self._their_write = os.pipe()
        self._rest = b""
        self._open = {self._their_read, self._out, self._in, self._their_write}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close(*self._open)

    @property
    def inherited(self) -> tuple[int, int]:
        """The descriptors that the worker reads from and writes to."""
        return self._their_read, self._their_write

    def close_worker_ends(self) -> None:
        """Close the ends that the worker has inherited, so that its death closes the pipes."""
        self._close(*self.inherited)

    def send(self, do: str, **fields: Any) -> None:
        message = json.dumps({"do": do, **fields}).encode() + b"\n"
        try:
            while message:
                message = message[os.write(self._out, message) :]
        except BrokenPipeError:
            raise ClosedError from None

    def receive(self, deadline: float | None) -> Message:
        """Wait for the next message until `deadline` (of the monotonic clock)."""
        while b"\n" not in self._rest:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not connection.wait([self._in], left):
                raise TimeLimitError
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                raise ClosedError
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        message: Message = json.loads(line)
        return message

    def _close(self, *descriptors: int) -> None:
        self._open.difference_update(descriptors)
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)
