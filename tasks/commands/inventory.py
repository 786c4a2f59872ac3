"""`prprep inventory`: files, commit, domain and pull request of each optimization."""

from typing import Any

from doit.cmd_run import Run
from doit.cmdparse import CmdOption

from ..graph.loader import Graph, graph_of
from ..stages.report import INVENTORY
from ..stages.report.report import inventory
from ..text.tables import terminal_width

STAGES = ("detect", "survey")


class Inventory(Run):  # type: ignore[misc]
    """Bring detect and survey up to date, and print their results as a table."""

    doc_usage = "[ID ...]"
    doc_description = "What is stale is looked up again first, as `prprep detect survey` does. Nothing is measured."
    example = "prprep inventory tables"
    own_options: tuple[dict[str, Any], ...] = ()

    def get_options(self) -> list[CmdOption]:
        """Return the options that doit needs for a run; only those that mean something here can be set."""
        options: list[CmdOption] = super().get_options()
        for option in options:
            if option.name not in {"manifest", "refresh", "num_process"}:
                option.short = option.long = option.inverse = ""
        return [*options, *map(CmdOption, self.own_options)]

    def execute(self, params: Any, args: list[str]) -> int:
        if args:
            graph = graph_of(params["manifest"])
            params["manifest"] = str(graph.manifest)
            args = [graph.known(item_id) for item_id in args]
        self.loader.ending = _table
        code: int = super().execute(params, [f"{stage}:{item_id}" for stage in STAGES for item_id in args] or [*STAGES])
        return code


def _table(graph: Graph) -> str:
    graph.summary()  # The report says what failed, too.
    return inventory(graph.staleness, INVENTORY, width=terminal_width())
