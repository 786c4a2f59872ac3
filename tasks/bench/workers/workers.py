"""Start one side's pytest process with the plugin in it, and lead it from stop to stop."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CommandFailedError, MeasuringError
from ...processes import programs
from ..provenance import prove
from . import sandbox
from .channel import VERSION, Channel, ClosedError, Message
from .memory_layout import usual_stack
from .pytest_options import options

if TYPE_CHECKING:
    import random

    from ...artifacts import Module
    from ..request import Request, Role, SideRequest
    from .memory_layout import MemoryLayout

WORKER_FOLDER = Path(__file__).parents[2] / "worker"
"""What goes on the target's import path; the one name in it is `prprep_worker`."""
WORKER_PROGRAMS = WORKER_FOLDER / "prprep_worker"
LAST_SECONDS = 10.0
PREEMPTED = 0.01

_OUTCOMES = {"failed": "failed", "skipped": "was skipped", "xfailed": "failed as its xfail mark expects"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the processes of one launch share.

    `layout` is the memory layout that all of them get, `core` the one that they start on; `malloc` switches pymalloc off,
    whose arenas would hide allocations; with `watch` a worker notes what the test replaces. `wrapper` goes before the command,
    which writes to the folders `writable`.
    """

    seed: int
    layout: MemoryLayout | None = None
    core: int | None = None
    describe: bool = False
    watch: bool = False
    malloc: bool = False
    deadline: float | None = None
    wrapper: tuple[str, ...] = ()
    writable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """A benchmark call that waits for orders; `seconds` is what its first, untimed call took."""

    key: str
    seconds: float
    iterations: int
    warmup: int
    awaited: bool
    modules: tuple[Module, ...]
    """Those of the project that came since the last stop, each proved to come out of the side's own tree."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block that was timed: nanoseconds, on the clock that all processes share, and context switches."""

    wall: int
    cpu: int
    began: int
    ended: int
    voluntary: int
    involuntary: int

    @property
    def elapsed(self) -> float:
        """Seconds, with what setup and teardown took."""
        return (self.ended - self.began) / 1e9

    @property
    def was_preempted(self) -> bool:
        """Return whether another process took the core: it was switched away, and waited for more than PREEMPTED of its time."""
        return self.involuntary > 0 and self.wall - self.cpu > PREEMPTED * self.wall


class ChildFailedError(MeasuringError):
    """The calls that the test itself made went well, and those in a forked child did not."""


class Worker:
    """One side's process; it runs only between an order and the answer to it."""

    def __init__(
        self,
        request: Request,
        side: Role,
        *,
        channel: Channel,
        running: programs.RunningProgram,
        deadline: float | None,
    ) -> None:
        self.side = side
        self.passed: list[str] = []
        self._has_child = False
        self._request, self._channel, self._running, self._deadline = request, channel, running, deadline

    def collected(self) -> tuple[str, ...]:
        """Wait until the tests are collected, and give their node ids."""
        while True:
            message = self._receive()
            if message["kind"] == "uncollected":
                raise self._uncollected(message)
            if message["kind"] == "end":
                self.leave()
                raise self._broken(f"pytest ended with exit code {message['status']} before it ran a test")
            if message["kind"] == "collected":
                return tuple(message["tests"])

    def advance(self) -> Ready | None:
        """Go on to the next benchmark call, None at the end; raise MeasuringError where a test does not pass."""
        self._send("next")
        while True:
            message = self._receive()
            if message["kind"] == "ready":
                return self._ready(message)
            if message["kind"] == "end":
                self._finish(message["status"])
                return None
            self._outcome(message)

    def described(self) -> Message:
        value: Message = self._expect("described")["value"]
        return value

    def again(self) -> Message:
        """Call once more: whether it returned the same, and what it took."""
        self._send("again")
        return self._expect("again")

    def run(self, rounds: int, *, phase: float = 0.0, timed: bool = True) -> Block:
        """Time a block of so many rounds, which begins at `phase` (0 to 1) of the garbage collector's cycle."""
        self._send("run", rounds=rounds, phase=phase, timed=timed)
        answer = self._expect("block")
        return Block(**{name: answer[name] for name in Block.__dataclass_fields__})

    def settle(self) -> bool:
        """Collect and freeze what is left; say whether children can be forked from there."""
        self._send("settle")
        forkable: bool = self._expect("settled")["forkable"]
        return forkable

    def fork(self) -> None:
        """Let a child obey `run` from now on, until `join`."""
        self._send("fork")
        self._expect("forked")
        self._has_child = True

    def join(self) -> None:
        """End the child, where there still is one."""
        if self._has_child:
            self._send("leave")
            self._expect("joined")
            self._has_child = False

    def move(self, core: int | None) -> None:
        """Move all of the process's threads to a core."""
        if core is not None:
            # Threads come and go, and the process may have ended.
            confined = self._request.side(self.side).confined
            for pid in (self._running.pid, *(programs.descendants(self._running.pid) if confined else ())):
                _move_threads(pid, core)

    def ask(self, do: str, **fields_: Any) -> Message:
        """Return an order at a benchmark call, and wait for its answer, whatever `kind` that is."""
        self._send(do, **fields_)
        answer = self._receive()
        if answer["kind"] == "test":
            self._outcome(answer)
            raise self._broken(f"the benchmark ended where `{do}` was asked for")
        return answer

    def _ready(self, message: Message) -> Ready:
        told = {name: message[name] for name in ("key", "seconds", "iterations", "warmup", "awaited")}
        return Ready(**told, modules=prove(message["modules"], side=self.side, request=self._request))

    def _finish(self, status: int) -> None:
        if status != 0:
            self.leave()
            raise self._broken(f"pytest ended with exit code {status}")

    def leave(self) -> None:
        """Let the process end by itself, so that it writes what it still has to say."""
        # Threads that never end would keep it: all that was measured is told, and the group is ended.
        with suppress(CommandFailedError):
            self._running.wait(LAST_SECONDS)

    def _expect(self, kind: str) -> Message:
        message = self._receive()
        self._check(message, kind)
        return message

    def _check(self, message: Message, kind: str) -> None:
        if message["kind"] in {"raised", "broken"}:
            self._has_child = False
        if message["kind"] == "raised":
            self._expect("joined")
            raise ChildFailedError(
                f"the benchmark failed on {self.side}, called again:\n{message['text']}", hint=_WAY_OUT
            )
        if message["kind"] == "broken":
            told = ended(message["code"] or -message["signal"])
            raise ChildFailedError(f"the benchmark broke on {self.side}, called again: it {told}", hint=_WAY_OUT)
        if message["kind"] == "test":
            self._outcome(message)
        if message["kind"] != kind:
            raise self._broken(f"the benchmark ended where `{kind}` was expected")

    def _outcome(self, message: Message) -> None:
        if message["kind"] != "test":
            raise self._broken(f"the benchmark did not wait for its turn (`{message['kind']}`)")
        if message["outcome"] != "passed":
            told = _OUTCOMES.get(message["outcome"], message["outcome"])
            step = "" if message["when"] == "call" or message["outcome"] == "xfailed" else f" in its {message['when']}"
            raise MeasuringError(
                f"the benchmark {told} on {self.side}{step}:\n{message['text']}", where=message["node"], hint=_WAY_OUT
            )
        self.passed.append(message["node"])

    def _uncollected(self, message: Message) -> MeasuringError:
        told = "was skipped" if message["outcome"] == "skipped" else "cannot be imported"
        return MeasuringError(
            f"the benchmark {told} on {self.side}:\n{message['text']}", where=message["node"], hint=_WAY_OUT
        )

    def _send(self, do: str, **fields_: Any) -> None:
        try:
            self._channel.send(do, **fields_)
        except ClosedError:
            raise self._gone() from None

    def _receive(self) -> Message:
        try:
            return self._channel.receive(self._deadline)
        except ClosedError:
            raise self._gone() from None

    def _gone(self) -> MeasuringError:
        self.leave()
        return self._broken(f"its process {ended(self._running.poll() or 0)} before the benchmark was finished")

    def _broken(self, what: str) -> MeasuringError:
        tail = self._running.tail().strip()
        return MeasuringError(
            f"the benchmark broke on {self.side}: {what}" + (f"\n{tail}" if tail else ""), hint=_WAY_OUT
        )


def _move_threads(pid: int, core: int) -> None:
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})


