"""Time the import of a module on both sides, before it is known what to measure."""

from collections.abc import Iterator

from ...errors import CommandFailedError
from ...processes.progress import silent
from ...processes.scratch import temporary_folder
from ..exclusive import exclusive
from .site import RecordingSite

IMPORTS = 7
"""Imports in processes of their own on each side, of which the fastest counts."""
SECONDS = 20.0
PROGRAM = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def import_seconds(base: RecordingSite, head: RecordingSite, module: str) -> tuple[float | None, float | None]:
    """Return how long a module's import takes on each side, at best; None if it fails."""
    times: dict[RecordingSite, list[float]] = {base: [], head: []}
    with exclusive(base.lock, silent):
        for _ in range(IMPORTS):
            for site in (base, head):
                times[site] += _imported(site, module)
    return min(times[base], default=None), min(times[head], default=None)


def _imported(site: RecordingSite, module: str) -> Iterator[float]:
    command = (str(site.side.python), "-c", PROGRAM.format(module))
    with temporary_folder("prprep-import-") as folder:
        try:
            finished = site.run(command, seconds=SECONDS, writable=folder)
            yield float(finished.output.split()[-1])
        except (CommandFailedError, ValueError, IndexError):
            return
