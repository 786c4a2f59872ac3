"""Read what our plugin recorded in each of codeflash's pytest processes: how tests ended, where modules came from."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ...artifacts import Side
from ...bench.node_ids import NodeIds
from ...storage.files import read_regular

PLUGIN = "prprep_worker.outcomes.witness"


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """How a test (or the collection of a file) ended: passed, skipped or failed, and the error."""

    outcome: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class PytestProcess:
    """One pytest process: its side, whether it was the memory pass, and its tests by node id.

    `elsewhere` are the project's modules that came from outside the side's worktree, with their files.
    """

    side: Side
    memory: bool
    tests: dict[str, NodeOutcome]
    modules: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()


def variables(folder: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Return the environment variables that load and configure the plugin."""
    return {
        "PYTEST_PLUGINS": PLUGIN,
        "PRPREP_WITNESS": str(folder),
        "PRPREP_WITNESS_PACKAGES": os.pathsep.join(packages),
    }


def read(folder: Path) -> tuple[PytestProcess, ...]:
    """Return the processes in codeflash's worktrees: base, head, timing before memory."""
    contents = filter(None, map(read_regular, sorted(folder.glob("*.json"))))
    processes = [_process(json.loads(content)) for content in contents]
    return tuple(sorted(filter(None, processes), key=lambda process: (process.memory, process.side)))


def _process(recorded: dict[str, object]) -> PytestProcess | None:
    folder = os.path.realpath(str(recorded["folder"]))
    side = re.match(r"compare-(base|head)-", os.path.basename(folder))  # noqa: PTH119
    if not side:
        return None
    tests, modules = cast("dict[str, list[str]]", recorded["tests"]), cast("dict[str, str]", recorded["modules"])
    elsewhere = tuple(
        (name, file) for name, file in sorted(modules.items()) if not file.startswith(f"{folder}{os.sep}")
    )
    ids = NodeIds(Path(folder)).stable(tests)
    outcomes = {ids[name]: NodeOutcome(*fields) for name, fields in tests.items()}
    return PytestProcess(cast("Side", side[1]), bool(recorded["memory"]), outcomes, tuple(sorted(modules)), elsewhere)
