"""List what is in the cache folder, and remove what is not needed: all of it can be rebuilt."""

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import BusyError, UsageError
from ..git.repository import git_folder_of
from ..processes import locks
from ..processes.progress import Report
from ..processes.scratch import remove_folder
from ..storage.files import write_whole
from ..text import figures
from .exclusive import cache_lock

LIMIT_VARIABLE, USUAL_LIMIT = "PRPREP_CACHE_LIMIT", "20 GiB"
KINDS = {
    "environment": ("environments/dependencies", "prprep-layer.json"),
    "environment for measuring": ("environments/measuring", "prprep-layer.json"),
    "environment of a tree": ("environments/trees", "prprep-layer.json"),
    "environment of codeflash": ("environments/codeflash", "prprep-layer.json"),
    "tree": ("trees", ""),
    "clone": ("clones", "HEAD"),
    "work tree": ("work-trees", "HEAD"),
    "comparison": ("tries", ".prprep/doit.json"),
}
"""The folder of each kind, and the file in an entry whose time stamp shows its last use."""
ENTRY_NAME = re.compile(r"[0-9a-f]{20,64}(\.git)?")
FRESH_SECONDS = 15 * 60.0
"""An entry used since then may be about to be measured, and is never removed."""
CHECK_SECONDS = 24 * 3600.0
"""How often a run checks the size."""
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# prprep caches clones, trees and environments here.\n"
PREFIXES = " KMGT"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A folder of the cache: `size` in bytes on disk, `used` in seconds since the epoch."""

    kind: str
    path: Path
    size: int
    used: float

    def __str__(self) -> str:
        return f"{self.kind} {self.path.name[:12]}"


def list_entries(cache: Path) -> list[CacheEntry]:
    """Return all entries, the least recently used first; hard links are counted once."""
    seen: set[tuple[int, int]] = set()
    entries = [
        CacheEntry(kind, path, _size(path, seen), _last_use(path, marker))
        for kind, (folder, marker) in KINDS.items()
        for path in _folders(cache / folder)
    ]
    return sorted(entries, key=lambda entry: entry.used)


def prune(cache: Path, entries: Iterable[CacheEntry], report: Report) -> list[CacheEntry]:
    """Remove entries that nobody is using, and return them. Raises BusyError while something is being measured."""
    removed = []
    with locks.file_lock(cache_lock(cache), busy="a comparison that uses the cache is running"):
        for entry in entries:
            if time.time() - _last_use(entry.path, KINDS[entry.kind][1]) < FRESH_SECONDS:
                report(f"{entry} stays: it was used just now")
            elif _remove(entry):
                removed.append(entry)
            else:
                report(f"{entry} stays: it is in use")
    return removed


def over_limit(entries: Sequence[CacheEntry], limit: int) -> list[CacheEntry]:
    """Return the least recently used entries beyond `limit` bytes, clones last: trees depend on them."""
    excess, selected = sum(entry.size for entry in entries) - limit, []
    for entry in sorted(entries, key=lambda entry: (entry.kind == "clone", entry.used)):
        if excess > 0:
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
        write_whole(stamp, TAG)
        if removed := prune(cache, over_limit(list_entries(cache), limit), report):
            size = figures.size(sum(entry.size for entry in removed))
            report(f"removed {size} from the cache, to stay within {figures.size(limit)}")


def limit_from_environment() -> int:
    return parse_size(os.environ.get(LIMIT_VARIABLE, USUAL_LIMIT))


def parse_size(text: str) -> int:
    """Return a limit like `20 GiB` in bytes, 0 for none; raise UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]i?)?b)?\s*", text, re.IGNORECASE)
    if not match:
        raise UsageError(f"{text!r} is not a size", where=LIMIT_VARIABLE, hint="write `20 GiB`, or 0 for no limit")
    prefix = (match[2] or " ").upper()
    return int(float(match[1]) * (1024 if prefix.endswith("I") else 1000) ** PREFIXES.index(prefix[0]))


def git_folder(entry: CacheEntry) -> Path | None:
    """Return the folder of git's files about a tree; None if in no clone: the project's code may change `.git`."""
    registered = git_folder_of(entry.path) if entry.kind == "tree" else None
    clones = entry.path.parents[1].resolve() / "clones"
    return registered if registered and registered.resolve().is_relative_to(clones) else None


def _folders(parent: Path) -> Iterator[Path]:
    with suppress(OSError):
        named = (path for path in parent.iterdir() if ENTRY_NAME.fullmatch(path.name))
        yield from sorted(path for path in named if path.is_dir() and not path.is_symlink())


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


def _remove(entry: CacheEntry) -> bool:
    """Remove an entry with everything that belongs to it; False if it is in use."""
    with ExitStack() as stack:
        if lock := _lock_of(entry):
            try:
                stack.enter_context(locks.file_lock(lock, busy="in use"))
            except BusyError:
                return False
        if registered := git_folder(entry):
            # Git keeps its files about a worktree in the clone.
            remove_folder(registered)
        remove_folder(entry.path)
        if entry.kind == "tree":
            entry.path.with_suffix(".json").unlink(missing_ok=True)
    return True


def _lock_of(entry: CacheEntry) -> Path | None:
    if entry.kind == "comparison":
        return entry.path / ".prprep/lock"  # the run's own: a first run writes the database only when it ends
    return entry.path.with_suffix(".lock") if entry.kind in {"tree", "clone", "work tree"} else None
