"""Accept the result of another machine if this one would have worked on the same inputs."""

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
from ..stages.measure import measure
from ..staleness import StageInputs, Staleness, differences
from ..storage.artifact import Artifact
from ..storage.files import write_whole
from ..storage.journal import Journal
from ..storage.paths import ItemPaths
from .files import LOG, MODELS, STAGES, Result
from .packing import require_prepared
from .running import PROFILES


def collect(staleness: Staleness, file: Path, result: Result, files: Mapping[str, bytes], *, report: Report) -> None:
    """Write the artifacts of a result as if they had been measured here.

    Raises JobError if the item has changed since it was packed, and the other machine's error if it failed.
    """
    _check(staleness, result)
    paths = staleness.workspace.paths.item(result.item)
    artifact = read_artifact(paths, result, files, cache=staleness.workspace.cache, where=str(file))
    work = partial(take_over, paths, result, artifact, files)
    pipeline.perform(staleness, STAGES[result.stage], result.item, report, run=work)


def read_artifact(
    paths: ItemPaths, result: Result, files: Mapping[str, bytes], *, cache: Path, where: str
) -> Artifact | None:
    """Read what the stage wrote, None if it failed; raise ArchiveError if that is not of this item and its trees."""
    if result.error:
        return None
    name, model = paths.artifact(result.stage).name, MODELS[result.stage]
    with scratch_folder(cache) as folder:
        write_whole(folder / name, files.get(name, b""))
        try:
            artifact = model.read(folder / name)
        except PrprepError:
            raise ArchiveError(f"its {name} is broken", where=where, hint="run the job again") from None
    pairs = [(getattr(artifact, "item", ""), result.item)]
    if isinstance(artifact, Samples):
        injection = paths.read(Injection)
        pairs += [(getattr(artifact, side).tree, getattr(injection, side).tree) for side in SIDES]
        pairs.append((artifact.benchmark_sha256, injection.benchmark_sha256))
    expected = {name, LOG, *(file.name for file in measure.benchmark_files(Path()))}
    if not all(map(partial(_is_expected, expected), files)) or any(theirs != ours for theirs, ours in pairs):
        what = f"its {name} is not of the commits and the benchmark that it names"
        raise ArchiveError(what, where=where, hint="run the job again")
    return artifact


def take_over(
    paths: ItemPaths, result: Result, artifact: Artifact | None, files: Mapping[str, bytes], inputs: StageInputs
) -> None:
    """Write what a stage wrote elsewhere, or raise why it failed there."""
    log = files.get(LOG, b"").decode(errors="replace").rstrip()
    Journal(paths.log).write(f"on {result.platform}:\n{log}")
    if artifact is None:
        raise _raised(result)
    if isinstance(artifact, Samples):
        shutil.rmtree(paths.profiles, ignore_errors=True)
    for name, content in files.items():
        if name not in (LOG, paths.artifact(result.stage).name):
            write_whole(paths.state / name, content)
    inputs.write(artifact)


def _check(staleness: Staleness, result: Result) -> None:
    """Raise JobError unless the item still has the inputs that were packed."""
    require_prepared(staleness, result.item)
    stage = STAGES[result.stage]
    if result.fingerprint != staleness.fingerprint(stage, result.item):
        now = json.loads(json.dumps(staleness.made_from(stage, result.item)))
        changes = "; ".join(differences(result.made_from, now)) or "it is an item of another manifest"
        what = f"this is not a result of the item as it is now: {changes}"
        raise JobError(what, where=result.item, hint=f"pack and run it again: `prprep job pack {result.item}`")


def _is_expected(expected: set[str], name: str) -> bool:
    return name in expected or f"{PurePosixPath(name).parent}/" == PROFILES


def _raised(result: Result) -> PrprepError:
    error = result.error
    if error is None:
        return JobError("there is nothing in it", where=result.item)
    raised = PrprepError(f"{error.what}\n(on {result.platform})", where=error.where, hint=error.hint)
    raised.kind = error.kind
    return raised
