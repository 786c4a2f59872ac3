"""What a scheduler hands to a worker: one function, known by the same name wherever prprep runs.

In a checkout the package is `tasks`, installed it is `prprep`; pickle refers to a function by its module.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

MODULE: Final = "prprep_cluster_entry"
TOPIC: Final = "prprep"
"""Of dask's events that carry the lines of running jobs."""

WORKERS: Final[list[Callable[..., dict[str, Any]]]] = []
"""What performs a job in this process; empty unless it is a worker of prprep's."""


def perform(job: bytes, commits: bytes | None, variables: dict[str, str], label: str) -> dict[str, Any]:
    """Perform a job on this worker; its arguments and result are plain, so that versions can differ."""
    if not WORKERS:
        return {"refused": "it was started by something else than `prprep worker`"}
    return WORKERS[0](job, commits, variables, label)


sys.modules.setdefault(MODULE, sys.modules[__name__])
perform.__module__ = MODULE
