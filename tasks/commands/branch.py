"""`prprep branch ID`: the branch that a pull request is opened from."""

from pathlib import Path
from typing import Any

from doit.cmd_base import Command

from ..graph.console import CONSOLE
from ..graph.loader import JSON, ManifestLoader, flag, graph_of, option
from ..json_output.document import Answer, name_manifest
from ..json_output.items import items_of
from ..pull_request.builder import BranchBuilder, description


class Branch(Command):  # type: ignore[misc]
    doc_usage = "ID"
    doc_description = "It works in a private clone; your repository changes only with --into, by one new branch."
    example = "prprep branch tables --into perf/tables"
    may_fail = True
    cmd_options = (
        *ManifestLoader.cmd_options,
        option("into", "create this branch in your repository; an existing one is never overwritten", "BRANCH"),
        option("patches", "write the commits into this folder, for `git am`", "FOLDER"),
        flag("no-measure", "do not measure the branch"),
        flag("drop-model-authors", "drop Co-authored-by trailers that name language models from the commits"),
        JSON,
    )
    answer: Answer

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        patches = Path(opt_values["patches"]).absolute() if opt_values["patches"] else None
        graph = graph_of(opt_values["manifest"])
        item_id = graph.known(pos_args[0])
        name_manifest(self.answer, graph)
        graph.begin()
        with CONSOLE.step(f"branch:{item_id}") as report:
            builder = BranchBuilder(graph.staleness, item_id, report, opt_values["drop_model_authors"])
            branch = builder.build(measure=not opt_values["no_measure"])
            delivered = builder.deliver(branch, into=opt_values["into"], patches=patches)
        CONSOLE.print("\n".join([*description(branch), *delivered]))
        self.answer["items"] = tuple(items_of(graph.staleness, [item_id]))
        return 1 if branch.fatal else 0
