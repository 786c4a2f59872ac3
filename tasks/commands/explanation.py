"""Say for one item what is stale and why, or what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..staleness import artifact_of, fields_of, reasons
from ..storage.journal import tail

if TYPE_CHECKING:
    from ..staleness import Freshness
    from ..storage.paths import ItemPaths
    from ..workspace.workspace import Workspace

TAIL_LINES = 30


def explanation(workspace: Workspace, freshness: Freshness, item_id: str, stages: Mapping[str, Sequence[str]]) -> str:
    """Tell of every stage whether it is fresh, else why not; then what failed, with the end of the log; then what to run.

    `stages` gives for each stage, in their order, those whose artifacts it reads.
    """
    paths, states = workspace.paths.item(item_id), dict(_states(workspace, freshness, item_id, stages))
    width = max(map(len, stages))
    lines = [item_id, *(f"  {stage:{width}}  {state}" for stage, state in states.items())]
    lines += _failure(workspace, paths)
    if freshness.waits(item_id):
        needs = fields_of(paths.scaffold).get("needs")
        lines += ["", f"waits for a person: {needs}"]
    elif set(states.values()) != {"fresh"}:
        lines += ["", f"next: prprep {list(stages)[-1]}:{item_id}"]
    return "\n".join(lines)


def _states(
    workspace: Workspace, freshness: Freshness, item_id: str, stages: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    paths = workspace.paths.item(item_id)
    failed = freshness.failed_stage(item_id)
    late: dict[str, str] = {}
    """What each stage is to be looked at again after: the first that is not fresh of those that it stands on."""
    for stage, reads in stages.items():
        first = next((late[before] for before in reads if before in late), "")
        if freshness.is_fresh(stage, item_id):
            if first:
                late[stage] = first
            yield stage, f"fresh, to be looked at again after {first}" if first else "fresh"
            continue
        if stage == failed:
            state = "failed"
        elif not artifact_of(paths, stage).exists():
            state = "not run yet"
        else:
            state = f"stale: {'; '.join(reasons(freshness, stage, item_id, paths))}"
        late[stage] = first or stage
        yield stage, state


def _failure(workspace: Workspace, paths: ItemPaths) -> list[str]:
    failure = fields_of(paths.failure)
    if not failure:
        return []
    log = paths.log.relative_to(workspace.folder)
    told = ["", f"{failure.get('stage')} failed:", *_indented(str(failure.get("message", "")))]
    end = tail(paths.log, TAIL_LINES)
    return [*told, "", f"the end of {log}:", *_indented(end)] if end else told


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
