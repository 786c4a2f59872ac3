"""Time console scripts from start to end in fresh processes, all sides in turns."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

from ...artifacts import SIDES, MetricName, Module, Side
from ...errors import MeasuringError
from ...processes.progress import Report
from ..provenance import prove
from ..request import MeasurementResult, Request, Role
from ..time.sequence import LaunchSequence
from ..workers.channel import Message, TimeLimitError
from ..workers.workers import Settings, ended
from .interpreters import LOOKS, answer, draw_settings, imported, last_lines, sample

TIMED = 2
"""Commands that are timed at most."""
TRIED = 8
"""Commands that are tried to find those."""
CHECK_SECONDS = 20.0
"""For one untimed run of a command: what does not react to `--help` may be a server."""

Command = tuple[str, ...]


def time_startup(request: Request, rng: random.Random, report: Report) -> MeasurementResult:
    """Start the commands that load one of `request.modules` repeatedly, from the start of Python to its end.

    Each runs once on every side before that, untimed: a command that base cannot run is left out with a note, and one
    that only base can run is an error. A launch is two fresh processes a side, with one hash seed and memory layout;
    their stdin is empty, and their output is dropped. The notes say what could not be timed.
    """
    sequence = LaunchSequence(request, metric=MetricName.START, looks=LOOKS)
    settings = draw_settings(rng, sequence.deadline)
    modules: dict[Side, set[Module]] = {side: set() for side in SIDES}
    notes: list[str] = []
    try:
        commands = tuple(islice(_loading_commands(request, settings, modules, notes), TIMED))
        while commands and sequence.should_continue():
            timers = {f"start {label(command)}": partial(_start, request, command) for command in commands}
            sample(request, rng, sequence, timers)
            report(f"start-up: {sequence.line()}")
    except TimeLimitError:
        sequence.stopped = "timeout"
    if not sequence.has_launches:
        if sequence.stopped == "timeout":
            notes.append("The start-up of commands was not timed: it took longer than the time limit.")
        elif sequence.stopped:
            notes.append("The start-up of commands was not timed: other processes interrupted every start.")
        return MeasurementResult(notes=tuple(notes))
    proved = {side: tuple(modules[side]) for side in SIDES}
    return MeasurementResult(sequence.measurements(), modules=proved, notes=tuple(notes))


def label(command: Command) -> str:
    """Return a command as its user would type it: code that loads a console script is followed by its name."""
    return " ".join(command[2:] if command[0] == "-c" else ("python", *command))


def _start(request: Request, command: Command, role: Role, settings: Settings) -> Message:
    """Return the nanoseconds that one fresh process takes; raise MeasuringError if it fails."""
    message = answer(request, role, settings, "startup/start_timer.py", command, options=("-I", "-S"), starts=command)
    if "error" in message:
        raise MeasuringError(
            f"`{label(command)}` could not be started on {role}: {message['error']}{last_lines(message['text'])}"
        )
    if message["code"] != 0:
        raise _failed(command, role, {**_check(request, role, settings, command), "code": message["code"]})
    return message


def _loading_commands(
    request: Request, settings: Settings, modules: dict[Side, set[Module]], notes: list[str]
) -> Iterator[Command]:
    """Yield the commands that load what is measured, and collect their modules; note which cannot run at base.

    A command that only works with `--version` instead of `--help` at base is yielded with that. Raises MeasuringError
    if one that base can run fails on another side.
    """
    for command in request.commands[:TRIED]:
        forms = (command, (*command[:-1], "--version")) if command[-1] == "--help" else (command,)
        at_base: list[Message] = []
        for form in forms:
            at_base.append(_check(request, "base", settings, form))
            if _succeeded(at_base[-1]):
                break
        else:
            notes.append(f"The start-up of `{label(command)}` was not timed: at base {_ending(at_base[0])}.")
            continue
        messages: dict[Role, Message] = {"base": at_base[-1]}
        for role in request.roles[1:]:
            messages[role] = _check(request, role, settings, form)
            if not _succeeded(messages[role]):
                raise _failed(form, role, messages[role])
        if any(message["loaded"] for message in messages.values()):
            for side in SIDES:
                modules[side] |= set(prove(messages[side]["modules"], side=side, request=request))
            yield form


def _check(request: Request, role: Role, settings: Settings, command: Command) -> Message:
    """Run a command once, untimed; the message has an `error` if that takes longer than CHECK_SECONDS."""
    limit, end = time.monotonic() + CHECK_SECONDS, settings.deadline
    try:
        soon = replace(settings, deadline=limit if end is None else min(limit, end))
        return answer(request, role, soon, "startup/start_check.py", (*imported(request), *command))
    except TimeLimitError:
        if end is not None and end < limit:
            raise
        return {"error": f"it did not end within {CHECK_SECONDS:g} s", "text": ""}


def _succeeded(message: Message) -> bool:
    return message.get("code") == 0


def _ending(message: Message) -> str:
    return message.get("error") or f"it {ended(message['code'])}"


def _failed(command: Command, role: Role, message: Message) -> MeasuringError:
    what = f"`{label(command)}` failed on {role}: {_ending(message)}{last_lines(message['text'])}"
    return MeasuringError(what, hint="a command that starts at base must start at head; nothing was measured")
