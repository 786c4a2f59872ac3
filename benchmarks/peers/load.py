"""A load that switches on and off, as other people's work on the same machine does."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SHORTEST, LONGEST = 0.5, 3.0
"""Seconds of a spell, of work or of rest."""


@contextmanager
def on_and_off(*, wanted: bool = True) -> Iterator[None]:
    """Let one process a core work and rest in spells drawn by lot, until the block ends or this process is gone."""
    cores = sorted(os.sched_getaffinity(0)) if wanted else []
    workers = [
        multiprocessing.get_context("spawn").Process(target=_spells, args=(core, os.getpid()), daemon=True)
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


def _spells(core: int, owner: int) -> None:
    os.sched_setaffinity(0, {core})
    lots = random.Random()  # noqa: S311 - no secret
    while _is_there(owner):
        end = time.monotonic() + lots.uniform(SHORTEST, LONGEST)
        total = 0
        while time.monotonic() < end:
            total += sum(range(2000))
        time.sleep(lots.uniform(SHORTEST, LONGEST))


def _is_there(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False
