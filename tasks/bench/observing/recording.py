"""Run what calls a function, under a recorder, in one side's tree and environment; and try the code that comes of it."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandFailedError, MeasuringError
from ...processes import programs
from ...processes.progress import silent
from ..machine import exclusive
from ..workers.pytest_options import options, warning_filters
from ..workers.workers import WORKER_PROGRAMS, Settings, variables

if TYPE_CHECKING:
    from ...artifacts import RecordedCall
    from ...processes.progress import Report
    from ..request import SideRequest
    from ..workers.channel import Message

OWN_SECONDS = 20.0
"""What recording itself may cost in one process."""
FILE_SECONDS = 40.0
"""For one file of tests."""
TRIAL_SECONDS = 30.0
TRIAL = "test_trial.py"
LEAST = 5.0
LONGEST = 160
"""Characters of an error that a run ended with."""

OPEN = frozenset({"socket", "ssl"})
"""Of the network's packages those that much else imports as well."""
RECORDER = WORKER_PROGRAMS / "recording/recorder.py"
OURS = (
    "-p",
    "prprep_worker.recording.recorder",
    "--benchmark-disable",
    "-W",
    "ignore::pytest.PytestDeprecationWarning",
)
"""What pytest itself will take back one day stops nobody from recording now, also where warnings are errors."""


@dataclass(frozen=True, slots=True)
class RecordingSite:
    """Where a function is recorded: a side, the folder of the project in its tree, and how deep its test will lie.

    `boundaries` are packages whose objects fakes may stand for; `lock` is held while anything runs; names of files that are
    kept beside the test begin with `stem`, `root` is the folder of benchmarks in the tree.
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


def record(
    place: RecordingSite, target: str, runs: Sequence[str], *, seconds: float, report: Report
) -> tuple[list[Message], list[str]]:
    """Run tests (paths in the tree) one after the other while there is time; give what was seen in each, and notes."""
    ends, seen, notes = time.monotonic() + seconds, [], []
    for path in runs:
        left = ends - time.monotonic()
        if left < LEAST:
            notes.append(f"there was no time left for {path}")
            break
        report(f"recording calls of {target}: {path}")
        found, note = _recorded(place, target, _pytest(place, path), seconds=min(left, FILE_SECONDS))
        seen += [found] if found else []
        notes += [f"{path}: {note}"] if note else []
    return seen, notes


def record_command(
    place: RecordingSite, target: str, command: str, *, seconds: float, report: Report
) -> tuple[list[Message], list[str]]:
    """Run a command of the manifest's: `python script.py ...`, `python -m module ...`, `pytest ...`; raise MeasuringError for others."""
    report(f"recording calls of {target}: {command}")
    found, note = _recorded(place, target, _driven(place, command), seconds=seconds)
    return ([found] if found else []), ([f"{command}: {note}"] if note else [])


def _pytest(place: RecordingSite, node: str) -> list[str]:
    return [str(place.side.python), "-m", "pytest", *options(place.side.tree, node, OURS)]


def _driven(place: RecordingSite, command: str) -> list[str]:
    words = shlex.split(command)
    python = str(place.side.python)
    script = Path(python).parent / words[0] if words else Path()
    if words[:1] == ["pytest"] or words[:3] == ["python", "-m", "pytest"]:
        rest = words[1:] if words[0] == "pytest" else words[3:]
        return [python, "-m", "pytest", "-p", "prprep_worker.recording.recorder", *rest]
    if words[:1] in (["python"], ["python3"]):
        return [python, str(RECORDER), *words[1:]]
    if words and script.is_file():
        return [python, str(RECORDER), str(script), *words[1:]]
    now = "write `drive: python script.py`, `python -m module`, `pytest ...` or a command that the project installs"
    raise MeasuringError(f"`{command}` cannot be run under the recorder", where="drive", hint=now)


def allocations_of_fakes(
    place: RecordingSite, target: str, command: str, call: RecordedCall
) -> tuple[dict[str, int], str]:
    """Run what made a call once more, and let memray see what models and the network allocate at their peak meanwhile.

    Give the bytes by `parameter:method`, and why there are none. `command` is the manifest's, "" where tests were run.
    """
    wanted = [[fake.parameter, method.method] for fake in call.fakes for method in fake.methods]
    words = _driven(place, command) if command else _pytest(place, call.test)
    with tempfile.TemporaryDirectory(prefix="prprep-profile-") as folder:
        measured = {
            "test": call.test,
            "size": call.size,
            "wanted": wanted,
            "profile": str(Path(folder) / "profile.bin"),
        }
        found, note = _recorded(place, target, words, seconds=FILE_SECONDS, measure=measured)
    seen: dict[str, int] = (found or {}).get("peaks", {})
    return seen, "" if seen else (found or {}).get("why_not") or note or "the call was not made again"


