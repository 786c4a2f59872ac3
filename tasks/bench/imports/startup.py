"""Time console scripts from start to end in fresh processes, all sides in turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...artifacts import SIDES, MetricName, Module, Side
from ...errors import MeasuringError
from ..provenance import prove
from ..request import MeasurementResult
from ..time.sequence import Sampling
from ..workers.channel import TimeLimitError
from ..workers.workers import ended
from .fresh import LOOKS, Clocks, Program, answer, drawn, lines, listed, told

if TYPE_CHECKING:
    import random

    from ...processes.progress import Report
    from ..request import Request, Role
    from ..workers.channel import Message
    from ..workers.workers import Settings

MOST = 2
"""Commands that are timed."""
TRIED = 8
"""Commands that are looked at to find those."""
CHECK_SECONDS = 20.0
"""For one untimed run of a command: what does not answer to `--help` may be a server."""
ASKED, ELSE = "--help", "--version"

Command = tuple[str, ...]


def time_startup(request: Request, lots: random.Random, report: Report) -> MeasurementResult:
    """Start the commands that load one of `request.modules` again and again, from the start of Python to its end.

    Each is run once on every side before that, untimed: a command that base cannot run is left out with a note, and one
    that only base can is an error. A launch is two fresh processes a side, with one hash seed and memory layout; they read
    nothing, and what they write is dropped. The notes say what could not be timed.
    """
    sampling = Sampling(request, metric=MetricName.START, looks=LOOKS)
    clocks = Clocks(request, lots, sampling)
    choice = _Choice(request, drawn(request, lots, sampling.deadline))
    try:
        commands = tuple(choice.commands())
        while commands and sampling.goes_on():
            clocks.sample({f"start {label(command)}": partial(_start, request, command) for command in commands})
            report(f"start-up: {sampling.line()}")
    except TimeLimitError:
        sampling.cut()
    if not sampling.number:
        cut = (
            ("The start-up of commands was not timed: it took longer than the time limit.",) if sampling.stopped else ()
        )
        return MeasurementResult(notes=(*choice.notes, *cut))
    modules = {
        side: tuple(sorted(choice.modules[side], key=lambda module: (module.path, module.name))) for side in SIDES
    }
    return MeasurementResult(measurements=clocks.measurements(), modules=modules, notes=tuple(choice.notes))


def label(command: Command) -> str:
    """Spell a command as its user would: the code that loads a console script is followed by the script's name."""
    return " ".join(command[2:] if command[0] == "-c" else ("python", *command))


def _start(request: Request, command: Command, role: Role, settings: Settings) -> Message:
    """Return the nanoseconds that one fresh process takes; raise MeasuringError where it fails."""
    program = Program("startup/start_timer.py", command, options=("-I", "-S"), starts=command)
    message = answer(request, role, settings, program)
    if "error" in message:
        raise MeasuringError(
            f"`{label(command)}` could not be started on {role}: {message['error']}{told(message['text'])}"
        )
    if message["code"] != 0:
        raise _failed(command, role, {**_check(request, role, settings, command), "code": message["code"]})
    return message


class _Choice:
    """Which commands can be timed and load what is measured."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self._request, self._settings = request, settings
        self.notes: list[str] = []
        self.modules: dict[Side, set[Module]] = {"base": set(), "head": set()}

    def commands(self) -> Iterator[Command]:
        found = 0
        for asked in self._request.commands[:TRIED]:
            if found < MOST and (at_base := self._at_base(asked)) and self._everywhere(*at_base):
                found += 1
                yield at_base[0]

    def _at_base(self, asked: Command) -> tuple[Command, Message] | None:
        """Return the command in the form in which base can run it, if there is one, and what it told."""
        forms = (asked, (*asked[:-1], ELSE)) if asked[-1] == ASKED else (asked,)
        messages = []
        for command in forms:
            messages.append(_check(self._request, "base", self._settings, command))
            if _ends_well(messages[-1]):
                return command, messages[-1]
        self.notes.append(f"The start-up of `{label(asked)}` was not timed: at base {_ending(messages[0])}.")
        return None

    def _everywhere(self, command: Command, at_base: Message) -> bool:
        """Return whether the command loads what is measured on either side; raise MeasuringError where it fails on one."""
        messages: dict[Role, Message] = {"base": at_base}
        for role in self._request.roles[1:]:
            messages[role] = _check(self._request, role, self._settings, command)
            if not _ends_well(messages[role]):
                raise _failed(command, role, messages[role])
        if not any(message["loaded"] for message in messages.values()):
            return False
        for side in SIDES:
            self.modules[side] |= set(prove(messages[side]["modules"], side=side, request=self._request))
        return True


def _check(request: Request, role: Role, settings: Settings, command: Command) -> Message:
    """Run a command once, untimed; what takes longer than CHECK_SECONDS is an `error`."""
    limit, end = time.monotonic() + CHECK_SECONDS, settings.deadline
    words = (lines(request.modules), *listed(request), *command)
    try:
        soon = replace(settings, deadline=limit if end is None else min(limit, end))
        return answer(request, role, soon, Program("startup/start_check.py", words))
    except TimeLimitError:
        if end is not None and end < limit:
            raise
        return {"error": f"it did not end within {CHECK_SECONDS:g} s", "text": ""}


def _ends_well(message: Message) -> bool:
    return message.get("code") == 0


def _ending(message: Message) -> str:
    return message.get("error") or f"it {ended(message['code'])}"


def _failed(command: Command, role: Role, message: Message) -> MeasuringError:
    what = f"`{label(command)}` failed on {role}: {_ending(message)}{told(message['text'])}"
    return MeasuringError(what, hint="a command that starts at base must start at head; nothing was measured")
