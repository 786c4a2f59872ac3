"""Run fresh interpreters of all sides in turns: what timing imports and timing start-ups have in common."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import Launch, MetricName
from ...processes import programs
from ..workers import memory_layout, sandbox
from ..workers.channel import Channel, ClosedError
from ..workers.workers import (
    LAST_SECONDS,
    WORKER_FOLDER,
    WORKER_PROGRAMS,
    Settings,
    core,
    ended,
    hash_seed,
    trees,
    variables,
)

if TYPE_CHECKING:
    import random

    from ...artifacts import Measurement, Side
    from ..request import Request, Role
    from ..time.sequence import Sampling
    from ..workers.channel import Message

LOOKS = (8, 14, 24, 40)
"""Numbers of launches at which imports and start-ups are looked at."""

TAIL = 12
"""Lines of what the target wrote that an error shows."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the worker folder: `words` follow the descriptor and the core, `options` are Python's own.

    `starts` are the arguments of the Python that it starts itself, where that is what is timed; `log` gets what it writes.
    """

    name: str
    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    log: Path | None = None


def drawn(request: Request, lots: random.Random, deadline: float | None) -> Settings:
    """Draw what the interpreters of one launch share: hash seed and memory layout."""
    return Settings(hash_seed(lots), layout=memory_layout.draw(lots), core=core(pin=request.pin), deadline=deadline)


class Clocks:
    """Wall time goes through `sampling`, whose rule decides when to stop; the CPU time of the same processes stands beside it."""

    def __init__(self, request: Request, lots: random.Random, sampling: Sampling) -> None:
        self._request, self._lots, self._sampling = request, lots, sampling
        self._cpu: dict[str, list[Launch]] = defaultdict(list)

    def sample(self, takes: Mapping[str, Callable[[Role, Settings], Message]]) -> None:
        """Take one launch of everything in `takes`, each giving nanoseconds as `wall` and `cpu`."""
        began, settings = time.monotonic(), drawn(self._request, self._lots, self._sampling.deadline)
        launches = {key: self._launch(settings, take) for key, take in takes.items()}
        self._sampling.add({key: wall for key, (wall, _) in launches.items()}, spent=time.monotonic() - began)
        for key, (_, cpu) in launches.items():
            self._cpu[key].append(cpu)

    def measurements(self) -> tuple[Measurement, ...]:
        """Return wall time and CPU time of everything; raise MeasuringError where the time limit left nothing."""
        return tuple(each for timed in self._sampling.measurements() for each in (timed, self._beside(timed)))

    def _launch(self, settings: Settings, take: Callable[[Role, Settings], Message]) -> tuple[Launch, Launch]:
        """Take two samples of each side, in an order by lot and then in its reverse (ABCCBA): a steady drift cancels."""
        roles = self._request.roles
        order: list[Role] = self._lots.sample(roles, len(roles))
        taken: dict[Role, list[Message]] = {role: [] for role in order}
        for role in (*order, *reversed(order)):
            taken[role].append(take(role, settings))
        first: Side = next(role for role in order if role != "control")
        wall, cpu = (
            {role: tuple(each[clock] / 1e9 for each in messages) for role, messages in taken.items()}
            for clock in ("wall", "cpu")
        )
        return Launch(first=first, seed=settings.seed, **wall), Launch(first=first, seed=settings.seed, **cpu)

    def _beside(self, timed: Measurement) -> Measurement:
        return timed.model_copy(update={"metric": MetricName.CPU, "launches": tuple(self._cpu[timed.test])})


def answer(request: Request, role: Role, settings: Settings, program: Program) -> Message:
    """Run `program` in a fresh interpreter of a side, and give what it tells.

    Where it ends before that, or tells an error, the message has an `error` and the `text` that was written.
    """
    place = request.side(role)
    with Channel() as channel:
        read, write = channel.inherited
        pinned = "" if settings.core is None else str(settings.core)
        command: tuple[str | Path, ...] = (
            place.python,
            *program.options,
            WORKER_PROGRAMS / program.name,
            str(write),
            pinned,
            *program.words,
        )
        folder = place.tree / request.project
        environment = variables(place, settings, {}, folder=folder)
        if settings.layout:
            environment = settings.layout.padded(
                environment, (place.python, *program.starts) if program.starts else command
            )
            command = (*settings.layout.wrapper, *command)
        command = (*sandbox.wrapper(place, folder, worker=WORKER_FOLDER), *command)
        with programs.start(command, cwd=folder, env=environment, pass_fds=(read, write), log=program.log) as running:
            channel.close_worker_ends()
            try:
                message = channel.receive(settings.deadline)
            except ClosedError:
                return {"error": f"the interpreter {ended(running.wait(LAST_SECONDS))}", "text": running.tail()}
            running.wait(LAST_SECONDS)
            return {"text": running.tail(), **message}


def listed(request: Request) -> tuple[str, str]:
    """Spell the project's packages and the trees as arguments of a program."""
    return lines(request.packages), lines(trees(request))


def lines(words: Sequence[str]) -> str:
    return "\n".join(words)


def told(text: str) -> str:
    """Return the last lines of what was written, to follow a message."""
    last = "\n".join(text.strip().splitlines()[-TAIL:])
    return f"\n{last}" if last else ""
