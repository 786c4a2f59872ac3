"""`prprep open ID`: push the branch and open the pull request, the one command that publishes anything."""

from __future__ import annotations

import sys
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..errors import PrprepError, UsageError
from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, graph_of


class Open(Command):  # type: ignore[misc]
    doc_usage = "ID"
    doc_description = (
        "It shows the pull request and asks; --yes answers for scripts. It refuses if the evidence does not support "
        "the claim. Nothing else in prprep publishes anything."
    )
    example = "prprep open tables --draft"
    may_fail = True
    cmd_options = (
        *ManifestLoader.cmd_options,
        {"name": "yes", "long": "yes", "type": bool, "default": False, "help": "do not ask"},
        {"name": "draft", "long": "draft", "type": bool, "default": False, "help": "open it as a draft"},
        {
            "name": "remote",
            "long": "remote",
            "default": "",
            "metavar": "NAME",
            "help": "the remote, or the address of a fork, to push to",
        },
        {
            "name": "branch",
            "long": "branch",
            "default": "",
            "metavar": "NAME",
            "help": "the branch's name there [default: perf/ID]",
        },
        {
            "name": "despite",
            "long": "despite",
            "type": list,
            "default": [],
            "metavar": "PATH:LINE",
            "help": "open it although this line of the contribution rules seems to forbid it; repeatable",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..pull_request.opening import Asked, Case

        graph = graph_of(opt_values["manifest"])
        item_id = graph.known(pos_args[0])
        graph.begin()
        asked = Asked(opt_values["draft"], opt_values["remote"], opt_values["branch"], frozenset(opt_values["despite"]))
        with CONSOLE.step(f"open:{item_id}") as report:
            case = Case(graph.workspace, graph.staleness, item_id, asked, report)
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
    """Ask; raise UsageError if nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError("stdin is not a terminal", hint="read what is printed above, then pass --yes")
    return input("Do this? [y/N] ").strip().lower() in {"y", "yes"}
