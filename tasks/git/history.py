"""Query a range of commits in a private clone."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .commands import run_git, run_git_in

_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs between two commits: status A, M, D or T, and its size in bytes at the second."""

    status: str
    path: str
    size: int = 0
    binary: bool = False


def changed_files(clone: Path, base: str, head: str) -> tuple[ChangedFile, ...]:
    """Return the files that differ, renames as a removal and an addition, without submodules."""
    raw = run_git(clone, ["diff-tree", "-r", "-z", "--raw", "--no-renames", base, head]).split(b"\0")
    pairs = zip(raw[::2], raw[1::2], strict=False)
    entries = [(meta.decode("ascii").lstrip(":").split(" "), path) for meta, path in pairs if meta]
    entries = [(meta, path) for meta, path in entries if meta[1] != _SUBMODULE]
    blobs = [meta[3] for meta, _ in entries]
    lines = "".join(f"{blob}\n" for blob in blobs).encode()
    listed = run_git(clone, ["cat-file", "--batch-check=%(objectsize)"], stdin=lines).split(b"\n")
    sizes = {blob: int(size) for blob, size in zip(blobs, listed, strict=False) if size.isdigit()}
    numstat = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-textconv", base, head]
    stats = run_git(clone, numstat).split(b"\0")
    binary = {line.split(b"\t", 2)[2] for line in stats if line.startswith(b"-\t-\t")}
    return tuple(
        ChangedFile(meta[4][0], os.fsdecode(path), sizes.get(meta[3], 0), path in binary) for meta, path in entries
    )


def whitespace_errors(clone: Path, base: str, head: str) -> tuple[str, ...]:
    """Return what `git diff --check` reports, as `path:line: what`; not for Markdown, whose line breaks are spaces."""
    arguments = ("diff", "--check", "--no-ext-diff", base, head, "--", ".", ":(exclude)*.md", ":(exclude)*.patch")
    finished = run_git_in(clone, f"--git-dir={clone}", *arguments, check=False)
    return tuple(line for line in finished.output.splitlines() if re.match(r"[^+].*:\d+: ", line))


def recent_titles(clone: Path, commit: str, count: int) -> tuple[str, ...]:
    log = ["log", "--no-merges", f"--max-count={count}", "--format=%s", "--end-of-options", commit]
    return tuple(run_git(clone, log).decode("utf-8", "replace").splitlines())


def author_date(clone: Path, commit: str) -> str:
    """Return a commit's author date, such as `2024-01-31 12:00:00`."""
    show = ["show", "--no-patch", "--format=%ad", "--date=format:%Y-%m-%d %H:%M:%S", commit]
    return run_git(clone, show).decode("ascii", "replace").strip()


def commit_dates(clone: Path, commits: Sequence[str]) -> dict[str, str]:
    """Return the commit date of each commit, as ISO 8601 in UTC."""
    log = ["log", "--no-walk=unsorted", "--stdin", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%H %cd"]
    listed = run_git(clone, log, stdin="".join(f"{commit}\n" for commit in commits).encode(), extra={"TZ": "UTC"})
    return dict(line.split(" ", 1) for line in listed.decode("ascii").splitlines())


def commits_of(clone: Path, base: str, tip: str, path: str | None = None) -> tuple[str, ...]:
    """Return the commits of base..tip, oldest first; with `path`, those that changed it, without merges."""
    of_path = [] if path is None else ["--no-merges", "--", literal(path)]
    arguments = ["rev-list", "--reverse", "--topo-order", f"{base}..{tip}", *of_path]
    return tuple(run_git(clone, arguments).decode("ascii").split())


def literal(path: str) -> str:
    return f":(top,literal){path}"


def is_ancestor(clone: Path, old: str, new: str) -> bool:
    """Return whether `new` contains `old`; False if the clone lacks one of them."""
    return run_git_in(clone, f"--git-dir={clone}", "merge-base", "--is-ancestor", old, new, check=False).code == 0


def matching_files(clone: Path, base: str, head: str, globs: Sequence[str]) -> tuple[str, ...]:
    """Return the files that differ and match one of git's patterns: `src/**/*.py`, a file, or a folder."""
    patterns = [f":(top,glob){each}" for each in globs]
    command = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", base, head, "--", *patterns]
    return tuple(os.fsdecode(path) for path in run_git(clone, command).split(b"\0") if path)
