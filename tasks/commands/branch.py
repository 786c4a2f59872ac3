"""`prprep branch ID`: the branch that a pull request is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doit.cmd_base import Command

from ..errors import UsageError
from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, graph_of
from .words import options_anywhere, plainly


class Branch(Command):  # type: ignore[misc]
    """Make the branch of an optimization, look through it, and measure it; give it to the user only where they ask."""

    doc_purpose = "make the branch for a pull request, audit it and measure it"
    doc_usage = "ID [--into BRANCH] [--patches FOLDER] [--no-measure] [--drop-model-authors]"
    doc_description = (
        "Everything happens in a private clone; your repository changes only by --into, which makes that one branch."
    )
    cmd_options = (
        *ManifestLoader.cmd_options,
        {
            "name": "into",
            "long": "into",
            "type": str,
            "default": "",
            "help": "make this branch in your repository; none is overwritten",
        },
        {
            "name": "patches",
            "long": "patches",
            "type": str,
            "default": "",
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
            "help": "take Co-authored-by trailers of language models out of the commits",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        return plainly(lambda: self._execute(opt_values, pos_args))

    def _execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..pull_request import branching

        opt_values, pos_args = options_anywhere(self, opt_values, pos_args)
        if len(pos_args) != 1:
            raise UsageError(
                "`branch` takes one optimization", hint="write `prprep branch ID`; `prprep list` shows them"
            )
        patches = Path(opt_values["patches"]).absolute() if opt_values["patches"] else None
        graph = graph_of(opt_values["manifest"])
        item_id = graph.known(pos_args[0])
        graph.begin()
        with CONSOLE.step(f"branch:{item_id}") as report:
            work = branching.Work(
                graph.workspace, graph.freshness, item_id, drop_model_authors=opt_values["drop"], report=report
            )
            branch = work.done(measure=not opt_values["unmeasured"])
            given = work.give(branch, into=opt_values["into"], patches=patches)
        CONSOLE.print("\n".join([*branching.told(branch), *given]))
        return 1 if branch.fatal else 0
