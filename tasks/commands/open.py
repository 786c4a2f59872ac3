"""`prprep open ID`: push the branch and open the pull request, the one command that publishes code."""

import sys
from typing import Any

from doit.cmd_base import Command

from .. import pipeline
from ..errors import PrprepError, UsageError
from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, flag, graph_of, option
from ..pull_request.opening import Opener

DESPITE = "open it although this line of the contribution rules seems to forbid it; repeatable"


class Open(Command):  # type: ignore[misc]
    doc_usage = "ID"
    doc_description = (
        "It shows the pull request and asks; --yes skips the question. It refuses if the evidence does not support "
        "the claim. Nothing else in prprep publishes code."
    )
    example = "prprep open tables --draft"
    may_fail = True
    cmd_options = (
        *ManifestLoader.cmd_options,
        flag("yes", "do not ask"),
        flag("draft", "open it as a draft"),
        option("remote", "the remote, or the address of a fork, to push to", "NAME"),
        option("branch", "the branch's name there [default: perf/ID]", "NAME"),
        option("despite", DESPITE, "PATH:LINE", type=list, default=[]),
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        graph = graph_of(opt_values["manifest"])
        item_id = graph.known(pos_args[0])
        graph.begin()
        options = {name: opt_values[name] for name in ("draft", "remote", "branch", "despite")}
        with CONSOLE.step(f"open:{item_id}") as report:
            opener = Opener(graph.staleness, item_id, report, **options)
            if reasons := opener.refusals(pipeline.NAMES):
                listed = "\n".join(f"  - {reason}" for reason in reasons)
                raise PrprepError(f"nothing was opened:\n{listed}", where=item_id)
            plan = opener.plan()
        CONSOLE.print("\n".join(plan.description()))
        if not opt_values["yes"] and not _confirmed():
            CONSOLE.print("nothing was pushed, and nothing opened")
            return 1
        with CONSOLE.step(f"open:{item_id}") as report:
            opener.report = report
            url = opener.publish(plan)
        CONSOLE.print(url)
        return 0


def _confirmed() -> bool:
    """Ask; raise UsageError if nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError("stdin is not a terminal; pass --yes")
    return input("Do this? [y/N] ").strip().lower() in {"y", "yes"}
