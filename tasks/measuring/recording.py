"""Run what calls a function, under a recorder, in one side's tree and environment; and try the code that comes of it."""

from __future__ import annotations

import json
import shlex
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import process
from ..errors import CommandFailedError, MeasuringError
from ..progress import silent
from .alone import alone
from .pytest_options import options
from .workers import WORKER_FOLDER, Settings, variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..progress import Report
    from .channel import Message
    from .request import SideRequest

OWN_SECONDS = 20.0
"""What recording itself may cost in one process."""
FILE_SECONDS = 40.0
"""For one file of tests."""
TRIAL_SECONDS = 30.0
LEAST = 5.0

OPEN = frozenset({"socket", "ssl"})
"""Of the network's packages those that much else imports as well."""
OURS = ("-p", "prprep_recorder", "--benchmark-disable")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function is recorded: a side, the folder of the project in its tree, and how deep its test will lie.

    `boundaries` are packages whose objects fakes may stand for; `lock` is held while anything runs.
    """

    side: SideRequest
    project: str
    depth: int
    boundaries: tuple[str, ...] = ()
    lock: Path | None = None

    @property
    def folder(self) -> Path:
        return self.side.tree / self.project


def record(place: Place, target: str, runs: Sequence[str], *, seconds: float, report: Report) -> tuple[list[Message], list[str]]:
    """Run tests (paths in the tree) one after the other while there is time; give what was seen in each, and notes."""
    ends, seen, notes = time.monotonic() + seconds, [], []
    for path in runs:
        left = ends - time.monotonic()
        if left < LEAST:
            notes.append(f"there was no time left for {path}")
            break
        report(f"recording calls of {target}: {path}")
        command = [str(place.side.python), "-m", "pytest", *options(place.side.tree, path, OURS)]
        found, note = _recorded(place, target, command, seconds=min(left, FILE_SECONDS))
        seen += [found] if found else []
        notes += [f"{path}: {note}"] if note else []
    return seen, notes


def record_command(place: Place, target: str, command: str, *, seconds: float, report: Report) -> tuple[list[Message], list[str]]:
    """Run a command of the manifest's: `python script.py ...`, `python -m module ...`, `pytest ...`; raise MeasuringError for others."""
    report(f"recording calls of {target}: {command}")
    words = shlex.split(command)
    python = str(place.side.python)
    script = Path(python).parent / words[0] if words else Path()
    if words[:1] == ["pytest"] or words[:3] == ["python", "-m", "pytest"]:
        rest = words[1:] if words[0] == "pytest" else words[3:]
        full = [python, "-m", "pytest", "-p", "prprep_recorder", *rest]
    elif words[:1] in (["python"], ["python3"]):
        full = [python, str(WORKER_FOLDER / "prprep_recorder.py"), *words[1:]]
    elif words and script.is_file():
        full = [python, str(WORKER_FOLDER / "prprep_recorder.py"), str(script), *words[1:]]
    else:
        now = "write `drive: python script.py`, `python -m module`, `pytest ...` or a command that the project installs"
        raise MeasuringError(f"`{command}` cannot be run under the recorder", where="drive", now=now)
    found, note = _recorded(place, target, full, seconds=seconds)
    return ([found] if found else []), ([f"{command}: {note}"] if note else [])


def try_code(place: Place, order: Message) -> Message:
    """Run code that was written from a recorded call; gives `seconds`, `changes`, `lazy` and `returned` (a type), or what was `raised`."""
    environment = variables(place.side, Settings(seed=1), {}, folder=place.folder)
    command = [str(place.side.python), str(WORKER_FOLDER / "prprep_trial.py")]
    try:
        done = process.run(command, cwd=place.folder, env=environment, stdin=json.dumps(order).encode(), timeout=TRIAL_SECONDS)
        answer: Message = json.loads(done.output)
    except CommandFailedError as error:
        return {"raised": error.what.splitlines()[0]}
    except ValueError:
        return {"raised": "the process ended without an answer"}
    return answer


def _recorded(place: Place, target: str, command: list[str], *, seconds: float) -> tuple[Message | None, str]:
    with alone(place.lock, silent), tempfile.TemporaryDirectory(prefix="prprep-record-") as folder:
        out = Path(folder) / "seen.json"
        orders = {"target": target, "tree": str(place.side.tree), "depth": place.depth, "out": str(out), "seconds": OWN_SECONDS}
        orders["boundaries"] = [name for name in place.boundaries if "." not in name and name not in OPEN]
        environment = variables(place.side, Settings(seed=1), {"PRPREP_RECORDER": json.dumps(orders)}, folder=place.folder)
        note = ""
        try:
            ended = process.run(command, cwd=place.folder, env=environment, timeout=seconds, check=False)
            if ended.code not in (0, 5):
                note = f"ended with exit code {ended.code}"
        except CommandFailedError:
            note = f"was ended after {seconds:.0f} s"
        try:
            found: Message = json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None, note
        return found, note
