"""Create commits in the private clone: cherry-picks, rebased branches, and commits of prprep's own.

Everything happens in a scratch repository that borrows no objects. Otherwise git would "freshen" (touch) equal objects
in a borrowed store, and that store is the user's repository. New objects are then copied to the clone one by one.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import CherryPickError, CommandFailedError
from ..processes import programs
from .commands import LOCAL_SECONDS, environment, run_git, run_git_in
from .models import printable
from .objects import RawCommit, read_commit

COMMITTER = b"prprep <prprep@localhost>"
_PARTS = {"NAME": "prprep", "EMAIL": "prprep@localhost", "DATE": "1000000000 +0000"}
IDENTITY = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in _PARTS.items()}


def cherry_pick(
    clone: Path,
    onto: str,
    commits: Sequence[str],
    *,
    committer: bytes = COMMITTER,
    reword: Callable[[bytes], bytes] = bytes,
) -> str:
    """Cherry-pick `commits` in order and return the last new commit; `onto` itself if it contains them all.

    The same input gives the same SHA: author and date stay, and the committer gets the author's date. `reword` maps
    each message to a new one. Raises CherryPickError with the conflicts; the clone is unchanged then.
    """
    raws = [read_commit(clone, sha) for sha in commits]
    for raw in raws:
        if len(raw.parents) > 1:
            what = f"commit {raw.sha[:12]} ({raw.title}) is a merge and cannot be cherry-picked"
            raise CherryPickError(what, hint="list the commits that it merged, or name a branch as `head`")
    start = read_commit(clone, onto)
    parent_trees = {raw.sha: read_commit(clone, raw.parents[0]).tree for raw in raws if raw.parents}
    with _writable(clone, [start.tree, *parent_trees.values(), *(raw.tree for raw in raws)]) as scratch:
        scratch.begin(start.tree)
        tip, tree = onto, start.tree
        for raw in raws:
            picked = scratch.apply(raw, parent_trees.get(raw.sha), onto=onto)
            if picked != tree:  # otherwise it is contained already
                reworded = replace(raw, message=reword(raw.message))
                tip, tree = scratch.commit(reworded, tree=picked, parent=tip, committer=committer), picked
    return tip


def rebase(
    clone: Path, onto: str, commits: Sequence[str], *, committer: str, reword: Callable[[bytes], bytes] = bytes
) -> str:
    """Rebase commits and return the last one; commits already in place keep their SHA and signature.

    Merges are left out, as in `git rebase`. Raises CherryPickError.
    """
    tip, rest = onto, [raw for raw in (read_commit(clone, sha) for sha in commits) if len(raw.parents) <= 1]
    while rest and rest[0].parents == (tip,) and reword(rest[0].message) == rest[0].message:
        tip = rest.pop(0).sha
    picked = [raw.sha for raw in rest]
    return cherry_pick(clone, tip, picked, committer=committer.encode(), reword=reword) if picked else tip


def commit_files(clone: Path, parent: str, files: Mapping[str, bytes], message: str, *, author: str, dated: str) -> str:
    """Commit files (path to bytes) on top of `parent` with the date of the commit `dated`.

    Return the new commit; `parent` itself if nothing changes.
    """
    tree = read_commit(clone, parent).tree
    with _writable(clone, [tree]) as scratch:
        scratch.begin(tree)
        for path, content in files.items():
            blob = scratch.run("hash-object", "-w", "--stdin", stdin=content)
            mode = scratch.run("ls-files", "--stage", "-z", "--", f":(literal){path}").partition(" ")[0] or "100644"
            entry = f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0"
            scratch.run("update-index", "--add", "-z", "--index-info", stdin=entry)
        new_tree = scratch.run("write-tree")
        if new_tree == tree:
            return parent
        author_and_date = author.encode() + b" " + _date(read_commit(clone, dated))
        raw = RawCommit("", new_tree, (parent,), author_and_date, b"", message.encode())
        return scratch.commit(raw, tree=new_tree, parent=parent, committer=author.encode())


def _date(raw: RawCommit) -> bytes:
    match = re.search(rb"(\d+ [+-]\d+)$", raw.author)
    return match[1] if match else b"0 +0000"


@dataclass(frozen=True, slots=True)
class Scratch:
    """A repository with the trees that a cherry-pick needs and an empty work tree."""

    tree: Path

    @property
    def git(self) -> Path:
        return self.tree / ".git"

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        command = ["git", "-c", "core.sparseCheckout=true", "-c", "core.bare=false", *arguments]
        env = environment() | IDENTITY
        finished = programs.run(command, cwd=self.tree, env=env, timeout=LOCAL_SECONDS, stdin=stdin, limit=None)
        return os.fsdecode(finished.raw).strip("\n")

    def begin(self, tree: str) -> None:
        self.run("update-ref", "--no-deref", "HEAD", self.run("commit-tree", tree, stdin=b"onto"))
        self.run("read-tree", "-m", "-u", "HEAD")

    def apply(self, raw: RawCommit, parent_tree: str | None, *, onto: str) -> str:
        parent = ["-p", self.run("commit-tree", parent_tree, stdin=b"parent")] if parent_tree else []
        change = self.run("commit-tree", raw.tree, *parent, stdin=b"change")
        try:
            self.run("cherry-pick", "--no-commit", "--strategy=ort", change)
        except CommandFailedError as error:
            raise self._conflict(raw, onto, error) from None
        return self.run("write-tree")

    def merge(self, ours: str, theirs: str) -> tuple[str, ...]:
        """Return the conflicts of two commits; raise CommandFailedError if git cannot merge them."""
        arguments = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
        finished = run_git_in(self.tree, *arguments, extra=IDENTITY, check=False)
        if finished.code not in (0, 1):
            raise CommandFailedError(finished.command, code=finished.code, output=finished.output, error=finished.error)
        return tuple(sorted({printable(path) for path in finished.output.split("\0")[1:] if path}))

    def commit(self, raw: RawCommit, *, tree: str, parent: str, committer: bytes = COMMITTER) -> str:
        fields = [
            b"tree " + tree.encode(),
            b"parent " + parent.encode(),
            b"author " + raw.author,
            b"committer " + committer + b" " + _date(raw),
            *([b"encoding " + raw.encoding] if raw.encoding else []),
        ]
        content = b"\n".join(fields) + b"\n\n" + raw.message
        return self.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=content)

    def _conflict(self, raw: RawCommit, onto: str, error: CommandFailedError) -> CherryPickError:
        unmerged = self.run("ls-files", "--unmerged", "-z").split("\0")
        files = tuple(dict.fromkeys(entry.partition("\t")[2] for entry in unmerged if entry))
        reason = f"conflicts in {', '.join(map(printable, files))}" if files else (error.error.strip() or error.what)
        what = f"commit {raw.sha[:12]} ({raw.title}) cannot be cherry-picked onto {onto[:12]}: {reason}"
        hint = "list the commits that it builds on before it, or name a branch without the conflict as `head`"
        return CherryPickError(what, files=files, hint=hint)


@contextmanager
def _writable(clone: Path, trees: Sequence[str]) -> Iterator[Scratch]:
    """Yield a scratch repository and copy its new objects to the clone after the block."""
    with tempfile.TemporaryDirectory(prefix="picking-", dir=clone.parent) as folder:
        scratch = scratch_repository(clone, Path(folder), trees)
        yield scratch
        _copy_objects(scratch.git / "objects", clone / "objects")


def scratch_repository(clone: Path, folder: Path, trees: Sequence[str]) -> Scratch:
    scratch = Scratch(folder)
    run_git_in(folder, "init", "--quiet", "--template=", folder)
    (scratch.git / "info").mkdir()
    # Only conflicts are checked out: no filters, no long checkouts, no names that the disk cannot hold.
    (scratch.git / "info" / "sparse-checkout").write_text("/.prprep-nothing\n", encoding="ascii")
    wanted = "".join(f"{tree}\n" for tree in dict.fromkeys(trees)).encode()
    run_git(clone, ["pack-objects", "--revs", "--quiet", scratch.git / "objects" / "pack" / "pack"], stdin=wanted)
    return scratch


def _copy_objects(source: Path, target: Path) -> None:
    """Copy the loose objects, which are the new ones; the others are in a pack."""
    for file in sorted(source.glob("??/*")):
        copy = target / file.parent.name / file.name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            part = copy.with_name(f"tmp_obj_{file.name}")
            shutil.copyfile(file, part)
            part.chmod(0o444)
            part.replace(copy)
