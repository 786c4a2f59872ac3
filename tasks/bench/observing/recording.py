"""Record calls of a function while tests or a command run on one side."""

import itertools
import json
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ...artifacts import RecordedCall
from ...errors import CommandFailedError, MeasuringError
from ...processes import programs, secrets
from ...processes.progress import Report, silent
from ...processes.scratch import temporary_folder
from ...storage.files import read_json
from ..exclusive import exclusive
from ..workers.channel import Message
from ..workers.pytest_options import COMMON, options, options_of_drive
from ..workers.workers import WORKER_PROGRAMS
from .site import RecordingSite, WatchedFunction, ending_of, repairable

OWN_SECONDS = 20.0
"""What recording itself may cost in one process."""
FILE_SECONDS = 40.0
"""For one file of tests."""
LEAST_SECONDS = 5.0
MOST_FORMS = 64 << 10
"""Characters of secrets in an order; a variable can hold twice as many."""
NOTHING_COLLECTED = 5
"""pytest's exit code."""

COMMAND = "the command of `drive`"
"""How artifacts, bodies and progress lines name it: its arguments may be anything, and are the user's own."""
COMMON_PACKAGES = frozenset({"socket", "ssl"})
"""Packages for the network that much else imports as well."""
RECORDER = WORKER_PROGRAMS / "recording/plugin.py"
PLUGIN = "prprep_worker.recording.plugin"
PLUGIN_OPTIONS = (*COMMON, "-p", PLUGIN, "--benchmark-disable", "-W", "ignore::pytest.PytestDeprecationWarning")
"""A deprecation in pytest does not stop recording, even if warnings are errors."""


TestRun = tuple[str, ...]
"""Tests of one file, by pytest's ids with the file's path in the tree, or the file alone."""
Wanted = Mapping[str, Sequence[int]]
"""The numbers of calls whose arguments are kept, by test; a call is counted in its test, from 1."""


def record(
    site: RecordingSite,
    function: WatchedFunction,
    runs: Sequence[TestRun],
    *,
    wanted: Wanted | None = None,
    makers: bool = False,
    seconds: float,
    report: Report,
) -> tuple[list[Message], list[str]]:
    """Make the runs one after the other while there is time; return a recording of each, and notes.

    With `makers`, objects may be written as calls of the project's functions that returned them. A recording has what
    was `run`, and whether it `ran` at least one test, or called the target.
    """
    recordings: list[Message] = []
    notes = []
    with exclusive(site.lock, report):
        end = time.monotonic() + seconds  # waiting for another comparison is no part of it
        for tests in runs:
            path = tests[0].partition("::")[0]
            left = end - time.monotonic()
            if left < LEAST_SECONDS:
                notes.append(f"there was no time left for {path}")
                break
            report(f"recording calls of {function.called}: {path}")
            limit = min(left, FILE_SECONDS)
            run = partial(_record, site, function, _pytest(site, *tests), run=path, seconds=limit)
            recording, note = run(wanted=wanted, makers=makers)
            recordings += [recording] if recording else []
            notes += [f"{path}: {note}"] if note else []
    return recordings, notes


def record_command(
    site: RecordingSite, function: WatchedFunction, command: str, *, seconds: float, report: Report
) -> tuple[list[Message], list[str]]:
    """Run a command of the manifest (see the hint of `_driven`); raise MeasuringError if it cannot be recorded."""
    report(f"recording calls of {function.called}: {COMMAND}")
    arguments = _options_of_drive(site, command)
    with exclusive(site.lock, report):
        recording, note = _record(site, function, arguments, run=COMMAND, seconds=seconds)
    return ([recording] if recording else []), ([f"{COMMAND}: {note}"] if note else [])


def allocations_of_fakes(
    site: RecordingSite, function: WatchedFunction, command: str, call: RecordedCall
) -> tuple[dict[str, int], str]:
    """Repeat the run that recorded a call, and let memray measure the peak of the models and network that are faked.

    Returns bytes by `parameter:method`, and a reason if there are none. `command` is the manifest's, "" for tests.
    """
    methods = [[fake.parameter, method.method] for fake in call.fakes for method in fake.methods]
    arguments = _options_of_drive(site, command) if command else _pytest(site, call.test)
    measure = {"test": call.test, "size": call.size, "wanted": methods}
    with exclusive(site.lock, silent):
        recording, note = _record(site, function, arguments, run=call.test, seconds=FILE_SECONDS, measure=measure)
    peaks: dict[str, int] = recording.get("peaks", {})
    return peaks, "" if peaks else recording.get("why_not") or note or "the call was not repeated"


