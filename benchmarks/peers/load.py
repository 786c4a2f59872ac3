"""Load on the machine, like that of other work on it."""

import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from itertools import count
from pathlib import Path

from tasks.environments.installer import uv_program
from tasks.processes.cores import other_cores

CHECKOUT = Path(__file__).resolve().parents[2]

SHORTEST, LONGEST = 0.5, 3.0
"""Seconds of one period of work or rest."""
HOG_BYTES = 64 << 20
"""More than any cache."""


def on_every_core(work: Callable[[set[int], int], None]) -> AbstractContextManager[None]:
    """Let one process a core do `work(cores, owner)` until the block ends or this process is gone."""
    return _working(work, [{core} for core in os.sched_getaffinity(0)])


def beside(work: Callable[[set[int], int], None]) -> AbstractContextManager[None]:
    """Let a single process that may use any core do `work(cores, owner)` until the block ends."""
    return _working(work, [os.sched_getaffinity(0)])


@contextmanager
def _working(work: Callable[[set[int], int], None], places: Sequence[set[int]]) -> Iterator[None]:
    workers = [
        multiprocessing.get_context("spawn").Process(target=work, args=(cores, os.getpid()), daemon=True)
        for cores in places
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _compute(cores: set[int], owner: int) -> None:
    os.sched_setaffinity(0, cores)
    while _is_alive(owner):
        _compute_for(1.0)


def _compute_and_rest(cores: set[int], owner: int) -> None:
    os.sched_setaffinity(0, cores)
    rng = random.Random()  # noqa: S311 - no secret
    while _is_alive(owner):
        _compute_for(rng.uniform(SHORTEST, LONGEST))
        time.sleep(rng.uniform(SHORTEST, LONGEST))


def _copy_memory(cores: set[int], owner: int) -> None:
    os.sched_setaffinity(0, cores)
    source, target = bytearray(HOG_BYTES), bytearray(HOG_BYTES)
    while _is_alive(owner):
        for _ in range(20):
            target[:] = source


@contextmanager
def setting_up() -> Iterator[None]:
    """Do what prprep does for the next item meanwhile, on the cores that measuring leaves free."""
    with (
        tempfile.TemporaryDirectory(prefix="prprep-load-", ignore_cleanup_errors=True) as folder,
        _working(partial(_set_up, Path(folder)), [set(other_cores())]),
    ):
        yield


def _set_up(folder: Path, cores: set[int], owner: int) -> None:
    os.sched_setaffinity(0, cores)
    uv = uv_program()
    for number in count():
        environment, clone = folder / f"environment{number}", folder / f"clone{number}"
        for command in (
            (uv, "venv", environment),
            (uv, "pip", "install", "--python", environment, "pytest", "pytest-benchmark", "jinja2"),
            (environment / "bin/python", "-m", "compileall", "-q", environment / "lib"),
            ("git", "clone", "--quiet", "--no-local", CHECKOUT, clone),
        ):
            if not _is_alive(owner):
                return
            subprocess.run(command, check=False, capture_output=True)
        shutil.rmtree(environment, ignore_errors=True)
        shutil.rmtree(clone, ignore_errors=True)


def _compute_for(seconds: float) -> None:
    end, total = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        total += sum(range(2000))


def _is_alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


LOADS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "quiet": nullcontext,
    "beside": partial(beside, _compute),
    "busy": partial(on_every_core, _compute),
    "bursts": partial(on_every_core, _compute_and_rest),
    "memory": partial(on_every_core, _copy_memory),
    "setup": setting_up,
}
"""The machine as it is; a single loop that computes; a loop a core that computes, that computes and rests for random
periods, or that copies memory; environments and clones that are made on the other cores."""
