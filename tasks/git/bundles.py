"""Carry the commits of a comparison to another machine: a git bundle, unpacked into a clone of the cache.

The history is complete in commits, trees and tags, since builds derive versions from them, some by the commits that
changed a path. Contents of files travel only for the commits that are checked out or cherry-picked.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import CommandFailedError, RepositoryError
from ..processes.real_paths import real_path
from ..storage.hashing import hash_of, short_hash
from .clone_cache import exclusive, init_bare
from .commands import list_refs, replace_refs, require_version, run_git
from .objects import shallow_commits
from .tree_repository import TIPS, tags_of

_HEADER: Final = b"# v3 git bundle\n@object-format=sha1\n@filter=blob:none\n"
_REF: Final = re.compile(rb"([0-9a-f]{40}) (refs/tags/[^\0\n]+|refs/prprep/[0-9a-f]{40})")


class Bundle(NamedTuple):
    """A git bundle; `shallow` are the commits whose parents it lacks, `history` identifies the first commits."""

    content: bytes
    history: str
    shallow: tuple[str, ...] = ()


def create(clone: Path, commits: Iterable[str], blobs: Iterable[str], *, present: Collection[str] = ()) -> Bundle:
    """Pack these commits, their history and its tags, and these blobs; the same bytes for the same clone.

    It leaves out the history of the commits `present`. Raises CommandFailedError.
    """
    bundle = outline(clone, commits)
    tips = commits_of(bundle)
    tagged = {sha for _, sha in _refs(_head(bundle)[0])} - {*tips}
    # With several threads the search for deltas is not repeatable; a partial clone has gaps.
    options = ["--stdout", "--quiet", "--threads=1", "--missing=allow-any"]
    wanted = [*tips, *sorted({*tagged, *blobs})]
    if present:
        # Not --revs: it leaves out files of all older commits, of which the other side has only the trees.
        revisions = (*tips, *sorted(tagged), *(f"^{sha}" for sha in sorted(present)))
        listed = run_git(
            clone,
            ["rev-list", "--objects", "--filter=blob:none", "--missing=allow-any", "--stdin"],
            stdin=_lines(revisions),
        )
        wanted = [*(line.partition(b" ")[0].decode("ascii") for line in listed.splitlines()), *sorted(blobs)]
    else:
        options += ["--revs", "--filter=blob:none"]
    return bundle._replace(content=bundle.content + run_git(clone, ["pack-objects", *options], stdin=_lines(wanted)))


def outline(clone: Path, commits: Iterable[str]) -> Bundle:
    """Return a bundle without its objects, to unpack where its commits are already. Raises CommandFailedError."""
    tips = sorted(set(commits))
    refs = {name: sha for commit in tips for name, sha in tags_of(clone, commit).items()}
    refs |= {TIPS + sha.encode(): sha for sha in tips}
    lines = b"".join(b"%s %s\n" % (sha.encode(), name) for name, sha in sorted(refs.items()))
    first = run_git(clone, ["rev-list", "--max-parents=0", *tips]).decode("ascii").split()
    shallow = sorted(shallow_commits(clone).intersection(first))
    return Bundle(_HEADER + lines + b"\n", hash_of([sorted(first), shallow]), tuple(shallow))


def commits_of(bundle: Bundle) -> tuple[str, ...]:
    """Return the commits that a bundle brings as a whole; raise ValueError if prprep did not write it."""
    return tuple(sha for name, sha in _refs(_head(bundle)[0]) if name.startswith(TIPS))


def present_commits(history: str, cache: Path) -> tuple[str, ...]:
    """Return the commits that the cache's clone of a history has as a whole, with all their files."""
    clone = _clone_of(history, cache)
    if not (clone / "HEAD").is_file():
        return ()
    return tuple(sha for name, sha in list_refs(clone).items() if name.startswith(TIPS))


def unpack(bundle: Bundle, cache: Path) -> Path:
    """Add the commits to the clone of their history in the cache, and return its folder; raise RepositoryError."""
    require_version()
    clone = _clone_of(bundle.history, cache)
    with exclusive(clone):
        try:
            _unpack(bundle, clone)
        except (CommandFailedError, ValueError) as error:
            reason = error.error.strip() if isinstance(error, CommandFailedError) else str(error)
            what = f"git could not unpack the commits: {reason}"
            raise RepositoryError(what, hint="pack the job again") from None
    return clone


def _unpack(bundle: Bundle, clone: Path) -> None:
    head, pack = _head(bundle)
    refs = dict(_refs(head))
    if not (clone / "HEAD").is_file():
        init_bare(clone, lambda part: _end_history(part, bundle.shallow))
    present = list_refs(clone)
    # A commit of which only the history came has no files: only refs tell that a commit came as a whole.
    if any(name not in present for name in refs if name.startswith(TIPS)):
        if not pack:
            raise ValueError("they were removed from the cache meanwhile")
        run_git(clone, ["index-pack", "--stdin"], stdin=pack)
    gone = [name for name in present if name.startswith(b"refs/tags/") and name not in refs]
    replace_refs(clone, gone, {name: sha for name, sha in refs.items() if present.get(name) != sha})


def _clone_of(history: str, cache: Path) -> Path:
    return real_path(cache / "clones") / f"{short_hash(b'bundle ' + history.encode(), size=10)}.git"


def _lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _head(bundle: Bundle) -> tuple[bytes, bytes]:
    """Split a bundle into its lines and its pack."""
    head, _, pack = bundle.content.partition(b"\n\n")
    return head + b"\n", pack


def _refs(head: bytes) -> Iterator[tuple[bytes, str]]:
    if not head.startswith(_HEADER):
        raise ValueError("this is not a bundle of prprep's")
    for line in head.removeprefix(_HEADER).splitlines():
        match = _REF.fullmatch(line)
        if match is None:
            raise ValueError("it has a ref that prprep does not write")
        yield match[2], match[1].decode("ascii")


def _end_history(clone: Path, commits: Sequence[str]) -> None:
    if commits:
        (clone / "shallow").write_text("".join(f"{sha}\n" for sha in commits), encoding="ascii")
