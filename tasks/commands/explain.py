"""`prprep explain`: what is stale and why, or what failed."""

from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..graph.loader import JSON, ManifestLoader, graph_of
from ..json_output.document import Answer, name_manifest
from ..json_output.items import item_of, items_of
from ..json_output.models import StageStatus
from ..staleness import Staleness


class Explain(Command):  # type: ignore[misc]
    doc_usage = "[ID ...]"
    doc_description = "Without an ID it explains all items. Nothing is run."
    example = "prprep explain tables"
    only_prints = True
    cmd_options = (*ManifestLoader.cmd_options, JSON)
    answer: Answer

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        graph = graph_of(opt_values["manifest"])
        name_manifest(self.answer, graph)
        items = graph.known_or_all(pos_args)
        if opt_values["json"]:
            self.answer["items"] = tuple(items_of(graph.staleness, items))
        else:
            print("\n\n".join(explanation(graph.staleness, item_id) for item_id in items))
        return 0


def explanation(staleness: Staleness, item_id: str) -> str:
    """Return the state of every stage, the message and log of a failure, and what to run next."""
    item = item_of(staleness, item_id)
    width = max(map(len, pipeline.NAMES))
    lines = [item_id, *(f"  {stage.name:{width}}  {_state(stage)}" for stage in item.stages)]
    if failure := item.failure:
        lines += ["", f"{failure.stage} failed:", *_indented(failure.message)]
        if failure.log_end:
            lines += ["", f"the end of {failure.log}:", *_indented(failure.log_end)]
    if staleness.waits(item_id) and item.benchmark:
        lines += ["", f"waits for a person: {item.benchmark.needs}"]
    elif item.next:
        lines += ["", f"next: {item.next}"]
    return "\n".join(lines)


def _state(stage: StageStatus) -> str:
    if stage.checked_after:
        return f"{stage.state}, checked again after {stage.checked_after}"
    return f"{stage.state}: {'; '.join(stage.why)}" if stage.why else stage.state


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
