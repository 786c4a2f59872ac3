"""Run fresh interpreters of all sides in turns, to time imports and start-ups."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...artifacts import Launch, Side
from ...processes.cores import one_core
from ..request import Request, Role
from ..time.sequence import LaunchSequence
from ..workers import memory_layout
from ..workers.blocks import SAME_IDLE
from ..workers.channel import ClosedError, Message, WorkerChannel
from ..workers.workers import LAST_SECONDS, WORKER_PROGRAMS, Settings, ended, hash_seed, process, trees

LOOKS = (8, 14, 24, 40)
"""Numbers of launches at which imports and start-ups are looked at."""

TAIL = 12
"""Lines of the project's output that an error shows."""


def draw_settings(rng: random.Random, deadline: float | None) -> Settings:
    return Settings(hash_seed(rng), layout=memory_layout.draw(rng), cores=one_core(), deadline=deadline)


def sample(
    request: Request,
    rng: random.Random,
    sequence: LaunchSequence,
    timers: Mapping[str, Callable[[Role, Settings], Message]],
) -> None:
    """Add one launch of all `timers` to `sequence`.

    Each timer returns nanoseconds as `wall`, `waited` (for a core; None if the system does not report it) and `cpu`. If
    waiting is not known, a launch in which another process took the core is left out.
    """
    began, settings = time.monotonic(), draw_settings(rng, sequence.deadline)
    launches = {key: _launch(request, rng, settings, timer) for key, timer in timers.items()}
    wall, cpu = ({key: each[clock] for key, each in launches.items() if each} for clock in ("wall", "cpu"))
    sequence.add(wall, cpu=cpu, spent=time.monotonic() - began)


def _launch(
    request: Request, rng: random.Random, settings: Settings, timer: Callable[[Role, Settings], Message]
) -> dict[str, Launch]:
    """Take two samples of each side, in a random order and then in its reverse (ABCCBA): a steady drift cancels."""
    order: list[Role] = rng.sample(request.roles, len(request.roles))
    messages: dict[Role, list[Message]] = {role: [] for role in order}
    for role in (*order, *reversed(order)):
        messages[role].append(timer(role, settings))
    known = all(message["waited"] is not None for taken in messages.values() for message in taken)
    if not known and any(_was_preempted(message, taken) for taken in messages.values() for message in taken):
        return {}
    first: Side = next(role for role in order if role != "control")
    waited = _seconds(messages, lambda message: message["waited"]) if known else {}
    own = _seconds(messages, lambda message: message["wall"] - (message["waited"] or 0))
    cpu = _seconds(messages, lambda message: message["cpu"])
    return {
        "wall": Launch(first=first, seed=settings.seed, waited=waited, **own),
        "cpu": Launch(first=first, seed=settings.seed, **cpu),
    }


def _seconds(
    messages: Mapping[Role, Sequence[Message]], nanoseconds: Callable[[Message], int]
) -> dict[Role, tuple[float, ...]]:
    return {role: tuple(max(nanoseconds(each), 0) / 1e9 for each in taken) for role, taken in messages.items()}


def _was_preempted(message: Message, taken: Sequence[Message]) -> bool:
    """Return whether the core was taken: a start waits for the disk, but hardly longer than the others of its side."""
    least = min(each["wall"] - each["cpu"] for each in taken)
    idle = int(message["wall"] - message["cpu"] - least)
    return int(message["involuntary"]) > 0 and idle > SAME_IDLE * int(message["wall"])


def answer(
    request: Request,
    role: Role,
    settings: Settings,
    program: str,
    arguments: Sequence[str],
    *,
    options: Sequence[str] = (),
    starts: Sequence[str] = (),
    log: Path | None = None,
) -> Message:
    """Run `program` of the worker folder in a fresh interpreter of a side; return its message, its output as `text`.

    `arguments` follow the descriptor and the core, `options` are Python's own. `starts` are the arguments of the Python
    that it starts, if that is what is timed; its output goes to `log`. If it ends without a message, or reports an
    error, the message has an `error`.
    """
    python = str(request.side(role).python)
    with WorkerChannel() as channel:
        pinned = ",".join(map(str, settings.cores))
        given = (str(WORKER_PROGRAMS / program), str(channel.inherited[1]), pinned, *arguments)
        command, timed = (python, *options, *given), (python, *starts) if starts else ()
        with process(request, role, settings, command, channel=channel, starts=timed, log=log) as running:
            try:
                message = channel.receive(settings.deadline)
            except ClosedError:
                return {"error": f"the interpreter {ended(running.wait(LAST_SECONDS))}", "text": running.tail()}
            running.wait(LAST_SECONDS)
            return {"text": running.tail(), **message}


def imported(request: Request) -> tuple[str, str, str]:
    """Return the modules to import, the project's packages and the trees as arguments of a program."""
    return "\n".join(request.modules), "\n".join(request.packages), "\n".join(trees(request))


def last_lines(text: str) -> str:
    """Return the end of an output, to follow a message."""
    last = "\n".join(text.strip().splitlines()[-TAIL:])
    return f"\n{last}" if last else ""