def _pytest(site: RecordingSite, *nodes: str) -> list[str]:
    return [str(site.side.python), "-m", "pytest", *options(site.side.tree, *nodes, own=PLUGIN_OPTIONS)]


def _options_of_drive(site: RecordingSite, command: str) -> list[str]:
    program, *arguments = shlex.split(command) or [""]
    python = str(site.side.python)
    script = Path(python).parent / program
    if program in {"python", "python3"} and arguments[:2] == ["-m", "pytest"]:
        program, arguments = "pytest", arguments[2:]
    if program in {"pytest", "py.test"}:
        return [python, "-m", "pytest", *options_of_drive(site.side.tree, site.folder, arguments, PLUGIN_OPTIONS)]
    if program in {"python", "python3"}:
        return [python, str(RECORDER), *arguments]
    if script.is_file():
        return [python, str(RECORDER), str(script), *arguments]
    raise MeasuringError(
        f"`{program}` cannot be run under the recorder",
        where="drive",
        hint="write `drive: python script.py`, `python -m module`, `pytest ...` or a command that the project installs",
    )


def _record(
    site: RecordingSite,
    function: WatchedFunction,
    command: list[str],
    *,
    run: str,
    seconds: float,
    wanted: Wanted | None = None,
    measure: Message | None = None,
    makers: bool = False,
) -> tuple[Message, str]:
    """Run a command under the recorder; return the recording, empty if there is none, and a note on how it ended."""
    with temporary_folder("prprep-record-") as folder:
        out = folder / "seen.json"
        order = {
            "function": function.message(site.side.tree),
            "tree": str(site.side.tree),
            "depth": site.depth,
            "out": str(out),
            "seconds": OWN_SECONDS,
            "stem": site.stem,
            "measure": measure and {**measure, "profile": f"{folder}/profile.bin"},
            "secrets": {"forms": _forms_of_passed(site), "names": secrets.NAME},
            "wanted": wanted,
            "makers": makers,
            "boundaries": [name for name in site.boundaries if "." not in name and name not in COMMON_PACKAGES],
        }
        note, complete = "", False
        try:
            finished = site.run(command, seconds=seconds, writable=folder, PRPREP_RECORDER=json.dumps(order))
            note, complete = _outcome(finished, site, pytest="pytest" in command)
        except CommandFailedError:
            note = f"was stopped after {seconds:.0f} s"
        recording = _without_secrets(read_json(out), secrets.current(site.side.passed))
        return recording and {**recording, "run": run, "ran": complete or bool(recording["calls"])}, note


def _outcome(finished: programs.CompletedProgram, site: RecordingSite, *, pytest: bool) -> tuple[str, bool]:
    """Return a note on a run's end, and whether it went to its end."""
    if finished.code == 0:
        return "", True
    if pytest and finished.code == NOTHING_COLLECTED:
        return "no test was collected", False
    if pytest and finished.code == 1:
        errors = "; ".join(repairable(finished.output))
        return "some of its tests fail; calls that ended well count" + (f" ({errors})" if errors else ""), True
    return ending_of(finished, site), False


def _forms_of_passed(site: RecordingSite) -> list[str]:
    """Return what the recorder must not write of the variables that it gets; of long ones not every encoding.

    An environment cannot hold much. `_without_secrets` looks for all of them.
    """
    variables = {name: value for name, value in os.environ.items() if name in site.side.passed}
    forms = sorted(secrets.Secrets.of(variables, site.side.passed).forms, key=len)
    sizes = itertools.accumulate(len(json.dumps(form)) for form in forms)
    return [form for form, size in zip(forms, sizes, strict=True) if size < MOST_FORMS]


def _without_secrets(recording: Message, hidden: secrets.Secrets) -> Message:
    """Leave out calls whose code or data hold a secret, and mask it everywhere else."""

    def is_clean(call: Message) -> bool:
        return not hidden.are_in(json.dumps(call, ensure_ascii=False))

    if "kept" in recording:
        sample = [call if call is None or is_clean(call) else None for call in recording.get("sample", ())]
        recording = {**recording, "kept": list(filter(is_clean, recording["kept"])), "sample": sample}
    masked: Message = hidden.masked_in(recording)
    return masked
