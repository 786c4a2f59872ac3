"""`prprep inventory`: the table of what was found out about each optimization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doit.cmd_run import Run

from .. import pipeline
from ..graph.loader import graph_of
from .words import options_anywhere

if TYPE_CHECKING:
    from doit.cmdparse import CmdOption

    from ..graph.loader import Graph

STAGES = ("detect", "survey")


class Inventory(Run):  # type: ignore[misc]
    """Bring up to date what answers the questions of the inventory, and print it as a table."""

    name = "inventory"
    doc_purpose = "show the table of all optimizations: files, commit, domain, pull request"
    doc_usage = "[ID ...]"
    doc_description = "What is stale is found out anew first, as `prprep detect survey` does. Nothing is measured."
    own_options: tuple[dict[str, Any], ...] = ()

    def get_options(self) -> list[CmdOption]:
        """Return the options that doit needs for a run, of which the command line sets only those that mean something here."""
        from doit.cmdparse import CmdOption

        options: list[CmdOption] = super().get_options()
        for option in options:
            if option.name not in {"manifest", "num_process"}:
                option.short = option.long = option.inverse = ""
        return [*options, *(CmdOption(option) for option in self.own_options)]

    def execute(self, params: Any, args: list[str]) -> int:
        return self.show(params, self.read(params, args))

    def read(self, params: Any, args: list[str]) -> list[str]:
        """Return the words, with options that stand behind one of them put where they belong."""
        more, words = options_anywhere(self, {}, args)
        for key, value in more.items():
            params[key] = value  # doit's mapping remembers what was set like this
        return words

    def show(self, params: Any, wanted: list[str]) -> int:
        """Run the stages for the items that are wanted, all where none is named, and print the table."""
        if wanted:
            graph = graph_of(params["manifest"])
            params["manifest"] = str(graph.manifest)
            wanted = [graph.known(item_id) for item_id in wanted]
        stages = [stage for stage in STAGES if stage in pipeline.NAMES]
        self.loader.ending = _table
        code: int = super().execute(params, [f"{stage}:{item_id}" for stage in stages for item_id in wanted] or stages)
        return code


def _table(graph: Graph) -> str:
    from ..stages.report.report import inventory

    graph.summary()  # The report tells of what failed, too.
    return inventory(graph.workspace.manifest, graph.workspace.paths)
