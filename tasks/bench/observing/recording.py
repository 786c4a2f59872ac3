"""Record calls of a function while tests or a command run on one side, and try code written from them."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...artifacts import RecordedCall
from ...environments.diagnoses import diagnose
from ...errors import CommandFailedError, MeasuringError
from ...processes import programs, secrets
from ...processes.progress import Report, silent
from ...storage.files import read_json
from ..exclusive import exclusive
from ..request import SideRequest
from ..workers import sandbox
from ..workers.channel import Message
from ..workers.pytest_options import TOLERANT, driven, options, warning_filters
from ..workers.workers import WORKER_FOLDER, WORKER_PROGRAMS, Settings, ended, variables

OWN_SECONDS = 20.0
"""What recording itself may cost in one process."""
FILE_SECONDS = 40.0
"""For one file of tests."""
TRIAL_SECONDS = 30.0
TRIAL = "test_trial.py"
LEAST_SECONDS = 5.0
MOST_FORMS = 64 << 10
"""Characters of secrets in an order; a variable can hold twice as many."""
LONGEST = 160
"""Characters of an error that a run ended with."""

NOTHING_COLLECTED = 5
"""pytest's exit code."""

COMMAND = "the command of `drive`"
"""How artifacts, bodies and progress lines name it: its arguments may be anything, and are the user's own."""
COMMON_PACKAGES = frozenset({"socket", "ssl"})
"""Packages for the network that much else imports as well."""
RECORDER = WORKER_PROGRAMS / "recording/plugin.py"
PLUGIN = "prprep_worker.recording.plugin"
PLUGIN_OPTIONS = (*TOLERANT, "-p", PLUGIN, "--benchmark-disable", "-W", "ignore::pytest.PytestDeprecationWarning")
"""A deprecation in pytest does not stop recording, even if warnings are errors."""


TestRun = tuple[str, ...]
"""Tests of one file, by pytest's ids with the file's path in the tree, or the file alone."""
Wanted = Mapping[str, Sequence[int]]
"""The numbers of calls whose arguments are kept, by test; a call is counted in its test, from 1."""


@dataclass(frozen=True, slots=True)
class WatchedFunction:
    """A function of one side: `module:name` as code calls it; path in the tree and first line, as others may have it.

    Without a line, the function is found by its name alone.
    """

    called: str
    path: str = ""
    line: int = 0

    def message(self, tree: Path) -> Message:
        return {"called": self.called, "file": os.path.realpath(tree / self.path), "line": self.line}


@dataclass(frozen=True, slots=True)
class RecordingSite:
    """A side and the `project` folder in its tree; the test to write will lie `depth` folders deep.

    `boundaries` are packages whose objects may be replaced by fakes; `lock` is held while anything runs; names of files
    stored next to the test begin with `stem`; `root` is the folder of benchmarks in the tree.
    """

    side: SideRequest
    project: str
    depth: int
    boundaries: tuple[str, ...] = ()
    lock: Path | None = None
    stem: str = "benchmark"
    root: str = "tests/benchmarks"

    @property
    def folder(self) -> Path:
        return self.side.tree / self.project

    def run(
        self, command: Sequence[str], *, seconds: float, writable: Path, stdin: bytes = b"", **extra: str
    ) -> programs.CompletedProgram:
        """Run a command in the project's folder, confined if the side is; it may write to the folder `writable` too."""
        confinement = sandbox.wrapper(self.side, self.folder, worker=WORKER_FOLDER, writable=(writable,))
        environment = variables(self.side, Settings(seed=1), extra, folder=self.folder)
        return programs.run(
            (*confinement, *command), cwd=self.folder, env=environment, timeout=seconds, stdin=stdin, check=False
        )


