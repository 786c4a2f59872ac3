"""`prprep branch ID`: the branch that a pull request is opened from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doit.cmd_base import Command

from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, graph_of


class Branch(Command):  # type: ignore[misc]
    doc_usage = "ID"
    doc_description = "It works in a private clone; your repository changes only with --into, by one new branch."
    example = "prprep branch tables --into perf/tables"
    may_fail = True
    cmd_options = (
        *ManifestLoader.cmd_options,
        {
            "name": "into",
            "long": "into",
            "default": "",
            "metavar": "BRANCH",
            "help": "create this branch in your repository; an existing one is never overwritten",
        },
        {
            "name": "patches",
            "long": "patches",
            "default": "",
            "metavar": "FOLDER",
            "help": "write the commits into this folder, for `git am`",
        },
        {
            "name": "unmeasured",
            "long": "no-measure",
            "type": bool,
            "default": False,
            "help": "do not measure the branch",
        },
        {
            "name": "drop",
            "long": "drop-model-authors",
            "type": bool,
            "default": False,
            "help": "drop Co-authored-by trailers that name language models from the commits",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..pull_request import builder as branching

        patches = Path(opt_values["patches"]).absolute() if opt_values["patches"] else None
        graph = graph_of(opt_values["manifest"])
        item_id = graph.known(pos_args[0])
        graph.begin()
        with CONSOLE.step(f"branch:{item_id}") as report:
            work = branching.Work(
                graph.workspace, graph.staleness, item_id, drop_model_authors=opt_values["drop"], report=report
            )
            branch = work.done(measure=not opt_values["unmeasured"])
            given = work.give(branch, into=opt_values["into"], patches=patches)
        CONSOLE.print("\n".join([*branching.told(branch), *given]))
        return 1 if branch.fatal else 0
