"""`prprep status`: where every item stands, without running anything."""

from __future__ import annotations

import time
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..errors import UsageError
from ..graph.loader import ManifestLoader, graph_of


class Status(Command):  # type: ignore[misc]
    """Print the table of all items, with the age of their evidence and what is stale."""

    doc_purpose = "show where every item stands, how old its evidence is and what is stale"
    doc_usage = ""
    doc_description = "Nothing is run and nothing is written but prprep's own notes on files."
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..text.tables import terminal_width
        from .standing import standing

        if pos_args:
            raise UsageError(
                f"`status` takes no {pos_args[0]}", hint="write `prprep status`, or `prprep explain ID` for one item"
            )
        graph = graph_of(opt_values["manifest"])
        print(standing(graph.workspace, graph.freshness, pipeline.NAMES, now=time.time(), width=terminal_width()))
        graph.freshness.save()
        return 0
