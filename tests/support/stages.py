"""Run one stage on literal settings and artifacts, without a manifest file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.pipeline import STAGES, staleness_of, work_of
from tasks.processes.progress import Report, silent
from tasks.staleness import Stage, StageInputs, Staleness
from tasks.storage.cache import RunCache
from tasks.workspace.workspace import Plan, Workspace

if TYPE_CHECKING:
    from tasks.manifest.model import Optimization
    from tasks.storage.paths import ItemPaths

NOWHERE = "https://github.com/acme/pagelayout.git"


def workspace_of(
    *items: Optimization,
    paths: ItemPaths,
    address: Path | str = NOWHERE,
    cache: Path | None = None,
    templates: str = "",
) -> Workspace:
    """Make a workspace whose items are these; `paths` are those of one of them."""
    output = str(paths.output.relative_to(paths.folder))
    top = {"output": output, "templates": templates or None, "repo": str(address), "upstream": None, "slug": None}
    plan = Plan(top, {item.id: item.model_dump(mode="json") for item in items})
    path = paths.folder / "prprep.yaml"
    workspace = Workspace(path, plan, RunCache(paths.state / "cache.json"), cache=cache or paths.folder / "cache")
    workspace.__dict__["items"] = {item.id: item for item in items}
    return workspace


def inputs_of(
    stage: str | Stage, staleness: Staleness, item_id: str, *, fingerprint: str = "f", report: Report = silent
) -> StageInputs:
    declared = staleness.stages[stage] if isinstance(stage, str) else stage
    return StageInputs(declared, staleness.item(item_id), fingerprint=fingerprint, report=report)


def run_stage(
    stage: str,
    item: Optimization,
    paths: ItemPaths,
    *,
    address: Path | str = NOWHERE,
    cache: Path | None = None,
    templates: str = "",
    fingerprint: str = "f",
    report: Report = silent,
) -> None:
    """Run a stage on the artifacts that are there; it gets exactly what it declares."""
    workspace = workspace_of(item, paths=paths, address=address, cache=cache, templates=templates)
    inputs = inputs_of(stage, staleness_of(workspace), item.id, fingerprint=fingerprint, report=report)
    work_of(next(each for each in STAGES if each.name == stage)).run(inputs)
