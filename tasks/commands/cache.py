"""`prprep cache`: what the cache folder holds, and how it is pruned."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from doit.cmd_base import Command

from ..bench.cache import (
    LIMIT_VARIABLE,
    CacheEntry,
    git_folder,
    limit_from_environment,
    list_entries,
    over_limit,
    prune,
)
from ..errors import UsageError
from ..graph.console import CONSOLE
from ..graph.loader import flag, option
from ..graph.names import suggestion
from ..storage.paths import cache_folder
from ..text import figures
from ..text.tables import terminal_width, text_table

HEADER = ("Kind", "Name", "Size", "Last used", "For")


class Cache(Command):  # type: ignore[misc]
    doc_usage = "[prune]"
    doc_description = (
        "What is pruned is built again when needed. `prune` without an option removes the least recently used until "
        "the rest is within the limit (PRPREP_CACHE_LIMIT, 20 GiB)."
    )
    example = "prprep cache prune --older-than 30 --dry-run"
    only_prints = True
    cmd_options = (
        option("older-than", "prune what was not used for this many days", "DAYS", type=float, default=None),
        flag("all", "prune everything"),
        flag("dry-run", "list what would be removed, without removing it"),
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        if pos_args not in ([], ["prune"]):
            raise UsageError(f"`prprep cache` has no {pos_args[0]}", hint=suggestion(pos_args[0], ("prune",), "it has"))
        folder, now, days = cache_folder(), time.time(), opt_values["older_than"]
        if days is not None and not days >= 0:
            raise UsageError(f"--older-than is {days:g}, must be at least 0")
        entries = list_entries(folder)
        if not pos_args:
            print(listing(folder, entries, now=now))
            return 0
        selected = select(entries, days=days, everything=opt_values["all"], now=now)
        if not opt_values["dry_run"]:
            selected = prune(folder, selected, CONSOLE.line)
        verb = "would be removed" if opt_values["dry_run"] else "removed"
        size = figures.size(sum(entry.size for entry in selected))
        print(f"{verb}: {len(selected)} of {len(entries)}, {size}")
        return 0


def listing(cache: Path, entries: Sequence[CacheEntry], *, now: float) -> str:
    """Return the table of what the cache holds, the most recently used first, and the sums."""
    if not entries:
        return f"{cache}: empty"
    rows = [
        (entry.kind, entry.path.name[:12], figures.size(entry.size), _last_used(entry, now), _description(entry))
        for entry in reversed(entries)
    ]
    sizes: Counter[str] = Counter()
    for entry in entries:
        sizes[entry.kind] += entry.size
    sums = ", ".join(f"{kind} {figures.size(size)}" for kind, size in sizes.items())
    limit = limit_from_environment()
    shown_limit = f"limit {figures.size(limit)} ({LIMIT_VARIABLE})" if limit else "no limit"
    table = text_table(HEADER, rows, terminal_width())
    return f"{table}\n\n{cache}: {figures.size(sizes.total())} ({sums}); {shown_limit}"


def select(entries: Sequence[CacheEntry], *, days: float | None, everything: bool, now: float) -> list[CacheEntry]:
    """Select what to remove: everything, what was not used for `days`, or, without either, what is beyond the limit."""
    if everything:
        return list(entries)
    if days is not None:
        return [entry for entry in entries if now - entry.used > days * 86_400]
    limit = limit_from_environment()
    return over_limit(entries, limit) if limit else []


def _description(entry: CacheEntry) -> str:
    """Say what an entry belongs to, if its files show it."""
    with suppress(OSError, ValueError):
        if entry.kind == "clone":
            return _origin(entry.path)
        if entry.kind == "tree":
            registered = git_folder(entry)
            return f"commit {(registered / 'HEAD').read_text(encoding='ascii')[:12]}" if registered else ""
        python = next((entry.path / "lib").glob("python*"), None)
        if not python:
            return "incomplete"
        packages = sum(1 for _ in (python / "site-packages").glob("*.dist-info"))
        return f"{python.name}, {packages} packages"
    return ""


def _origin(clone: Path) -> str:
    """Return the folder whose objects a clone borrows, else the address that it was fetched from, if not from jobs."""
    alternates = clone / "objects" / "info" / "alternates"
    if alternates.exists():
        first = alternates.read_text(encoding="utf-8").splitlines()[0]
        return first.removesuffix("/objects").removesuffix("/.git")
    url = re.search(r"^\s*url = (\S+)", (clone / "config").read_text(encoding="utf-8"), re.MULTILINE)
    return url[1] if url else "jobs"


def _last_used(entry: CacheEntry, now: float) -> str:
    age = figures.age(now - entry.used)
    return f"{age} ago" if age else "just now"
