"""Accept the result of another machine if this one would have measured the same inputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from .. import pipeline
from ..artifacts import SIDES, Injection, Samples
from ..errors import ArchiveError, JobError, PrprepError
from ..processes.progress import Report
from ..processes.scratch import scratch_folder
from ..stages.measure import STAGE, measure
from ..staleness import StageInputs, Staleness, differences
from ..storage.files import write_whole
from ..storage.journal import Journal
from .files import LOG, Result
from .packing import require_prepared
from .running import PROFILES, SAMPLES


def collect(staleness: Staleness, file: Path, result: Result, files: Mapping[str, bytes], *, report: Report) -> None:
    """Write the artifacts of a result as if they had been measured here.

    Raises JobError if the item has changed since it was packed, and the other machine's error if it failed.
    """
    _check(staleness, result)
    samples = None if result.error else _samples(staleness, file, result, files)
    work = partial(_take_over, staleness, result, samples, files)
    pipeline.perform(staleness, STAGE, result.item, report, run=work)


def _check(staleness: Staleness, result: Result) -> None:
    """Raise JobError unless the item still has the inputs that were packed."""
    require_prepared(staleness, result.item)
    if result.fingerprint != staleness.fingerprint(STAGE, result.item):
        now = json.loads(json.dumps(staleness.made_from(STAGE, result.item)))
        changes = "; ".join(differences(result.made_from, now)) or "it is an item of another manifest"
        what = f"this is not a result of the item as it is now: {changes}"
        raise JobError(what, where=result.item, hint=f"pack and run it again: `prprep job pack {result.item}`")


def _samples(staleness: Staleness, file: Path, result: Result, files: Mapping[str, bytes]) -> Samples:
    """Read the samples; raise ArchiveError if they are not of the trees and the benchmark that were packed."""
    unexpected = {name for name in files if not _is_expected(name)}
    with scratch_folder(staleness.workspace.cache) as folder:
        write_whole(folder / SAMPLES, files.get(SAMPLES, b""))
        try:
            samples = Samples.read(folder / SAMPLES)
        except PrprepError:
            raise ArchiveError(f"its {SAMPLES} is broken", where=str(file), hint="run the job again") from None
    injection = staleness.workspace.paths.item(result.item).read(Injection)
    pairs = [(getattr(samples, side).tree, getattr(injection, side).tree) for side in SIDES]
    pairs += [(samples.item, result.item), (samples.benchmark_sha256, injection.benchmark_sha256)]
    if unexpected or any(theirs != ours for theirs, ours in pairs):
        what = "its samples are not of the commits and the benchmark that it names"
        raise ArchiveError(what, where=str(file), hint="run the job again")
    return samples


def _is_expected(name: str) -> bool:
    own = {SAMPLES, LOG, *(file.name for file in measure.benchmark_files(Path()))}
    path = PurePosixPath(name)
    return name in own or f"{path.parent}/" == PROFILES


def _take_over(
    staleness: Staleness, result: Result, samples: Samples | None, files: Mapping[str, bytes], inputs: StageInputs
) -> None:
    paths = staleness.workspace.paths.item(result.item)
    log = files.get(LOG, b"").decode(errors="replace").rstrip()
    Journal(paths.log).write(f"on {result.platform}:\n{log}")
    if result.error or samples is None:
        raise _raised(result)
    shutil.rmtree(paths.profiles, ignore_errors=True)
    for name, content in files.items():
        if name not in (SAMPLES, LOG):
            write_whole(paths.state / name, content)
    inputs.write(samples)


def _raised(result: Result) -> PrprepError:
    error = result.error
    if error is None:
        return JobError("there are no samples in it", where=result.item)
    return PrprepError(f"{error.what}\n(on {result.platform})", where=error.where, hint=error.hint)
