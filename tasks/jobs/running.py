"""Run a job on this machine: the code of a local run, with the inputs in the file."""

import os
import platform
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from .. import pipeline
from ..artifacts import Samples, Scaffolding
from ..bench import machine, trees
from ..bench.cache import keep_within_limit
from ..errors import ArchiveError, PrprepError, SystemCallError
from ..git import Clone
from ..git.bundles import Bundle
from ..manifest.model import Manifest, Optimization
from ..processes import secrets
from ..processes.progress import Report
from ..processes.scratch import scratch_folder
from ..stages.measure import measure
from ..staleness import StageInputs, Staleness, Uses, name_of_condition
from ..storage.archives import MOST_EXPANSION
from ..storage.artifact import Artifact
from ..storage.cache import RunCache
from ..storage.files import write_whole
from ..storage.hashing import read_bytes
from ..storage.journal import Journal
from ..storage.paths import MANIFEST_NAME, ItemPaths, ProjectPaths, with_relative_paths
from ..workspace.workspace import Plan, Workspace
from .files import LOG, MEASURE, MODELS, Failed, Job, Result
from .packing import FILES, SOURCES, TEMPLATES

PROFILES: Final = "profiles/"
DEEP: Final = 32
"""How deep a job's manifest lies in the temporary folder: the path of a source may begin with as many `..`."""


class JobWorkspace(Workspace):
    """The manifest of a job: its only item, in a folder of its own."""

    def __init__(self, item: Optimization, folder: Path, cache: Path, *, has_templates: bool) -> None:
        top = Manifest(version=1, optimizations=(item,), templates=TEMPLATES[:-1] if has_templates else None)
        plan, run_cache = Plan.of(top), RunCache(folder / "cache.json")
        super().__init__(folder / MANIFEST_NAME, plan, run_cache, cache=cache)
        self.__dict__["items"] = {item.id: item}


class JobInputs(StageInputs):
    """What a stage is run with, from a job: conditions as they were when it was packed, and its commits."""

    def __init__(self, job: Job, workspace: JobWorkspace, bundle: Bundle, report: Report) -> None:
        item = Staleness(workspace, pipeline.STAGES).item(job.item)
        super().__init__(job.declaration, item, fingerprint=job.fingerprint, report=report)
        self._job, self._bundle = job, bundle

    @property
    def _uses(self) -> list[Uses]:
        holds = self._job.made_from
        return [uses for uses in self._stage.uses if uses.when is None or holds.get(name_of_condition(uses.when))]

    @property
    def worktree(self) -> Path:
        """The folder with the bytes of the injected files, by their paths in both trees."""
        return self.folder / FILES

    def clone(self, *_: str) -> Clone:
        return Clone.of_bundle(self._bundle, self.cache)


def run_job(file: Path, output: Path, *, cache: Path, report: Report) -> None:
    """Run a job in this process, and write the result, which may be why it failed.

    Raises ArchiveError if the file is not a job.
    """
    job, files = Job.read(file)
    with scratch_folder(cache) as folder:
        home = _home(folder, files)
        paths, error = ProjectPaths(home / MANIFEST_NAME, home).item(job.item), None
        journal = Journal(paths.log)
        python, results = platform.python_version(), dict[str, bytes]()
        try:
            _run_stage(job, files, home, cache=cache, report=journal.listening(report))
            if job.stage == MEASURE:
                python = paths.read(Samples).base.python
                results = dict(_products(paths, journal.listening(report)))
            artifact = paths.artifact(job.stage)
            results[artifact.name] = artifact.read_bytes()
        except (PrprepError, OSError) as raised:
            failure = SystemCallError(raised) if isinstance(raised, OSError) else raised
            journal.failed(failure)
            error = _failed(failure, home, folder, cache)
        except Exception as raised:  # noqa: BLE001 - a defect is reported by `collect` as well
            journal.write(traceback.format_exc())
            what = f"this is a defect of prprep: {type(raised).__name__}: {raised}"
            what = with_relative_paths(what, home, folder, cache)
            error = Failed(what=secrets.masked(what), hint="please report it with the end of the log", defect=True)
        log = (read_bytes(paths.log) or b"").decode(errors="replace")
        results[LOG] = with_relative_paths(log, home, folder, cache).encode()
        result = Result.of(job, machine.platform_description(python), results, error)
        write_whole(output, result.archive(results))
    keep_within_limit(cache, report)


