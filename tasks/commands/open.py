"""`prprep open ID`: push the branch and open the pull request, the one command that publishes anything."""

from __future__ import annotations

import sys
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..errors import PrprepError, UsageError
from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, graph_of
from .words import options_anywhere, plainly


class Open(Command):  # type: ignore[misc]
    """Push an optimization's branch and open, or update, its pull request; refuse where the evidence does not carry it."""

    doc_purpose = "push the branch and open the pull request, after asking"
    doc_usage = "ID [--yes] [--draft] [--remote NAME] [--branch NAME] [--despite PATH:LINE ...]"
    doc_description = (
        "Shows all that it will do, and asks. --yes answers for scripts. Nothing else in prprep publishes anything."
    )
    cmd_options = (
        *ManifestLoader.cmd_options,
        {"name": "yes", "long": "yes", "type": bool, "default": False, "help": "do not ask"},
        {"name": "draft", "long": "draft", "type": bool, "default": False, "help": "open it as a draft"},
        {
            "name": "remote",
            "long": "remote",
            "type": str,
            "default": "",
            "help": "the remote, or the address of a fork, to push to",
        },
        {
            "name": "branch",
            "long": "branch",
            "type": str,
            "default": "",
            "help": "the branch's name there [default: perf/ID]",
        },
        {
            "name": "despite",
            "long": "despite",
            "type": list,
            "default": [],
            "help": "a sentence of the project's pages, as PATH:LINE, that you have weighed and that does not keep this from being opened",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        return plainly(lambda: self._execute(opt_values, pos_args))

    def _execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..pull_request.opening import Asked, Case

        opt_values, pos_args = options_anywhere(self, opt_values, pos_args)
        if len(pos_args) != 1:
            raise UsageError(
                "`open` takes one optimization", hint="write `prprep open ID`; `prprep report` shows which are ready"
            )
        graph = graph_of(opt_values["manifest"])
        item_id = graph.known(pos_args[0])
        graph.begin()
        asked = Asked(opt_values["draft"], opt_values["remote"], opt_values["branch"], frozenset(opt_values["despite"]))
        with CONSOLE.step(f"open:{item_id}") as report:
            case = Case(graph.workspace, graph.freshness, item_id, asked, report)
            if reasons := case.refusals(pipeline.NAMES):
                raise PrprepError(
                    "nothing was opened:\n" + "\n".join(f"  - {reason}" for reason in reasons), where=item_id
                )
            plan = case.plan()
        CONSOLE.print("\n".join(plan.told()))
        if not opt_values["yes"] and not _agreed():
            CONSOLE.print("nothing was pushed, and nothing opened")
            return 1
        with CONSOLE.step(f"open:{item_id}") as report:
            case.report = report
            url = case.publish(plan)
        CONSOLE.print(url)
        return 0


def _agreed() -> bool:
    """Ask; raise UsageError where nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody can be asked here: standard input is no terminal", hint="look at what is above, then add --yes"
        )
    return input("Do this? [y/N] ").strip().lower() in {"y", "yes"}
