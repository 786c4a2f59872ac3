"""A repository with objects of its own, for trees in which the project's code runs.

A private clone borrows the objects of the user's repository. Whoever writes an object that a borrowed store has makes
git "freshen" (touch) a file of that store, and the project's tests or tools may well commit in their tree. So trees
belong to a second repository in the clone's folder, which has a copy of what their commits reach, and borrows nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..processes.scratch import remove_folder
from .clone_cache import borrows_objects, copy_shallow, init_bare
from .commands import list_refs, replace_refs, resolve_refs, run_git
from .objects import shallow_commits
from .worktrees import TREES

TIPS: Final = b"refs/prprep/"
"""Refs of the commits that were copied."""
TAGS: Final = b"refs/tags/"


def tree_repository(clone: Path) -> Path:
    """Return the repository that the clone's trees belong to: the clone itself if it borrows no objects."""
    return clone / TREES if borrows_objects(clone) else clone


def with_commits(clone: Path, commits: Sequence[str]) -> Path:
    """Return the repository for trees with these commits, their history and its tags in it; copy what it lacks.

    The caller holds the clone's lock. Raises CommandFailedError.
    """
    own = tree_repository(clone)
    if own == clone:
        return own
    if (own / "HEAD").is_file() and shallow_commits(own) != shallow_commits(clone):
        remove_folder(own)
    if not (own / "HEAD").is_file():
        init_bare(own, lambda part: copy_shallow(clone, part))
    lacking = [commit for commit, found in resolve_refs(own, commits).items() if not found]
    present, known = list_refs(own), {name for name in list_refs(clone) if name.startswith(TAGS)}
    tags = {name: sha for commit in commits for name, sha in tags_of(clone, commit).items()} if known else {}
    gone = {name for name in present if name.startswith(TAGS)} - known
    changed = {name: sha for name, sha in tags.items() if present.get(name) != sha}
    if lacking or changed:
        copied = [sha for name, sha in present.items() if name.startswith(TIPS)]
        # The clone loses what the user's repository lost: after a force push, or if another one is in its place.
        tips = [f"^{sha}" for sha, found in resolve_refs(clone, copied).items() if found]
        wanted = "".join(f"{each}\n" for each in (*lacking, *changed.values(), *tips)).encode()
        # Deltas are used as they are: looking for better ones takes longer than it saves. A partial clone has gaps.
        options = ("--revs", "--quiet", "--window=0", "--missing=allow-any")
        run_git(clone, ["pack-objects", *options, own / "objects" / "pack" / "pack"], stdin=wanted)
    replace_refs(own, gone, {**changed, **{TIPS + sha.encode(): sha for sha in lacking}})
    return own


def tags_of(clone: Path, commit: str) -> dict[bytes, str]:
    """Return the tags in a commit's history, which tools derive versions from."""
    return list_refs(clone, f"--merged={commit}", "refs/tags")