_WAY_OUT = "a benchmark must pass at both commits; nothing was measured"


def ended(code: int) -> str:
    return (
        f"was killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"
    )


@contextmanager
def started(request: Request, side: Role, settings: Settings) -> Iterator[Worker]:
    """Run `request.benchmark` on one side, up to its first stop; its process group ends with the block."""
    place = request.side(side)
    command: tuple[str | Path, ...] = (
        *settings.wrapper,
        place.python,
        "-m",
        "pytest",
        *options(place.tree, request.benchmark or ""),
    )
    with Channel() as channel:
        told = {"PRPREP_WORKER": json.dumps(_handshake(request, settings, channel))}
        environment = variables(place, settings, told, folder=place.tree / request.project)
        if settings.layout:
            environment = settings.layout.padded(environment, command)
            command = (*settings.layout.wrapper, *command)
        folder = place.tree / request.project
        command = (*sandbox.wrapper(place, folder, worker=WORKER_FOLDER, writable=settings.writable), *command)
        with programs.start(command, cwd=folder, env=environment, pass_fds=channel.inherited) as running:
            channel.handed_over()
            yield Worker(request, side, channel=channel, running=running, deadline=settings.deadline)


def _handshake(request: Request, settings: Settings, channel: Channel) -> Message:
    read, write = channel.inherited
    return {
        "version": VERSION,
        "read": read,
        "write": write,
        "packages": request.packages,
        "trees": trees(request),
        "core": settings.core,
        "stack": usual_stack() if settings.layout else None,
        "describe": settings.describe,
        "watch": settings.watch,
    }


