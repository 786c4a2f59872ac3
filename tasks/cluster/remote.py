"""Run on a cluster the stages that run the project's code; everything else runs here."""

import os
import threading
from collections.abc import Callable
from functools import partial

from .. import pipeline
from ..artifacts import Comparison
from ..errors import ArchiveError
from ..jobs.collecting import read_artifact, take_over
from ..jobs.files import STAGES, Result
from ..jobs.packing import prepare
from ..processes.progress import Report
from ..processes.scratch import scratch_folder
from ..staleness import Item, Stage, StageInputs, Staleness
from ..storage.files import write_whole
from .coordinator import Cluster


class RemoteStages:
    """Decides for each stage of an item where it runs."""

    def __init__(self, cluster: Cluster, staleness: Callable[[], Staleness]) -> None:
        self._cluster, self._staleness = cluster, staleness
        # Dozens of items run at the same time: what they do here must not take all memory.
        self._here = threading.BoundedSemaphore(os.cpu_count() or 1)

    def __call__(self, stage: Stage) -> Callable[[StageInputs], None]:
        return partial(self._run, stage)

    def close(self) -> None:
        self._cluster.close()

    def _run(self, stage: Stage, inputs: StageInputs) -> None:
        if stage.name in STAGES and runs_code(self._staleness(), stage, inputs.item_id):
            self._run_there(stage, inputs)
        else:
            with self._here:
                pipeline.work_of(stage).run(inputs)

    def _run_there(self, stage: Stage, inputs: StageInputs) -> None:
        staleness, item_id = self._staleness(), inputs.item_id
        paths, label = staleness.workspace.paths.item(item_id), f"{stage.name}:{item_id}"
        with self._here:
            prepared = prepare(staleness, inputs, stage)
        content = self._cluster.perform(
            prepared,
            label,
            variables=self._variables(staleness.item(item_id), inputs.report),
            kind=paths.read(Comparison).platform if stage.name == "verify" else "",
            report=inputs.report,
        )
        with scratch_folder(inputs.cache) as folder:
            write_whole(folder / "result.zip", content)
            result, files = Result.read(folder / "result.zip")
        if (result.item, result.stage, result.fingerprint) != (item_id, stage.name, prepared.job.fingerprint):
            raise ArchiveError("the worker returned the result of another job", where=label)
        artifact = read_artifact(paths, result, files, cache=inputs.cache, where=label)
        take_over(paths, result, artifact, files, inputs)

    def _variables(self, item: Item, report: Report) -> dict[str, str]:
        """Return the variables that `env: {pass: ...}` names; none if the connection is not encrypted."""
        passed = {name: os.environ[name] for name in item.settings["env"]["passed"] if name in os.environ}
        if passed and not self._cluster.address.is_encrypted:
            report(f"{', '.join(passed)} is not sent to the worker: the connection is not encrypted")
            return {}
        return passed


def runs_code(staleness: Staleness, stage: Stage, item_id: str) -> bool:
    """Return whether a stage runs the project's code for the item, or only writes that there is nothing to do."""
    item = staleness.item(item_id)
    if stage.name == "tests" and item.settings["tests"] is False:
        return False
    return any(uses.artifacts and (uses.when is None or uses.when(item)) for uses in stage.uses)
