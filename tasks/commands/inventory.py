"""`prprep inventory`: files, commit, domain and pull request of each optimization."""

from typing import Any

from ..graph.loader import Graph, graph_of
from ..stages.report import INVENTORY
from ..stages.report.report import inventory
from ..text.tables import terminal_width
from .selected_tasks import SelectedTasks

STAGES = ("detect", "survey")


class Inventory(SelectedTasks):
    """Bring detect and survey up to date, and print their results as a table."""

    doc_usage = "[ID ...]"
    doc_description = "What is stale is looked up again first, as `prprep detect survey` does. Nothing is measured."
    example = "prprep inventory tables"

    def execute(self, params: Any, args: list[str]) -> int:
        if args:
            graph = graph_of(params["manifest"])
            params["manifest"] = str(graph.manifest)
            args = [graph.known(item_id) for item_id in args]
        tasks = [f"{stage}:{item_id}" for stage in STAGES for item_id in args] or [*STAGES]
        return self.run_tasks(params, tasks, _table)


def _table(graph: Graph) -> str:
    graph.summary()  # The report says what failed, too.
    return inventory(graph.staleness, INVENTORY, width=terminal_width())