def variables(place: SideRequest, settings: Settings, extra: Mapping[str, str], *, folder: Path) -> dict[str, str]:
    """Return the environment of a side's processes that run in `folder`: its own import path, and the launch's hash seed.

    Compiled files are written as always: each side has a tree of its own, and import time is that of a warm cache.
    """
    path = os.pathsep.join(map(str, (*place.path_entries, WORKER_FOLDER)))
    allocator = {"PYTHONMALLOC": "malloc"} if settings.malloc else {}
    compiled = {"PYTHONPYCACHEPREFIX": str(place.pycache)} if place.pycache else {}
    own = {
        "PYTHONPATH": path,
        "PYTHONHASHSEED": str(settings.seed),
        **allocator,
        **compiled,
        **sandbox.variables(place, folder),
    }
    return programs.target_environment({**own, **extra}, passed=place.passed)


def trees(request: Request) -> list[str]:
    return [os.path.realpath(request.side(role).tree) for role in request.roles]


def hash_seed(lots: random.Random) -> int:
    """Draw a PYTHONHASHSEED; 0 would switch randomization off."""
    return lots.randrange(1, 2**32)


def core(*, pin: bool) -> int | None:
    """Choose the core that both sides run on, the last that we may use; None where that cannot be set (macOS)."""
    if not pin or not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))


def starting_cores(*, pin: bool, alone: bool) -> tuple[int, ...]:
    """Return the cores that processes start on: any where nothing is measured (`alone`), else any but `core`; perhaps none."""
    measuring = core(pin=pin)
    return () if measuring is None else tuple(sorted(os.sched_getaffinity(0) - (set() if alone else {measuring})))
