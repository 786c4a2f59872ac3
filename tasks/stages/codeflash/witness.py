"""Read what our plugin saw in each of codeflash's pytest processes: how tests ended, and where modules came from."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from ...artifacts import Side

PLUGIN = "prprep_worker.outcomes.witness"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a test (or the collection of a file) ended: passed, skipped or failed, and what was raised."""

    outcome: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """One pytest process: its side, whether it was the pass for memory, and its tests by node id.

    `elsewhere` are modules of the project that did not come out of the side's worktree, with their files.
    """

    side: Side
    memory: bool
    tests: dict[str, Ended]
    modules: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()


def variables(folder: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Return what lets the plugin take part."""
    return {
        "PYTEST_PLUGINS": PLUGIN,
        "PRPREP_WITNESS": str(folder),
        "PRPREP_WITNESS_PACKAGES": os.pathsep.join(packages),
    }


def read(folder: Path) -> tuple[Witness, ...]:
    """Return what was seen in codeflash's worktrees, in the order base, head, timing before memory."""
    found = [_witness(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(filter(None, found), key=lambda each: (each.memory, each.side)))


def _witness(seen: dict[str, object]) -> Witness | None:
    folder = os.path.realpath(str(seen["folder"]))
    side = re.match(r"compare-(base|head)-", os.path.basename(folder))  # noqa: PTH119
    if not side:
        return None
    tests, modules = cast("dict[str, list[str]]", seen["tests"]), cast("dict[str, str]", seen["modules"])
    elsewhere = tuple(
        (name, file) for name, file in sorted(modules.items()) if not file.startswith(f"{folder}{os.sep}")
    )
    ended = {name: Ended(*how) for name, how in tests.items()}
    return Witness(
        cast("Literal['base', 'head']", side[1]), bool(seen["memory"]), ended, tuple(sorted(modules)), elsewhere
    )