def result_of_failure(job: Job, error: PrprepError, log: str) -> bytes:
    """Return the result of a job whose process ended without one; `log` is the end of its output."""
    described, files = machine.platform_description(platform.python_version()), {LOG: log.encode()} if log else {}
    return Result.of(job, described, files, _failed(error)).archive(files)


def _home(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Return the folder for the manifest; a benchmark of the user's work tree may lie far outside of it."""
    return folder.joinpath(*("d" * DEEP)) if any(name.startswith(SOURCES) for name in files) else folder


def _run_stage(job: Job, files: Mapping[str, bytes], home: Path, *, cache: Path, report: Report) -> None:
    try:
        item = job.optimization
        workspace = JobWorkspace(item, home, cache, has_templates=any(name.startswith(TEMPLATES) for name in files))
        inputs = JobInputs(job, workspace, job.bundle(files), report)
        _unpack(files, workspace.paths.item(job.item), home)
    except (KeyError, ValidationError, PrprepError) as error:
        reason = error.what if isinstance(error, PrprepError) else "a part is missing, or not as prprep writes it"
        raise ArchiveError(f"this job cannot be run: {reason}", hint="pack the item again") from None
    secrets.pass_variables(item.env.passed)
    for name in (name for name in item.env.passed if name not in os.environ):
        report(f"{name}, which the manifest passes to the project's code, is not set on this machine")
    if job.stage == MEASURE:
        measure.run(inputs, seed=job.seed)
    else:
        pipeline.work_of(job.declaration).run(inputs)


def _unpack(files: Mapping[str, bytes], paths: ItemPaths, home: Path) -> None:
    """Write the files of a job to where a stage reads them; raise PrprepError if one is not what prprep packs."""
    artifacts: dict[str, Artifact] = {}
    for name, model in MODELS.items():
        if (content := files.get(f"{name}.json")) is not None:
            write_whole(paths.artifact(name), content)
            artifacts[name] = paths.read(model)
    (home / FILES).mkdir(parents=True, exist_ok=True)
    for folder in (FILES, TEMPLATES):
        for name in (name for name in files if name.startswith(folder)):
            trees.write_into(home / folder, name.removeprefix(folder), files[name])
    if isinstance(scaffolding := artifacts.get("scaffold"), Scaffolding):
        sources = {each.source: each.sha256 for each in scaffolding.data.values()}
        for source, sha256 in {**sources, scaffolding.source: scaffolding.sha256}.items():
            if (content := files.get(SOURCES + sha256)) is not None:
                write_whole(_below(home, source), content)


def _below(home: Path, source: str) -> Path:
    """Return where a source lies; raise ArchiveError if that is outside of the job's folders."""
    path = Path(os.path.normpath(home / source))
    if not path.is_relative_to(home.parents[DEEP - 1]):
        raise ArchiveError(f"{source} is too far away from the manifest")
    return path


def _products(paths: ItemPaths, report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield the other files that measuring wrote; report and skip the profiles for which an archive has no room."""
    for file in measure.benchmark_files(paths.state):
        if file.exists():
            yield file.name, file.read_bytes()
    rest = MOST_EXPANSION // 2
    profiles = [path for path in paths.profiles.glob("*") if path.is_file()]
    for profile in sorted(profiles, key=lambda path: path.stat().st_size):
        rest -= profile.stat().st_size
        if rest < 0:
            report(f"the profile {profile.name} is too large for the result, and left out")
        else:
            yield PROFILES + profile.name, profile.read_bytes()


def _failed(error: PrprepError, *folders: Path) -> Failed:
    texts = (secrets.masked(with_relative_paths(text, *folders)) for text in (error.what, error.where, error.hint))
    what, where, hint = texts
    return Failed(what=what, where=where, hint=hint, kind=error.kind)
