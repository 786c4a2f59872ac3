"""Let the target's memray read the profiles that it wrote: call sites at the peak, and a flame graph next to each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ...artifacts import Side
from ...errors import CommandFailedError
from ...processes import programs
from ...processes.progress import Report
from ..request import Request
from ..workers import sandbox
from ..workers.workers import WORKER_FOLDER, WORKER_PROGRAMS, Settings, variables
from .sites import HeldMemory

PROGRAM = WORKER_PROGRAMS / "memory/flamegraphs.py"
SUFFIX = ".flamegraph.html"
LONGEST_SECONDS = 300.0


def read_profiles(
    request: Request, side: Side, profiles: Mapping[str, Path], report: Report
) -> dict[str, tuple[HeldMemory, ...]]:
    """Return what is held at the peak for each of `profiles` (by benchmark call), and draw a flame graph next to each.

    Failures are reported and left out: the measurements are valid without them.
    """
    side_request = request.side(side)
    tree = side_request.tree
    jobs = [
        {"key": key, "profile": str(profile), "flamegraph": str(profile).removesuffix(".bin") + SUFFIX}
        for key, profile in profiles.items()
    ]
    order = {"side": side, "tree": str(tree.absolute()), "profiles": jobs}
    confinement = sandbox.wrapper(side_request, tree, worker=WORKER_FOLDER, writable=(request.profiles,))
    command: tuple[str | Path, ...] = (*confinement, side_request.python, PROGRAM)
    environment = variables(side_request, Settings(seed=1), {}, folder=tree)
    try:
        output = programs.run(
            command, cwd=tree, env=environment, timeout=LONGEST_SECONDS, stdin=json.dumps(order).encode(), limit=None
        ).raw
    except CommandFailedError as error:
        report(f"no call sites and flame graphs of {side}: {error.what.splitlines()[-1]}")
        return {}
    answers = json.loads(output.splitlines()[-1])
    for key, answer in answers.items():
        if answer["failed"]:
            missing = "call sites" if answer["sites"] is None else "flame graph"
            report(f"no {missing} of {side}, {key}: {answer['failed']}")
    return {
        key: tuple(HeldMemory(*site) for site in answer["sites"])
        for key, answer in answers.items()
        if answer["sites"] is not None
    }
