"""Hold commits against upstream's by what they change: the same patch has the same patch-id wherever it stands."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from .cherry_pick import scratch_repository
from .commands import run_git

_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--full-index")


def patch_ids(clone: Path, commits: Sequence[str]) -> dict[str, str]:
    """Map each commit to its patch-id; merges and empty commits have none."""
    told = run_git(clone, ["diff-tree", "--stdin", "-p", "-r", "--root", *_PLAIN], stdin=_lines(commits))
    return {commit: patch for patch, commit in _identified(clone, told)}


def patch_id_between(clone: Path, base: str, head: str) -> str | None:
    """Return the patch-id of all that differs between two commits, None where nothing does."""
    told = run_git(clone, ["diff-tree", "-p", "-r", *_PLAIN, base, head])
    return next((patch for patch, _ in _identified(clone, told)), None)


def patches_since(clone: Path, base: str, tip: str, paths: Iterable[str]) -> dict[str, str]:
    """Map the patch-ids of base..tip to their commits, of those commits that changed one of the paths; the oldest counts."""
    named = [f":(top,literal){path}" for path in paths]
    if not named:
        return {}
    listed = (
        run_git(clone, ["rev-list", "--no-merges", "--reverse", f"{base}..{tip}", "--", *named]).decode("ascii").split()
    )
    found: dict[str, str] = {}
    for commit, patch in patch_ids(clone, listed).items():
        found.setdefault(patch, commit)
    return found


def commits_of(clone: Path, base: str, tip: str, path: str) -> tuple[str, ...]:
    """Return the commits of base..tip that changed a file, oldest first, merges left out."""
    span = ["rev-list", "--no-merges", "--reverse", "--topo-order", f"{base}..{tip}", "--", f":(top,literal){path}"]
    return tuple(run_git(clone, span).decode("ascii").split())


def commit_dates(clone: Path, commits: Sequence[str]) -> dict[str, str]:
    """Map commits to when they were committed, as ISO 8601 in UTC."""
    listed = run_git(
        clone,
        ["log", "--no-walk=unsorted", "--stdin", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%H %cd"],
        stdin=_lines(commits),
        extra={"TZ": "UTC"},
    )
    return dict(line.split(" ", 1) for line in listed.decode("ascii").splitlines())


def read_files(clone: Path, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Read files at commits, (commit, path) each, in one process; those that are not there are left out."""
    asked = [place for place in dict.fromkeys(places) if "\n" not in place[1]]
    if not asked:
        return {}
    told = run_git(
        clone,
        ["cat-file", "--batch"],
        stdin=b"".join(os.fsencode(f"{commit}:{path}") + b"\n" for commit, path in asked),
    )
    found, start = {}, 0
    for place in asked:
        head, _, _ = told[start:].partition(b"\n")
        start += len(head) + 1
        kind = head.rsplit(b" ", 2)[1:]
        if len(kind) == 2 and kind[0] == b"blob":
            found[place] = told[start : start + int(kind[1])]
        if len(kind) == 2 and kind[1].isdigit():
            start += int(kind[1]) + 1
    return found


def conflicts(clone: Path, base: str, ours: str, theirs: str) -> tuple[str, ...]:
    """Return the files in which two commits cannot be merged by themselves; raise CommandFailedError where git is before 2.38.

    Done in a repository that borrows no objects, for the reason that `picking` has.
    """
    trees = [_tree(clone, commit) for commit in (base, ours, theirs)]
    with tempfile.TemporaryDirectory(prefix="merging-", dir=clone.parent) as folder:
        scratch = scratch_repository(clone, Path(folder), trees)
        root = scratch.run("commit-tree", trees[0], stdin=b"base")
        tips = [scratch.run("commit-tree", tree, "-p", root, stdin=b"side") for tree in trees[1:]]
        return scratch.merge(*tips)


def _tree(clone: Path, commit: str) -> str:
    return run_git(clone, ["rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"]).decode("ascii").strip()


def _identified(clone: Path, patches: bytes) -> list[tuple[str, str]]:
    """Return (patch-id, commit) of each patch in git's output; the commit is zeros where the output names none."""
    told = run_git(clone, ["patch-id", "--stable"], stdin=patches) if patches.strip() else b""
    return [(patch, commit) for patch, _, commit in (line.partition(" ") for line in told.decode("ascii").splitlines())]


def _lines(commits: Iterable[str]) -> bytes:
    return "".join(f"{commit}\n" for commit in commits).encode("ascii")
