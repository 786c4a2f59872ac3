"""A load that switches on and off, like other work on the same machine."""

import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SHORTEST, LONGEST = 0.5, 3.0
"""Seconds of one period of work or rest."""


@contextmanager
def on_and_off(*, wanted: bool = True) -> Iterator[None]:
    """Let one process a core work and rest for random periods, until the block ends or this process is gone."""
    cores = sorted(os.sched_getaffinity(0)) if wanted else []
    workers = [
        multiprocessing.get_context("spawn").Process(target=_work_and_rest, args=(core, os.getpid()), daemon=True)
        for core in cores
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _work_and_rest(core: int, owner: int) -> None:
    os.sched_setaffinity(0, {core})
    rng = random.Random()  # noqa: S311 - no secret
    while _is_alive(owner):
        end = time.monotonic() + rng.uniform(SHORTEST, LONGEST)
        total = 0
        while time.monotonic() < end:
            total += sum(range(2000))
        time.sleep(rng.uniform(SHORTEST, LONGEST))


def _is_alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False
