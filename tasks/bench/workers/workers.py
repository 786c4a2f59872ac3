"""Start one side's pytest process with our plugin, and drive it from one benchmark call to the next."""

import json
import os
import random
import resource
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...artifacts import Module
from ...errors import CommandFailedError, MeasuringError
from ...processes import programs
from ...processes.cores import Cores, move
from ...processes.descendants import descendants, threads
from ...storage.hashing import text_of
from ..node_ids import NodeIds
from ..provenance import prove
from ..request import Request, Role, SideRequest
from . import sandbox
from .blocks import Block
from .channel import VERSION, ClosedError, Message, WorkerChannel
from .memory_layout import MemoryLayout
from .pytest_options import options

WORKER_FOLDER = Path(__file__).parents[2] / "worker"
"""What goes on the project's import path; the one name in it is `prprep_worker`."""
WORKER_PROGRAMS = WORKER_FOLDER / "prprep_worker"
LAST_SECONDS = 10.0
"""The most that a process may take to end after its last answer."""

_HINT = "a benchmark must pass at both commits; nothing was measured"
_OUTCOMES = {"failed": "failed", "skipped": "was skipped", "xfailed": "failed as its xfail mark expects"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the processes of one launch share.

    They start in the memory `layout` and on the `cores`, on any if there are none. `malloc` switches pymalloc off,
    whose arenas would hide allocations; with `watch` a worker notes what the test replaces. `wrapper` goes before the
    command, which may write to `writable`.
    """

    seed: int
    layout: MemoryLayout | None = None
    cores: Cores = ()
    describe: bool = False
    watch: bool = False
    malloc: bool = False
    deadline: float | None = None
    wrapper: tuple[str, ...] = ()
    writable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """A benchmark call that waits for orders.

    `seconds` is what its first, untimed call took, `elsewhere` the CPU time of other threads and child processes in it.
    """

    key: str
    seconds: float
    elsewhere: float
    iterations: int
    warmup: int
    awaited: bool
    modules: tuple[Module, ...]
    """Those of the project that were imported since the last call, each proved to lie in the side's own tree."""


class ChildFailedError(MeasuringError):
    """The test's own calls passed, those in a forked child failed."""


class Worker:
    """One side's process; it runs only between an order and its answer."""

    def __init__(
        self,
        request: Request,
        side: Role,
        *,
        channel: WorkerChannel,
        running: programs.RunningProgram,
        deadline: float | None,
    ) -> None:
        self.side = side
        self.passed: list[str] = []
        self.unknown_options: tuple[str, ...] = ()
        """Options of the project's own `addopts` that no plugin or conftest registers here."""
        self._has_child = False
        place = request.side(side)
        self._node_ids, self._stable_ids = NodeIds(place.tree, place.python), dict[str, str]()
        self._request, self._channel, self._running, self._deadline = request, channel, running, deadline

    def collected(self) -> tuple[str, ...]:
        """Wait until the tests are collected, and return their node ids."""
        while (message := self._receive())["kind"] != "collected":
            if message["kind"] == "uncollected":
                outcome = "was skipped" if message["outcome"] == "skipped" else "cannot be imported"
                raise self._failed(outcome, message)
            if message["kind"] == "end":
                raise self._ended(message, " before it ran a test")
        self.unknown_options = tuple(message["unknown"])
        self._stable_ids = self._node_ids.stable(message["tests"])
        return tuple(self._stable_ids[test] for test in message["tests"])

    def advance(self) -> Ready | None:
        """Go on to the next benchmark call, None at the end; raise MeasuringError if a test does not pass."""
        self._send("next")
        while (message := self._receive())["kind"] != "ready":
            if message["kind"] == "end":
                if message["status"] != 0:
                    raise self._ended(message)
                return None
            self._outcome(message)
        names = ("seconds", "elsewhere", "iterations", "warmup", "awaited")
        fields = {name: message[name] for name in names}
        turn = message["turn"]
        key = self._id(message["node"]) + (f"#{turn}" if turn > 1 else "")
        return Ready(key, **fields, modules=prove(message["modules"], side=self.side, request=self._request))

    def described(self) -> Message:
        value: Message = self._expect("described")["value"]
        return value

    def again(self, attributes: Mapping[str, Sequence[str]]) -> Message:
        """Repeat the call; return its description (`value`), with these attributes, and its `seconds`."""
        return self.ask("again", attributes=attributes)

    def run(self, rounds: int, *, phase: float = 0.0, timed: bool = True) -> Block:
        """Time a block of rounds that begins at `phase` (0 to 1) of the garbage collector's cycle."""
        self._send("run", rounds=rounds, phase=phase, timed=timed)
        answer = self._expect("block")
        return Block(**{name: answer[name] for name in Block.__dataclass_fields__})

    def settle(self) -> bool:
        """Collect garbage and freeze what is left; return whether children can be forked."""
        self._send("settle")
        return bool(self._expect("settled")["forkable"])

    def fork(self) -> None:
        """Let a child obey `run` from now on, until `join`."""
        self._send("fork")
        self._expect("forked")
        self._has_child = True

    def join(self) -> None:
        """End the child, if there still is one."""
        if self._has_child:
            self._send("leave")
            self._expect("joined")
            self._has_child = False

    def move(self, cores: Cores) -> None:
        """Move all threads of the process and of its descendants to some cores."""
        if cores:
            for pid in (self._running.pid, *descendants(self._running.pid)):
                for thread in threads(pid):
                    move(thread, cores)

    def ask(self, do: str, **fields_: Any) -> Message:
        """Send an order at a benchmark call, and return its answer of any `kind`."""
        self._send(do, **fields_)
        answer = self._receive()
        if answer["kind"] == "test":
            self._outcome(answer)
            raise self._broken(f"the benchmark ended instead of obeying `{do}`")
        if answer["kind"] == "end":
            raise self._ended(answer, f" instead of obeying `{do}`")
        return answer

    def process_id(self, inner: int) -> int:
        """Return our id of the process that knows itself as `inner`: a sandbox numbers its processes anew."""
        started = self._running.pid
        ids = {process: _ids(process) for process in (started, *descendants(started))}
        same = [process for process in ids if ids[process][-1:] == [str(inner)]]
        return max(same, key=lambda process: len(ids[process]), default=started)

    def leave(self) -> None:
        """Let the process end by itself, so that it writes its last output."""
        # Threads that never end would keep it: nothing is lost if the group is killed then.
        with suppress(CommandFailedError):
            self._running.wait(LAST_SECONDS)

    def _id(self, node: str) -> str:
        return self._stable_ids.get(node) or self._node_ids.stable([node])[node]

    def _expect(self, kind: str) -> Message:
        message = self._receive()
        if message["kind"] == "raised":
            self._has_child = False
            self._expect("joined")
            raise ChildFailedError(f"the benchmark failed on {self.side}, called again:\n{message['text']}", hint=_HINT)
        if message["kind"] == "broken":
            self._has_child = False
            end = ended(message["code"])
            raise ChildFailedError(f"the benchmark broke on {self.side}, called again: it {end}", hint=_HINT)
        if message["kind"] == "test":
            self._outcome(message)
        if message["kind"] != kind:
            raise self._broken(f"the benchmark ended instead of answering with `{kind}`")
        return message

    def _outcome(self, message: Message) -> None:
        if message["kind"] != "test":
            raise self._broken(f"the benchmark sent `{message['kind']}` out of turn")
        if message["outcome"] != "passed":
            step = "" if message["when"] == "call" or message["outcome"] == "xfailed" else f" in its {message['when']}"
            raise self._failed(_OUTCOMES.get(message["outcome"], str(message["outcome"])), message, step)
        self.passed.append(self._id(message["node"]))

    def _failed(self, outcome: str, message: Message, step: str = "") -> MeasuringError:
        what = f"the benchmark {outcome} on {self.side}{step}:\n{message['text']}"
        return MeasuringError(what, where=self._id(message["node"]), hint=_HINT)

    def _ended(self, message: Message, moment: str = "") -> MeasuringError:
        self.leave()
        return self._broken(f"pytest ended with exit code {message['status']}{moment}")

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
        output, hint = f"{what}\n{self._running.tail().strip()}".rstrip(), _HINT
        if folder := programs.full_folder():
            hint = f"the disk of {folder} is full: free space there, or name another folder in TMPDIR, and run again"
        return MeasuringError(f"the benchmark broke on {self.side}: {output}", hint=hint)


def _ids(process: int) -> list[str]:
    """Return the ids of a process in the namespaces that it is in, ours first."""
    status = text_of(Path(f"/proc/{process}/status"))
    return next((line.split()[1:] for line in status.split("\n") if line.startswith("NSpid:")), [])


def ended(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


@contextmanager
def started(request: Request, side: Role, settings: Settings) -> Iterator[Worker]:
    """Run `request.benchmark` on one side up to its first call; its process group ends with the context."""
    place = request.side(side)
    pytest = ("-m", "pytest", *options(place.tree, request.benchmark or ""))
    command: tuple[str | Path, ...] = (*settings.wrapper, place.python, *pytest)
    with WorkerChannel() as channel:
        read, write = channel.inherited
        handshake = {
            "version": VERSION,
            "read": read,
            "write": write,
            "packages": request.packages,
            "trees": trees(request),
            "cores": settings.cores,
            # The worker restores the soft limit for the project.
            "stack": resource.getrlimit(resource.RLIMIT_STACK)[0] if settings.layout else None,
            "describe": _changed_functions(request, side) if settings.describe else None,
            "watch": settings.watch,
        }
        extra = {"PRPREP_WORKER": json.dumps(handshake)}
        with process(request, side, settings, command, channel=channel, extra=extra) as running:
            yield Worker(request, side, channel=channel, running=running, deadline=settings.deadline)


@contextmanager
def process(
    request: Request,
    side: Role,
    settings: Settings,
    command: Sequence[str | Path],
    *,
    channel: WorkerChannel,
    starts: Sequence[str | Path] = (),
    extra: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[programs.RunningProgram]:
    """Run a command with the `settings` of a launch, and the worker's ends of `channel`, in a side's project folder.

    `starts` is the command that it starts, if that is what is timed; its output goes to `log`.
    """
    place = request.side(side)
    folder = place.tree / request.project
    environment = variables(place, settings, extra or {}, folder=folder)
    if settings.layout:
        environment = settings.layout.padded(environment, starts or command)
        command = (*settings.layout.wrapper, *command)
    command = (*sandbox.wrapper(place, folder, worker=WORKER_FOLDER, writable=settings.writable), *command)
    with programs.start(command, cwd=folder, env=environment, pass_fds=channel.inherited, log=log) as running:
        channel.close_worker_ends()
        yield running


def variables(place: SideRequest, settings: Settings, extra: Mapping[str, str], *, folder: Path) -> dict[str, str]:
    """Return the environment of a side's processes that run in `folder`: its import path, and the launch's hash seed.

    Compiled files are written as usual: each side has its own tree, and import time is that of a warm cache.
    """
    own = {
        **{name: value for name, value in place.variables if not (name in place.passed and name in os.environ)},
        "PYTHONPATH": os.pathsep.join(map(str, (*place.path_entries, WORKER_FOLDER))),
        "PYTHONHASHSEED": str(settings.seed),
        **({"PYTHONMALLOC": "malloc"} if settings.malloc else {}),
        **({"PYTHONPYCACHEPREFIX": str(place.pycache)} if place.pycache else {}),
        **sandbox.variables(place, folder),
    }
    return programs.project_environment({**own, **extra}, passed=place.passed)


def _changed_functions(request: Request, side: Role) -> Message:
    """Return a side's tree, the benchmark's path, and path, first line and name in artifacts of what changed."""
    places = ((each.at(side), each.function) for each in request.functions)
    return {
        "tree": str(request.side(side).tree),
        "benchmark": request.benchmark_path,
        "functions": [[place.path, place.lines[0], function] for place, function in places if place],
    }


def trees(request: Request) -> list[str]:
    """Return the folders of all sides, also by their real paths."""
    folders = [request.side(role).tree for role in request.roles]
    return list(dict.fromkeys((*map(os.path.realpath, folders), *map(str, folders))))


def hash_seed(rng: random.Random) -> int:
    """Draw a PYTHONHASHSEED; 0 would switch randomization off."""
    return rng.randrange(1, 2**32)
