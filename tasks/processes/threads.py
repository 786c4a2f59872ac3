"""Do something in a thread that a run does not wait for if it is interrupted."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_T = TypeVar("_T")


def in_thread(work: Callable[[], _T]) -> Future[_T]:
    """Start `work` in a thread of its own, and return what will have its result, or the error that it raises.

    Unlike those of an executor the thread does not keep the process from ending.
    """
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
