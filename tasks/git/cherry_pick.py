"""Put commits onto another without a work tree of anybody's.

Done in a repository of its own that borrows no objects: git "freshens" (touches the times of) objects that it
would write and finds in a borrowed store, and the borrowed store is the user's repository. What a pick made is
then carried over to the clone, object by object.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import CherryPickError, CommandFailedError, RepositoryError
from ..processes import programs
from .commands import LOCAL_SECONDS, environment, run_git
from .models import printable
from .objects import RawCommit

COMMITTER = b"prprep <prprep@localhost>"
_PARTS = {"NAME": "prprep", "EMAIL": "prprep@localhost", "DATE": "1000000000 +0000"}
_IDENTITY = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in _PARTS.items()}


def read_commit(clone: Path, sha: str) -> RawCommit:
    """Read a commit; raise RepositoryError where the clone does not have it."""
    try:
        content = run_git(clone, ["cat-file", "commit", sha])
    except CommandFailedError:
        raise RepositoryError(
            f"the commit {sha[:12]} is not there", hint="it may have been removed by a rebase: name the new one"
        ) from None
    return RawCommit.parse(sha, content)


def cherry_pick(
    clone: Path,
    onto: str,
    commits: Sequence[str],
    *,
    committer: bytes = COMMITTER,
    reword: Callable[[bytes], bytes] = bytes,
) -> str:
    """Put `commits`, in this order, onto `onto` and give the last new commit; `onto` itself where all are contained.

    The same input gives the same SHA: the author stays, the committer is the one that is given, with the author's date.
    `reword` makes a commit's message from the one that it has.
    Raises CherryPickError with the files in conflict, and leaves nothing behind then.
    """
    raws = [read_commit(clone, sha) for sha in commits]
    for raw in raws:
        if len(raw.parents) > 1:
            now = "list the commits that it merged, or give a branch as `head`"
            raise CherryPickError(
                f"commit {raw.sha[:12]} ({raw.title}) is a merge and cannot be put onto another commit", hint=now
            )
    start = read_commit(clone, onto)
    parent_trees = {raw.sha: read_commit(clone, raw.parents[0]).tree for raw in raws if raw.parents}
    with tempfile.TemporaryDirectory(prefix="picking-", dir=clone.parent) as folder:
        scratch = scratch_repository(
            clone, Path(folder), [start.tree, *parent_trees.values(), *(raw.tree for raw in raws)]
        )
        scratch.begin(start.tree)
        tip, tree = onto, start.tree
        for raw in raws:
            picked = scratch.put(raw, parent_trees.get(raw.sha), onto=onto)
            if picked != tree:  # Else it is contained already: an empty commit would only be noise.
                told = replace(raw, message=reword(raw.message))
                tip, tree = scratch.commit(told, tree=picked, parent=tip, committer=committer), picked
        copy_objects(scratch.git / "objects", clone / "objects")
    return tip


@dataclass(frozen=True, slots=True)
class Scratch:
    """A repository with the trees that a pick needs and an empty work tree."""

    tree: Path

    @property
    def git(self) -> Path:
        return self.tree / ".git"

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        command = ["git", "-c", "core.sparseCheckout=true", "-c", "core.bare=false", *arguments]
        told = programs.run_bytes(
            command, cwd=self.tree, env=environment() | _IDENTITY, timeout=LOCAL_SECONDS, stdin=stdin
        )
        return os.fsdecode(told).strip("\n")

    def begin(self, tree: str) -> None:
        self.run("update-ref", "--no-deref", "HEAD", self.run("commit-tree", tree, stdin=b"onto"))
        self.run("read-tree", "-m", "-u", "HEAD")

    def put(self, raw: RawCommit, parent_tree: str | None, *, onto: str) -> str:
        """Apply one commit to the index and give the tree that comes of it."""
        parent = ["-p", self.run("commit-tree", parent_tree, stdin=b"parent")] if parent_tree else []
        change = self.run("commit-tree", raw.tree, *parent, stdin=b"change")
        try:
            self.run("cherry-pick", "--no-commit", "--strategy=ort", change)
        except CommandFailedError as error:
            raise self._conflict(raw, onto, error) from None
        return self.run("write-tree")

    def merge(self, ours: str, theirs: str) -> tuple[str, ...]:
        """Return the files in conflict between two commits of the scratch; raise CommandFailedError where git cannot tell."""
        command = ["git", "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs]
        done = programs.run(command, cwd=self.tree, env=environment() | _IDENTITY, timeout=LOCAL_SECONDS, check=False)
        if done.code not in (0, 1):
            raise CommandFailedError(done.command, code=done.code, output=done.output, error=done.error)
        return tuple(sorted({printable(path) for path in done.output.split("\0")[1:] if path}))

    def commit(self, raw: RawCommit, *, tree: str, parent: str, committer: bytes = COMMITTER) -> str:
        date = re.search(rb"(\d+ [+-]\d+)$", raw.author)
        encoding = b"encoding " + raw.encoding + b"\n" if raw.encoding else b""
        committer = committer + b" " + (date[1] if date else b"0 +0000")
        fields = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n" % (
            tree.encode(),
            parent.encode(),
            raw.author,
            committer,
        )
        return self.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=fields + encoding + b"\n" + raw.message)

    def _conflict(self, raw: RawCommit, onto: str, error: CommandFailedError) -> CherryPickError:
        unmerged = self.run("ls-files", "--unmerged", "-z").split("\0")
        files = tuple(dict.fromkeys(entry.partition("\t")[2] for entry in unmerged if entry))
        reason = f"conflicts in {', '.join(map(printable, files))}" if files else (error.error.strip() or error.what)
        now = "list the commits that it builds on before it, or give as `head` a branch where the conflict is resolved"
        return CherryPickError(
            f"commit {raw.sha[:12]} ({raw.title}) does not go onto {onto[:12]}: {reason}", files=files, hint=now
        )


def scratch_repository(clone: Path, folder: Path, trees: Sequence[str]) -> Scratch:
    """Make a repository in an empty folder that holds these trees, and borrows nothing."""
    scratch = Scratch(folder)
    programs.run(["git", "init", "--quiet", "--template=", folder], cwd=folder, env=environment(), timeout=60)
    (scratch.git / "info").mkdir()
    # Nothing is checked out but what is in conflict: no filters, no long checkouts, no names that the disk cannot hold.
    (scratch.git / "info" / "sparse-checkout").write_text("/.prprep-nothing\n", encoding="ascii")
    wanted = "".join(f"{tree}\n" for tree in dict.fromkeys(trees))
    run_git(
        clone, ["pack-objects", "--revs", "--quiet", scratch.git / "objects" / "pack" / "pack"], stdin=wanted.encode()
    )
    return scratch


def copy_objects(objects: Path, target: Path) -> None:
    """Copy the loose objects, those that the pick made; what was brought along is in a pack."""
    for source in sorted(objects.glob("??/*")):
        place = target / source.parent.name / source.name
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            part = place.with_name(f"tmp_obj_{source.name}")
            shutil.copyfile(source, part)
            part.chmod(0o444)
            part.replace(place)