def try_code(place: RecordingSite, order: Message, data: Mapping[str, bytes] | None = None) -> Message:
    """Run code that was written from a recorded call, where its test would lie, with its files of `data` beside it.

    Warnings are what the project's own pytest makes of them: errors, where it is configured so. Where fixtures give arguments,
    pytest itself runs the code.
    Gives `seconds`, `changes`, `lazy`, `returned` (a type) and the `size` of its inputs, or what was `raised`.
    """
    with tempfile.TemporaryDirectory(prefix="prprep-trial-") as folder:
        if order.get("fixtures"):
            return _under_pytest(place, order, data or {}, Path(folder))
        root = _mirrored(place, Path(folder), data) if data else place.side.tree / place.root
        filters = warning_filters(place.side.tree, place.side.tree / place.root / TRIAL)
        asked = json.dumps({**order, "file": str(root / TRIAL), "filters": filters}).encode()
        command = [str(place.side.python), str(WORKER_PROGRAMS / "recording/trial.py")]
        try:
            done = programs.run(
                command, cwd=place.folder, env=_trial_variables(place), stdin=asked, timeout=TRIAL_SECONDS
            )
            answer: Message = json.loads(done.output)
        except CommandFailedError as error:
            return {"raised": error.what.splitlines()[0]}
        except ValueError:
            return {"raised": "the process ended without an answer"}
    return answer


def _trial_variables(place: RecordingSite, **extra: str) -> dict[str, str]:
    return variables(place.side, Settings(seed=1), extra, folder=place.folder)


def _under_pytest(place: RecordingSite, order: Message, data: Mapping[str, bytes], folder: Path) -> Message:
    """Try code in a test that takes fixtures of the project."""
    fixtures = ", ".join(order["fixtures"])
    test = f"from prprep_worker.recording import trial\n\n\ndef test_trial({fixtures}):\n    trial.answer({fixtures})\n"
    tree = folder / "tree"
    tree.mkdir()
    root = _mirrored(place, tree, {**data, TRIAL: test.encode()})
    out = folder / "answer.json"
    filters = warning_filters(place.side.tree, place.side.tree / place.root / TRIAL)
    asked = folder / "order.json"
    asked.write_text(
        json.dumps({**order, "file": str(root / TRIAL), "filters": filters, "out": str(out)}), encoding="utf-8"
    )
    own = ("-p", "no:cacheprovider", "--import-mode=importlib")
    command = [str(place.side.python), "-m", "pytest", *options(tree, f"{place.root}/{TRIAL}", own)]
    try:
        programs.run(
            command,
            cwd=place.folder,
            env=_trial_variables(place, PRPREP_TRIAL=str(asked)),
            timeout=TRIAL_SECONDS,
            check=False,
        )
        answer: Message = json.loads(out.read_text(encoding="utf-8"))
    except CommandFailedError as error:
        return {"raised": error.what.splitlines()[0]}
    except (OSError, ValueError):
        return {"raised": f"with the fixtures that the test takes ({fixtures}), it did not come to the call"}
    return answer


def _mirrored(place: RecordingSite, folder: Path, data: Mapping[str, bytes]) -> Path:
    """Make a folder of benchmarks that seems to lie in the tree, with files of its own: the tree itself stays as it is."""
    here, there = folder, place.side.tree
    for part in [*filter(None, place.root.split("/")), ""]:
        for entry in there.iterdir() if there.is_dir() else ():
            if entry.name != part and not (part == "" and entry.name in data):
                (here / entry.name).symlink_to(entry)
        here, there = here / part, there / part
        here.mkdir(exist_ok=True)
    for name, content in data.items():
        (here / name).write_bytes(content)
    return here


def _recorded(
    place: RecordingSite, target: str, command: list[str], *, seconds: float, measure: Message | None = None
) -> tuple[Message | None, str]:
    with exclusive(place.lock, silent), tempfile.TemporaryDirectory(prefix="prprep-record-") as folder:
        out = Path(folder) / "seen.json"
        orders: Message = {
            "target": target,
            "tree": str(place.side.tree),
            "depth": place.depth,
            "out": str(out),
            "seconds": OWN_SECONDS,
        }
        orders |= {"stem": place.stem, "root": place.root, "measure": measure}
        orders["boundaries"] = [name for name in place.boundaries if "." not in name and name not in OPEN]
        environment = variables(
            place.side, Settings(seed=1), {"PRPREP_RECORDER": json.dumps(orders)}, folder=place.folder
        )
        note = ""
        try:
            ended = programs.run(command, cwd=place.folder, env=environment, timeout=seconds, check=False)
            if ended.code not in (0, 5):
                fails = ended.code == 1 and "pytest" in command
                note = "some of its tests fail; calls that ended well count" if fails else _ended(ended, place)
        except CommandFailedError:
            note = f"was ended after {seconds:.0f} s"
        try:
            found: Message = json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None, note
        return found, note


def _ended(ended: programs.CompletedProgram, place: RecordingSite) -> str:
    """Say how a run ended that did not go well, with the last error that pytest shows."""
    errors = [line[1:].strip() for line in ended.output.splitlines() if line.startswith("E  ")]
    told = next((line for line in errors if re.match(r"[\w.]+(Error|Exception|Warning): ", line)), "").replace(
        f"{place.side.tree}/", ""
    )
    return f"ended with exit code {ended.code}" + (f" ({told[:LONGEST]})" if told else "")
