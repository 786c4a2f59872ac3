"""Run a job on this machine: the code of a local measurement, with the inputs in the file."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ..artifacts import Samples
from ..bench import machine, trees
from ..bench.cache import keep_within_limit
from ..bench.setup import ItemArtifacts, Sampling
from ..errors import ArchiveError, PrprepError, SystemCallError
from ..git import Clone
from ..git.bundles import Bundle
from ..processes import secrets
from ..processes.progress import Report
from ..processes.scratch import scratch_folder
from ..stages.measure import measure
from ..storage.archives import MOST_EXPANSION
from ..storage.files import write_whole
from ..storage.hashing import read_bytes
from ..storage.journal import Journal
from ..storage.paths import ItemPaths, with_relative_paths
from .files import LOG, Failed, Job, Result
from .packing import ARTIFACTS, FILES

SAMPLES: Final = "samples.json"
PROFILES: Final = "profiles/"


@dataclass(slots=True)
class JobContext:
    """What setting up the sides needs besides the item: everything but the cache lies in `folder`."""

    folder: Path
    state: Path
    cache: Path
    report: Report
    bundle: Bundle

    @property
    def worktree(self) -> Path:
        """The folder with the bytes of the injected files, by their paths in both trees."""
        return self.folder / FILES

    def clone(self) -> Clone:
        return Clone.of_bundle(self.bundle, self.cache)


def measure_job(file: Path, output: Path, *, cache: Path, report: Report) -> None:
    """Measure in this process, and write the result, which may be why it failed.

    Raises ArchiveError if the file is not a job.
    """
    job, files = Job.read(file)
    with scratch_folder(cache) as folder:
        state, error = folder / "state", None
        journal = Journal(state / LOG)
        python, results = platform.python_version(), {}
        try:
            samples = _measured(job, files, folder, cache=cache, report=journal.listening(report))
            python, results = samples.base.python, dict(_products(state, journal.listening(report)))
            results[SAMPLES] = samples.serialized(job.fingerprint).encode()
        except (PrprepError, OSError) as raised:
            failure = SystemCallError(raised) if isinstance(raised, OSError) else raised
            journal.failed(failure)
            error = _failed(failure, folder, cache)
        except Exception as raised:  # noqa: BLE001 - a defect is reported by `collect` as well
            journal.write(traceback.format_exc())
            what = with_relative_paths(f"this is a defect of prprep: {type(raised).__name__}: {raised}", folder, cache)
            error = Failed(what=secrets.masked(what), hint="please report it with the end of the log", defect=True)
        log = (read_bytes(state / LOG) or b"").decode(errors="replace")
        results[LOG] = with_relative_paths(log, folder, cache).encode()
        result = Result.of(job, machine.platform_description(python), results, error)
        write_whole(output, result.archive(results))
    keep_within_limit(cache, report)


def result_of_failure(file: Path, error: PrprepError) -> bytes:
    """Return the result of a job whose process ended without one."""
    job, _ = Job.read(file)
    described = machine.platform_description(platform.python_version())
    return Result.of(job, described, {}, _failed(error)).archive({})


def _measured(job: Job, files: Mapping[str, bytes], folder: Path, *, cache: Path, report: Report) -> Samples:
    paths = ItemPaths(job.item, folder / "artifacts", folder)
    try:
        item, context = job.optimization, JobContext(folder, folder / "state", cache, report, job.bundle(files))
        for model in ARTIFACTS:
            write_whole(paths.artifact(model.STAGE), files[f"{model.STAGE}.json"])
        context.worktree.mkdir()
        for name in (name for name in files if name.startswith(FILES)):
            trees.write_into(context.worktree, name.removeprefix(FILES), files[name])
        artifacts = ItemArtifacts.read(paths)
    except (KeyError, ValidationError, PrprepError) as error:
        reason = error.what if isinstance(error, PrprepError) else "a part is missing, or not as prprep writes it"
        raise ArchiveError(f"this job cannot be run: {reason}", hint="pack the item again") from None
    secrets.pass_variables(item.env.passed)
    for name in (name for name in item.env.passed if name not in os.environ):
        report(f"{name}, which the manifest passes to the project's code, is not set on this machine")
    sampling = Sampling(item.budget, job.confidence, job.negligible, item.cores)
    return measure.take_samples(item, artifacts, context, sampling=sampling, seed=job.seed)


def _products(state: Path, report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield the other files that measuring wrote; report and skip the profiles for which an archive has no room."""
    for file in measure.benchmark_files(state):
        if file.exists():
            yield file.name, file.read_bytes()
    rest = MOST_EXPANSION // 2
    profiles = [path for path in (state / PROFILES).glob("*") if path.is_file()]
    for profile in sorted(profiles, key=lambda path: path.stat().st_size):
        rest -= profile.stat().st_size
        if rest < 0:
            report(f"the profile {profile.name} is too large for the result, and left out")
        else:
            yield PROFILES + profile.name, profile.read_bytes()


def _failed(error: PrprepError, *folders: Path) -> Failed:
    texts = (secrets.masked(with_relative_paths(text, *folders)) for text in (error.what, error.where, error.hint))
    what, where, hint = texts
    return Failed(what=what, where=where, hint=hint)
