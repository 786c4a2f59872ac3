"""`prprep explain`: what is stale and why, or what failed."""

from __future__ import annotations

from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..graph.loader import ManifestLoader, graph_of


class Explain(Command):  # type: ignore[misc]
    """Tell of one item, or of all, what is stale and why, or what failed."""

    doc_purpose = "say for an item what is stale and why, or what failed"
    doc_usage = "[ID ...]"
    doc_description = "Without an ID all items are told of. Nothing is run."
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from .explanation import explanation

        graph = graph_of(opt_values["manifest"])
        wanted = [graph.known(item_id) for item_id in pos_args] or list(graph.workspace.plan.items)
        reads = {stage.name: stage.reads for stage in pipeline.STAGES}
        print("\n\n".join(explanation(graph.workspace, graph.freshness, item_id, reads) for item_id in wanted))
        return 0
