"""`prprep doctor`: all that comes before measuring, as a checklist."""

from __future__ import annotations

from typing import Any

from doit.cmd_base import Command

from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, graph_of
from ..storage.paths import cache_folder


class Doctor(Command):  # type: ignore[misc]
    """Run the checks that come before measuring, and print them as a checklist with the fixes."""

    doc_purpose = "check what measuring needs, without measuring"
    doc_usage = "[ID ...]"
    doc_description = (
        "Builds the environments and runs each benchmark once on every side. Without an ID all items are checked."
    )
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from .doctor_checks import checklist, of_item, of_machine

        graph = graph_of(opt_values["manifest"], refresh=opt_values["refresh"])
        # Before the manifest is held against its repository: without git that would be all that is said.
        well = checklist("machine", of_machine(cache_folder()), CONSOLE.print)
        wanted = [graph.known(item_id) for item_id in pos_args] or list(graph.workspace.plan.items)
        graph.begin()
        with CONSOLE.step("doctor") as report:
            for item_id in wanted:
                well = (
                    checklist(item_id, of_item(graph.workspace, graph.freshness, item_id, report), CONSOLE.print)
                    and well
                )
        graph.summary()
        return 0 if well else 1
