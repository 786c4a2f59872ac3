"""Compare commits by patch-id, which is the same wherever a patch is applied, and find conflicts."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from .cherry_pick import scratch_repository
from .commands import run_git
from .history import literal
from .objects import read_commit

_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--full-index")


def patch_ids(clone: Path, commits: Sequence[str]) -> dict[str, str]:
    """Map each commit to its patch-id; merges and empty commits have none."""
    lines = "".join(f"{commit}\n" for commit in commits).encode("ascii")
    patches = run_git(clone, ["diff-tree", "--stdin", "-p", "-r", "--root", *_PLAIN], stdin=lines)
    return _identify(clone, patches)


def patch_id_between(clone: Path, base: str, head: str) -> str | None:
    """Return the patch-id of the whole difference of two commits, None if there is none."""
    patch = run_git(clone, ["diff-tree", "-p", "-r", *_PLAIN, base, head])
    return next(iter(_identify(clone, patch).values()), None)


def patches_since(clone: Path, base: str, tip: str, paths: Iterable[str]) -> dict[str, str]:
    """Map patch-ids to the commits of base..tip that changed one of the paths; the oldest commit wins."""
    pathspecs = [literal(path) for path in paths]
    if not pathspecs:
        return {}
    arguments = ["rev-list", "--no-merges", "--reverse", f"{base}..{tip}", "--", *pathspecs]
    commits = run_git(clone, arguments).decode("ascii").split()
    return {patch_id: commit for commit, patch_id in reversed(patch_ids(clone, commits).items())}


def conflicts(clone: Path, base: str, ours: str, theirs: str) -> tuple[str, ...]:
    """Return the files with conflicts if two commits are merged; raise CommandFailedError for git before 2.38."""
    trees = [read_commit(clone, commit).tree for commit in (base, ours, theirs)]
    with tempfile.TemporaryDirectory(prefix="merging-", dir=clone.parent) as folder:
        scratch = scratch_repository(clone, Path(folder), trees)
        root = scratch.run("commit-tree", trees[0], stdin=b"base")
        tips = [scratch.run("commit-tree", tree, "-p", root, stdin=b"side") for tree in trees[1:]]
        return scratch.merge(*tips)


def _identify(clone: Path, patches: bytes) -> dict[str, str]:
    """Map the commit of each patch, zeros if the patch names none, to its patch-id."""
    output = run_git(clone, ["patch-id", "--stable"], stdin=patches) if patches.strip() else b""
    lines = (line.partition(" ") for line in output.decode("ascii").splitlines())
    return {commit: patch_id for patch_id, _, commit in lines}
