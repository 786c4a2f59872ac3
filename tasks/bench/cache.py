"""List what is in the cache folder, and remove what is not needed: all of it can be rebuilt."""

from __future__ import annotations

import os
import re
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BusyError, UsageError
from ..git.clone_cache import git_folder_of
from ..processes import locks
from ..processes.scratch import remove_folder
from ..text import figures
from . import machine

if TYPE_CHECKING:
    from ..processes.progress import Report

LIMIT_VARIABLE, USUAL_LIMIT = "PRPREP_CACHE_LIMIT", "20 GiB"
KINDS = {
    "environment": ("environments/dependencies", "prprep-layer.json"),
    "environment of a tree": ("environments/trees", "prprep-layer.json"),
    "environment of codeflash": ("environments/codeflash", "prprep-layer.json"),
    "tree": ("trees", ""),
    "clone": ("clones", "HEAD"),
}
"""The folder of each kind, and the file in an entry whose time stamp shows its last use."""
ENTRY_NAME = re.compile(r"[0-9a-f]{20,64}(\.git)?")
FRESH_SECONDS = 15 * 60.0
"""An entry used since then may be about to be measured, and is never removed."""
CHECK_SECONDS = 24 * 3600.0
"""How often a run checks the size."""
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# prprep caches clones, trees and environments here.\n"
UNITS = {"B": 1} | {
    f"{prefix}{suffix}": base**power
    for power, prefix in enumerate("KMGT", 1)
    for suffix, base in (("IB", 1024), ("B", 1000))
}


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A folder of the cache: `size` in bytes on disk, `used` in seconds since the epoch, `owner` what it belongs to."""

    kind: str
    path: Path
    size: int
    used: float
    owner: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path.name[:12]}"


def list_entries(cache: Path) -> list[CacheEntry]:
    """Return all entries, the least recently used first; hard links are counted once."""
    seen: set[tuple[int, int]] = set()
    entries = [
        CacheEntry(kind, path, _size(path, seen), _last_use(path, marker), _owner(kind, path))
        for kind, (folder, marker) in KINDS.items()
        for path in _folders(cache / folder)
    ]
    return sorted(entries, key=lambda entry: entry.used)


def entries_table(cache: Path, entries: Sequence[CacheEntry], *, now: float) -> str:
    """Return the entries as a table, followed by the sums and the limit."""
    if not entries:
        return f"{cache}: empty"
    rows = [
        (entry.kind, entry.path.name[:12], figures.size(entry.size), _age(now - entry.used), entry.owner)
        for entry in reversed(entries)
    ]
    by_kind: Counter[str] = Counter()
    for entry in entries:
        by_kind[entry.kind] += entry.size
    sums = ", ".join(f"{kind} {figures.size(size)}" for kind, size in by_kind.items())
    limit = limit_from_environment()
    limited = f"limit {figures.size(limit)} ({LIMIT_VARIABLE})" if limit else "no limit"
    table = text_table(("Kind", "Name", "Size", "Last used", "For"), rows, terminal_width())
    return f"{table}\n\n{cache}: {figures.size(by_kind.total())} ({sums}); {limited}"


def prune(cache: Path, entries: Iterable[CacheEntry], report: Report) -> list[CacheEntry]:
    """Remove entries that nobody is using, and return them. Raises BusyError while something is being measured."""
    removed = []
    with locks.held(machine.lock_path(cache), busy="a comparison that uses the cache is running"):
        for entry in entries:
            if time.time() - _last_use(entry.path, KINDS[entry.kind][1]) < FRESH_SECONDS:
                report(f"{entry} stays: it was used just now")
            elif _remove(entry):
                removed.append(entry)
            else:
                report(f"{entry} stays: it is in use")
    return removed


def select(entries: Sequence[CacheEntry], *, days: float, everything: bool, now: float) -> list[CacheEntry]:
    """Return the entries to remove: all, or those not used for `days` (unless negative), or those beyond the limit."""
    if everything or days >= 0:
        return [entry for entry in entries if everything or now - entry.used > days * 24 * 3600]
    limit = limit_from_environment()
    return over_limit(entries, limit) if limit else []


def over_limit(entries: Sequence[CacheEntry], limit: int) -> list[CacheEntry]:
    """Return the least recently used entries beyond `limit` bytes, clones last: trees depend on them."""
    excess, selected = sum(entry.size for entry in entries) - limit, []
    for entry in sorted(entries, key=lambda entry: (entry.kind == "clone", entry.used)):
        if excess <= 0:
            break
        selected.append(entry)
        excess -= entry.size
    return selected


def keep_within_limit(cache: Path, report: Report) -> None:
    """Remove the least recently used entries if the cache exceeds its limit; at most once a day, as it takes time."""
    stamp = cache / "CACHEDIR.TAG"
    try:
        limit = limit_from_environment()
    except UsageError as error:
        report(str(error))
        return
    with suppress(OSError, BusyError):
        checked = stamp.stat().st_mtime if stamp.exists() else 0.0
        if not limit or time.time() - checked < CHECK_SECONDS:
            return
        stamp.write_text(TAG, encoding="utf-8")
        if removed := prune(cache, over_limit(list_entries(cache), limit), report):
            size = figures.size(sum(entry.size for entry in removed))
            report(f"removed {size} from the cache, to stay within {figures.size(limit)}")


def limit_from_environment() -> int:
    return parse_size(os.environ.get(LIMIT_VARIABLE, USUAL_LIMIT))


def parse_size(text: str) -> int:
    """Return a limit like `20 GiB` in bytes, 0 for none; raise UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?b|b)?\s*", text, re.IGNORECASE)
    if not match:
        raise UsageError(f"{text!r} is not a size", where=LIMIT_VARIABLE, hint="write `20 GiB`, or 0 for no limit")
    return int(float(match[1]) * UNITS[(match[2] or "B").upper()])


