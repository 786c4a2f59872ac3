"""Show what is kept in the cache folder, and remove what is not needed: all of it can be made again."""

from __future__ import annotations

import os
import re
import stat
import time
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
"""The folder of each kind, in the order in which they are cheap to make again, and the file in it that is touched by use."""
OURS = re.compile(r"[0-9a-f]{20,64}(\.git)?")
FRESH_SECONDS = 15 * 60.0
"""What was used since may be about to be measured, and is never removed."""
LOOK_SECONDS = 24 * 3600.0
"""How often the size is looked at after a run."""
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# prprep keeps clones, trees and environments here; all of it can be made again.\n"
UNITS = {
    "B": 1,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that is kept: `size` in bytes on disk, `used` in seconds since the epoch."""

    kind: str
    path: Path
    size: int
    used: float


def kept(cache: Path) -> list[Kept]:
    """Find all that is kept, the least recently used first; hard links are counted once."""
    seen: set[tuple[int, int]] = set()
    found = []
    for kind, (folder, touched) in KINDS.items():
        for path in _folders(cache / folder):
            used = _last_use(path, touched)
            found.append(Kept(kind, path, _size(path, seen), used))
    return sorted(found, key=lambda each: each.used)


def prune(cache: Path, things: Iterable[Kept], report: Report) -> list[Kept]:
    """Remove things that nobody is using; give those that were. Raise BusyError while something is being measured."""
    removed = []
    with locks.file_lock(machine.lock_path(cache), busy="something is being measured with what is kept here"):
        for each in things:
            if time.time() - _last_use(each.path, KINDS[each.kind][1]) < FRESH_SECONDS:
                report(f"{each.kind} {each.path.name[:12]} was used just now and stays")
            elif _remove(each):
                removed.append(each)
            else:
                report(f"{each.kind} {each.path.name[:12]} is in use and stays")
    return removed


def beyond(things: Sequence[Kept], limit: int) -> list[Kept]:
    """Choose what has to go to come below a limit in bytes: the least recently used, a clone only after all that stands on it."""
    excess, chosen = sum(each.size for each in things) - limit, []
    for each in sorted(things, key=lambda each: (each.kind == "clone", each.used)):
        if excess <= 0:
            break
        chosen.append(each)
        excess -= each.size
    return chosen


def keep_within_limit(cache: Path, report: Report) -> None:
    """Remove the least recently used where all together is beyond the limit; once a day, since looking takes time."""
    stamp = cache / "CACHEDIR.TAG"
    try:
        limit = limit_of(os.environ.get(LIMIT_VARIABLE, USUAL_LIMIT))
    except UsageError as error:
        report(str(error))
        return
    with suppress(OSError, BusyError):
        looked = stamp.stat().st_mtime if stamp.exists() else 0.0
        if not limit or time.time() - looked < LOOK_SECONDS:
            return
        stamp.write_text(TAG, encoding="utf-8")
        removed = prune(cache, beyond(kept(cache), limit), report)
        if removed:
            report(
                f"removed {figures.size(sum(each.size for each in removed))} from the cache, to stay within {figures.size(limit)}"
            )


def limit_of(text: str) -> int:
    """Read a limit like `20 GiB` as bytes, 0 for none; raise UsageError."""
    spelled = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?b|b)?\s*", text, re.IGNORECASE)
    if not spelled:
        raise UsageError(f"{text!r} is no size", where=LIMIT_VARIABLE, hint="write it like `20 GiB`, or 0 for no limit")
    return int(float(spelled[1]) * UNITS[(spelled[2] or "B").upper()])


def _folders(place: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(
            path for path in place.iterdir() if OURS.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )


def _last_use(path: Path, touched: str) -> float:
    """Return when it was used last, as far as its files tell; the beginning of time where it is broken."""
    marks = [path / touched] if touched else [path.with_suffix(".json"), path]
    times = [0.0]
    for mark in marks:
        with suppress(OSError):
            times.append(mark.stat().st_mtime)
    return max(times)


def _size(path: Path, seen: set[tuple[int, int]]) -> int:
    total = 0
    for place, folders, files in os.walk(path):
        for name in (*folders, *files):
            with suppress(OSError):
                status = os.lstat(os.path.join(place, name))  # noqa: PTH118 - hundreds of thousands of files
                if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                    if (status.st_dev, status.st_ino) in seen:
                        continue
                    seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def _remove(thing: Kept) -> bool:
    """Remove a thing with what belongs to it; False where somebody holds it."""
    with ExitStack() as stack:
        if thing.kind in {"tree", "clone"}:
            try:
                stack.enter_context(locks.file_lock(thing.path.with_suffix(".lock"), busy="in use"))
            except BusyError:
                return False
        if thing.kind == "tree" and (registered := git_folder_of(thing.path)):
            # What git keeps of a worktree lies in the clone.
            remove_folder(registered)
        remove_folder(thing.path)
        if thing.kind == "tree":
            thing.path.with_suffix(".json").unlink(missing_ok=True)
    return True
