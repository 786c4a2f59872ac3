"""Let the target's memray read the profiles that it wrote: call sites at the peak, and a flame graph beside each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandFailedError
from ...processes import programs
from ..workers import sandbox
from ..workers.workers import WORKER_FOLDER, WORKER_PROGRAMS, Settings, variables
from .sites import HeldMemory

if TYPE_CHECKING:
    from ...artifacts import Side
    from ...processes.progress import Report
    from ..request import Request

PROGRAM = WORKER_PROGRAMS / "memory/flamegraphs.py"
SUFFIX = ".flamegraph.html"
LONGEST_SECONDS = 300.0


def read_profiles(
    request: Request, side: Side, profiles: Mapping[str, Path], report: Report
) -> dict[str, tuple[HeldMemory, ...]]:
    """Return what is held at the peak for each of `profiles` (by benchmark call), and draw a flame graph beside each.

    What fails is reported and left out: evidence that was measured does not hang on how it is shown.
    """
    place = request.side(side)
    jobs = [
        {"key": key, "profile": str(profile), "flamegraph": str(_flamegraph(profile))}
        for key, profile in profiles.items()
    ]
    asked = {"side": side, "tree": str(place.tree.absolute()), "profiles": jobs}
    environment = variables(place, Settings(seed=1), {}, folder=place.tree)
    confinement = sandbox.wrapper(place, place.tree, worker=WORKER_FOLDER, writable=(request.profiles,))
    command: tuple[str | Path, ...] = (*confinement, place.python, PROGRAM)
    try:
        output = programs.run_bytes(
            command, cwd=place.tree, env=environment, timeout=LONGEST_SECONDS, stdin=json.dumps(asked).encode()
        )
    except CommandFailedError as error:
        report(f"no call sites and flame graphs of {side}: {error.what.splitlines()[-1]}")
        return {}
    answer = json.loads(output.splitlines()[-1])
    for key, read in answer.items():
        if read["failed"]:
            report(f"no {'call sites' if read['sites'] is None else 'flame graph'} of {side}, {key}: {read['failed']}")
    return {
        key: tuple(HeldMemory(*site) for site in read["sites"])
        for key, read in answer.items()
        if read["sites"] is not None
    }


def _flamegraph(profile: Path) -> Path:
    return profile.with_name(profile.name.removesuffix(".bin") + SUFFIX)