def _folders(parent: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(
            path
            for path in parent.iterdir()
            if ENTRY_NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )


def _last_use(path: Path, marker: str) -> float:
    """Return when an entry was used last, in seconds since the epoch; 0 if it is broken."""
    times = [0.0]
    for file in [path / marker] if marker else [path.with_suffix(".json"), path]:
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    return max(times)


def _size(path: Path, seen: set[tuple[int, int]]) -> int:
    total = 0
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            with suppress(OSError):
                status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - hundreds of thousands of files
                if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                    if (status.st_dev, status.st_ino) in seen:
                        continue
                    seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def _owner(kind: str, path: Path) -> str:
    """Return the repository of a clone, the commit of a tree, the contents of an environment; "" if unknown."""
    with suppress(OSError, ValueError):
        if kind == "clone":
            borrowed = path / "objects" / "info" / "alternates"
            if borrowed.exists():
                objects = borrowed.read_text(encoding="utf-8").splitlines()[0]
                return objects.removesuffix("/objects").removesuffix("/.git")
            url = re.search(r"^\s*url = (\S+)", (path / "config").read_text(encoding="utf-8"), re.MULTILINE)
            return url[1] if url else ""
        if kind == "tree":
            head = git_folder_of(path)
            return f"commit {(head / 'HEAD').read_text(encoding='ascii').strip()[:12]}" if head else ""
        python = next((path / "lib").glob("python*"), None)
        packages = sum(1 for _ in (python / "site-packages").glob("*.dist-info")) if python else 0
        return f"{python.name}, {packages} packages" if python else "incomplete"
    return ""


def _remove(entry: CacheEntry) -> bool:
    """Remove an entry with everything that belongs to it; False if it is in use."""
    with ExitStack() as stack:
        if entry.kind in {"tree", "clone"}:
            try:
                stack.enter_context(locks.held(entry.path.with_suffix(".lock"), busy="in use"))
            except BusyError:
                return False
        if entry.kind == "tree" and (registered := git_folder_of(entry.path)):
            # Git keeps its files about a worktree in the clone.
            remove_folder(registered)
        remove_folder(entry.path)
        if entry.kind == "tree":
            entry.path.with_suffix(".json").unlink(missing_ok=True)
    return True


def _age(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
