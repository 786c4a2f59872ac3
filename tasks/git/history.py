"""Ask a private clone about a span of commits: sizes, kinds and white space of what changed, titles, contained commits."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..processes import programs
from .commands import LOCAL_SECONDS, environment, run_git


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs between two commits: A, M, D or T; its size at the second, in bytes, and whether git takes it for binary."""

    status: str
    path: str
    size: int = 0
    binary: bool = False


def changed_files(clone: Path, base: str, head: str) -> tuple[ChangedFile, ...]:
    """Return the files that differ, renames as a removal and an addition, submodules left out."""
    raw = run_git(clone, ["diff-tree", "-r", "-z", "--raw", "--no-renames", base, head]).split(b"\0")
    entries = [
        (meta.decode("ascii").lstrip(":").split(" "), path)
        for meta, path in zip(raw[::2], raw[1::2], strict=False)
        if meta
    ]
    blobs = [meta[3] for meta, _ in entries if meta[1] != "160000"]
    told = run_git(
        clone, ["cat-file", "--batch-check=%(objectsize)"], stdin="".join(f"{blob}\n" for blob in blobs).encode()
    ).split(b"\n")
    sizes = {blob: int(size) for blob, size in zip(blobs, told, strict=False) if size.isdigit()}
    stats = run_git(clone, ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-textconv", base, head]).split(
        b"\0"
    )
    binary = {line.split(b"\t", 2)[2] for line in stats if line.startswith(b"-\t-\t")}
    return tuple(
        ChangedFile(meta[4][0], os.fsdecode(path), sizes.get(meta[3], 0), path in binary)
        for meta, path in entries
        if meta[1] != "160000"
    )


def whitespace_errors(clone: Path, base: str, head: str) -> tuple[str, ...]:
    """Return what `git diff --check` says of the lines that were added, as `path:line: what`; Markdown's line breaks are none."""
    where = ["--", ".", ":(exclude)*.md", ":(exclude)*.patch"]
    command = ["git", f"--git-dir={clone}", "diff", "--check", "--no-ext-diff", base, head, *where]
    finished = programs.run(command, cwd=clone, env=environment(), timeout=LOCAL_SECONDS, check=False)
    return tuple(line for line in finished.output.splitlines() if re.match(r"[^+].*:\d+: ", line))


def recent_titles(clone: Path, commit: str, count: int) -> tuple[str, ...]:
    """Return the titles of the newest commits, merges left out."""
    told = run_git(clone, ["log", "--no-merges", f"--max-count={count}", "--format=%s", "--end-of-options", commit])
    return tuple(told.decode("utf-8", "replace").splitlines())


def author_date(clone: Path, commit: str) -> str:
    """Return the day and time at which a commit was written, like `2024-01-31 12:00:00`."""
    return (
        run_git(clone, ["show", "--no-patch", "--format=%ad", "--date=format:%Y-%m-%d %H:%M:%S", commit])
        .decode("ascii", "replace")
        .strip()
    )


def is_ancestor(clone: Path, old: str, new: str) -> bool:
    """Return whether `new` holds `old`; False where the clone lacks one of them."""
    command = ["git", f"--git-dir={clone}", "merge-base", "--is-ancestor", old, new]
    return programs.run(command, cwd=clone, env=environment(), timeout=LOCAL_SECONDS, check=False).code == 0