def record(
    site: RecordingSite,
    function: WatchedFunction,
    runs: Sequence[TestRun],
    *,
    wanted: Wanted | None = None,
    seconds: float,
    report: Report,
) -> tuple[list[Message], list[str]]:
    """Make the runs one after the other while there is time; return a recording of each, and notes.

    A recording has what was `run`, and whether it `ran` at least one test, or called the target.
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
            recording, note = _record(site, function, _pytest(site, *tests), run=path, seconds=limit, wanted=wanted)
            recordings += [recording] if recording else []
            notes += [f"{path}: {note}"] if note else []
    return recordings, notes


def record_command(
    site: RecordingSite, function: WatchedFunction, command: str, *, seconds: float, report: Report
) -> tuple[list[Message], list[str]]:
    """Run a command of the manifest (see the hint of `_driven`); raise MeasuringError if it cannot be recorded."""
    report(f"recording calls of {function.called}: {COMMAND}")
    arguments = _driven(site, command)
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
    arguments = _driven(site, command) if command else _pytest(site, call.test)
    measure = {"test": call.test, "size": call.size, "wanted": methods}
    with exclusive(site.lock, silent):
        recording, note = _record(site, function, arguments, run=call.test, seconds=FILE_SECONDS, measure=measure)
    peaks: dict[str, int] = recording.get("peaks", {})
    return peaks, "" if peaks else recording.get("why_not") or note or "the call was not repeated"


def _pytest(site: RecordingSite, *nodes: str) -> list[str]:
    return [str(site.side.python), "-m", "pytest", *options(site.side.tree, *nodes, own=PLUGIN_OPTIONS)]


def _driven(site: RecordingSite, command: str) -> list[str]:
    program, *arguments = shlex.split(command) or [""]
    python = str(site.side.python)
    script = Path(python).parent / program
    if program in {"python", "python3"} and arguments[:2] == ["-m", "pytest"]:
        program, arguments = "pytest", arguments[2:]
    if program in {"pytest", "py.test"}:
        return [python, "-m", "pytest", *driven(site.side.tree, site.folder, arguments, PLUGIN_OPTIONS)]
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
) -> tuple[Message, str]:
    """Run a command under the recorder; return the recording, empty if there is none, and a note on how it ended."""
    with tempfile.TemporaryDirectory(prefix="prprep-record-") as folder:
        out = Path(folder) / "seen.json"
        order = {
            "function": function.message(site.side.tree),
            "tree": str(site.side.tree),
            "depth": site.depth,
            "out": str(out),
            "seconds": OWN_SECONDS,
            "stem": site.stem,
            "root": site.root,
            "measure": measure and {**measure, "profile": f"{folder}/profile.bin"},
            "secrets": {"forms": _forms_of_passed(site), "names": secrets.NAME},
            "wanted": wanted,
            "boundaries": [name for name in site.boundaries if "." not in name and name not in COMMON_PACKAGES],
        }
        note, complete = "", False
        try:
            finished = site.run(command, seconds=seconds, writable=Path(folder), PRPREP_RECORDER=json.dumps(order))
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
        error = repairable(finished.output)
        return "some of its tests fail; calls that ended well count" + (f" ({error})" if error else ""), True
    return ending_of(finished, site), False


def repairable(output: str) -> str:
    """Return the error in an output, if installing a known package repairs it."""
    match = diagnose(output, "benchmark")
    found = match.diagnosis.pattern.search(output) if match and match.requirement else None
    return found[0] if found else ""


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


def ending_of(finished: programs.CompletedProgram, site: RecordingSite) -> str:
    """Return a failed run's exit code, with the first error that pytest shows, or the last one of a script."""
    # pytest shows errors of a conftest on the other stream.
    lines = f"{finished.output}\n{finished.error}".splitlines()
    shown = [line[1:].strip() for line in lines if line.startswith("E  ")]
    own = [line.removeprefix("INTERNALERROR> ").strip() for line in reversed(finished.error.splitlines())]
    error = next((line for line in (*shown, *own) if re.match(r"[\w.]+(Error|Exception|Warning): ", line)), "")
    message = error.replace(f"{site.side.tree}/", "")[:LONGEST]
    return f"ended with exit code {finished.code}" + (f" ({message})" if message else "")


# -- trying code that was written from a recording --------------------------------------------------


def try_code(site: RecordingSite, order: Message, data: Mapping[str, bytes] | None = None) -> Message:
    """Run code written from a recorded call in the folder of its future test, with the files `data` next to it.

    The project's own pytest configuration decides whether warnings are errors. If fixtures provide arguments, pytest
    runs the code. Returns `seconds`, `changes`, `lazy`, `returned` (a type) and the `size` of its inputs, or what was
    `raised`.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="prprep-trial-") as folder:
            if order.get("fixtures"):
                return _under_pytest(site, order, data or {}, Path(folder))
            root = _mirrored(site, Path(folder), data) if data else site.side.tree / site.root
            command = [str(site.side.python), str(WORKER_PROGRAMS / "recording/trial.py")]
            stdin = _order(site, order, root).encode()
            finished = site.run(command, seconds=TRIAL_SECONDS, writable=Path(folder), stdin=stdin)
    except CommandFailedError as error:
        return {"raised": error.what.splitlines()[0]}
    try:
        answer: Message = json.loads(finished.output)
    except ValueError:
        return {"raised": f"its process {ended(finished.code)} without an answer"}
    return answer


def _order(site: RecordingSite, order: Message, root: Path, **more: str) -> str:
    filters = warning_filters(site.side.tree, site.side.tree / site.root / TRIAL)
    return json.dumps({**order, "file": str(root / TRIAL), "filters": filters, **more})


def _under_pytest(site: RecordingSite, order: Message, data: Mapping[str, bytes], folder: Path) -> Message:
    fixtures = ", ".join(order["fixtures"])
    test = f"from prprep_worker.recording import trial\n\n\ndef test_trial({fixtures}):\n    trial.answer({fixtures})\n"
    tree, out, stored_order = folder / "tree", folder / "answer.json", folder / "order.json"
    tree.mkdir()
    root = _mirrored(site, tree, {**data, TRIAL: test.encode()})
    stored_order.write_text(_order(site, order, root, out=str(out)), encoding="utf-8")
    own = ("-p", "no:cacheprovider", "--import-mode=importlib")
    command = [str(site.side.python), "-m", "pytest", *options(tree, f"{site.root}/{TRIAL}", own=own)]
    site.run(command, seconds=TRIAL_SECONDS, writable=folder, PRPREP_TRIAL=str(stored_order))
    return read_json(out) or {"raised": f"with the fixtures that the test takes ({fixtures}), the call was not reached"}


def _mirrored(site: RecordingSite, folder: Path, data: Mapping[str, bytes]) -> Path:
    """Create the folder of benchmarks, with `data` in it, in a copy of the tree made of links."""
    copy, original = folder, site.side.tree
    for part in [*filter(None, site.root.split("/")), ""]:
        for entry in original.iterdir() if original.is_dir() else ():
            if entry.name != part and not (part == "" and entry.name in data):
                (copy / entry.name).symlink_to(entry)
        copy, original = copy / part, original / part
        copy.mkdir(exist_ok=True)
    for name, content in data.items():
        (copy / name).write_bytes(content)
    return copy
