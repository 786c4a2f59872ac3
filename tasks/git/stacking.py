"""Make a branch in the private clone: commits kept or put onto another, and a commit of our own on top."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .cherry_pick import cherry_pick, copy_objects, read_commit, scratch_repository
from .objects import RawCommit

if TYPE_CHECKING:
    from .identity import Identity


@dataclass(frozen=True, slots=True)
class FileCommit:
    """A commit that adds or changes files: path to bytes; dated as the commit `dated`, so that it is the same every time."""

    files: Mapping[str, bytes]
    message: str
    author: Identity
    dated: str


def rebase(
    clone: Path, onto: str, commits: Sequence[str], *, committer: Identity, reword: Callable[[bytes], bytes] = bytes
) -> str:
    """Put commits onto another and give the last one; those that stand there already stay as they are, signatures and all.

    Merges are left out, as a rebase leaves them out. Raises CherryPickError.
    """
    tip, rest = onto, [sha for sha in commits if len(read_commit(clone, sha).parents) <= 1]
    while rest and _stands_on(clone, rest[0], tip, reword):
        tip = rest.pop(0)
    return cherry_pick(clone, tip, rest, committer=str(committer).encode(), reword=reword) if rest else tip


def _stands_on(clone: Path, sha: str, parent: str, reword: Callable[[bytes], bytes]) -> bool:
    raw = read_commit(clone, sha)
    return raw.parents == (parent,) and reword(raw.message) == raw.message


def commit_files(clone: Path, parent: str, addition: FileCommit) -> str:
    """Commit files on top of `parent` and give the commit; `parent` itself where they are there already."""
    tree = read_commit(clone, parent).tree
    with tempfile.TemporaryDirectory(prefix="adding-", dir=clone.parent) as folder:
        scratch = scratch_repository(clone, Path(folder), [tree])
        scratch.begin(tree)
        for path, content in addition.files.items():
            blob = scratch.run("hash-object", "-w", "--stdin", stdin=content)
            mode = scratch.run("ls-files", "--stage", "-z", "--", f":(literal){path}").partition(" ")[0] or "100644"
            scratch.run(
                "update-index",
                "--add",
                "-z",
                "--index-info",
                stdin=f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0",
            )
        made = scratch.run("write-tree")
        if made == tree:
            return parent
        who = str(addition.author).encode()
        raw = RawCommit("", made, (parent,), who + b" " + _date(clone, addition.dated), b"", addition.message.encode())
        commit = scratch.commit(raw, tree=made, parent=parent, committer=who)
        copy_objects(scratch.git / "objects", clone / "objects")
    return commit


def _date(clone: Path, sha: str) -> bytes:
    found = re.search(rb"(\d+ [+-]\d+)$", read_commit(clone, sha).author)
    return found[1] if found else b"0 +0000"
