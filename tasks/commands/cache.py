"""`prprep cache`: what is kept in the cache folder, and how it goes."""

from __future__ import annotations

import time
from typing import Any

from doit.cmd_base import Command

from ..errors import UsageError
from ..graph.console import CONSOLE
from ..storage.paths import cache_folder


class Cache(Command):  # type: ignore[misc]
    """Show what is kept in the cache folder, or remove what is not needed."""

    doc_purpose = "show what is kept in the cache folder, or prune it"
    doc_usage = "[prune [--older-than DAYS] [--all] [--dry-run]]"
    doc_description = (
        "All of it can be made again. `prune` without an option goes down to the limit (PRPREP_CACHE_LIMIT, 20 GiB)."
    )
    cmd_options = (
        {
            "name": "days",
            "long": "older-than",
            "type": float,
            "default": -1.0,
            "help": "prune what was not used for so many days",
        },
        {"name": "all", "long": "all", "type": bool, "default": False, "help": "prune everything"},
        {
            "name": "dry",
            "long": "dry-run",
            "type": bool,
            "default": False,
            "help": "tell what would be removed, and remove nothing",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..bench import cache
        from ..text import figures

        if pos_args[1:]:  # doit reads options only before the first word
            opt_values, more = self.cmdparser.parse(pos_args[1:])
            pos_args = [pos_args[0], *more]
        if pos_args not in ([], ["prune"]):
            raise UsageError(
                f"`cache` has no {' '.join(pos_args)}", hint="write `prprep cache` or `prprep cache prune`"
            )
        folder, now = cache_folder(), time.time()
        things = cache.kept(folder)
        if not pos_args:
            print(cache.shown(folder, things, now=now))
            return 0
        doomed = cache.chosen(things, days=opt_values["days"], everything=opt_values["all"], now=now)
        if not opt_values["dry"]:
            doomed = cache.prune(folder, doomed, CONSOLE.line)
        verb = "would be removed" if opt_values["dry"] else "removed"
        print(f"{verb}: {len(doomed)} of {len(things)}, {figures.size(sum(each.size for each in doomed))}")
        return 0
