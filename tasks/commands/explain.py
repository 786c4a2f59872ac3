"""`prprep explain`: what is stale and why, or what failed."""

from collections.abc import Iterator
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..graph.loader import ManifestLoader, graph_of
from ..staleness import Staleness, fields_of
from ..storage.journal import tail
from ..storage.paths import ItemPaths

TAIL_LINES = 30


class Explain(Command):  # type: ignore[misc]
    doc_usage = "[ID ...]"
    doc_description = "Without an ID it explains all items. Nothing is run."
    example = "prprep explain tables"
    only_prints = True
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        graph = graph_of(opt_values["manifest"])
        items = graph.known_or_all(pos_args)
        print("\n\n".join(explanation(graph.staleness, item_id) for item_id in items))
        return 0


def explanation(staleness: Staleness, item_id: str) -> str:
    """Return the state of every stage, the message and log of a failure, and what to run next."""
    paths, states = staleness.workspace.paths.item(item_id), dict(_states(staleness, item_id))
    width = max(map(len, pipeline.NAMES))
    lines = [item_id, *(f"  {stage:{width}}  {state}" for stage, state in states.items())]
    lines += _failure(paths)
    if staleness.waits(item_id):
        lines += ["", f"waits for a person: {fields_of(paths.scaffold).get('needs')}"]
    elif set(states.values()) != {"fresh"}:
        lines += ["", f"next: prprep {pipeline.NAMES[-1]}:{item_id}"]
    return "\n".join(lines)


def _states(staleness: Staleness, item_id: str) -> Iterator[tuple[str, str]]:
    paths = staleness.workspace.paths.item(item_id)
    failed = staleness.failed_stage(item_id)
    checked_after: dict[str, str] = {}
    """For a stage that is not fresh, or depends on one: the first of these, after which it is checked again."""
    for stage in pipeline.STAGES:
        first = next((checked_after[before] for before in stage.reads if before in checked_after), "")
        if staleness.is_fresh(stage.name, item_id):
            if first:
                checked_after[stage.name] = first
            yield stage.name, f"fresh, checked again after {first}" if first else "fresh"
            continue
        checked_after[stage.name] = first or stage.name
        if stage.name == failed:
            yield stage.name, "failed"
        elif not paths.artifact(stage.name).exists():
            yield stage.name, "not run yet"
        else:
            yield stage.name, f"stale: {'; '.join(staleness.why_stale(stage, item_id))}"


def _failure(paths: ItemPaths) -> list[str]:
    failure = fields_of(paths.failure)
    if not failure:
        return []
    lines = ["", f"{failure.get('stage')} failed:", *_indented(str(failure.get("message", "")))]
    if log := tail(paths.log, TAIL_LINES):
        lines += ["", f"the end of {paths.log.relative_to(paths.folder)}:", *_indented(log)]
    return lines


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
