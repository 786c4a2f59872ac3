"""Read commits and files from git's objects (GitPython ignores the encoding of a commit)."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandFailedError, RepositoryError
from ..storage.hashing import read_bytes
from .commands import run_git

if TYPE_CHECKING:
    from ..artifacts import Commit


SHALLOW = "the clone is shallow: `git fetch --unshallow` completes its history (in CI: `fetch-depth: 0`)"


@dataclass(frozen=True, slots=True)
class RawCommit:
    """The stored fields of a commit; `author` includes email and date."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: bytes
    encoding: bytes
    message: bytes

    @classmethod
    def parse(cls, sha: str, content: bytes) -> RawCommit:
        header, _, message = content.partition(b"\n\n")
        # Lines that begin with a space continue a signature.
        fields = [line.partition(b" ") for line in header.split(b"\n") if not line.startswith(b" ")]
        by_name = {key: value for key, _, value in fields}
        parents = tuple(value.decode() for key, _, value in fields if key == b"parent")
        author, encoding = by_name.get(b"author", b""), by_name.get(b"encoding", b"")
        return cls(sha, by_name[b"tree"].decode(), parents, author, encoding, message)

    @property
    def title(self) -> str:
        return self._text(self.message).strip().partition("\n")[0].strip()

    def to_artifact(self) -> Commit:
        """Return the commit with text that can be written as UTF-8."""
        from ..artifacts import Commit

        rest = self._text(self.message).strip().partition("\n")[2].strip()
        author = self._text(self.author).partition("<")[0].strip()
        return Commit(sha=self.sha, title=self.title, message=rest, author=author)

    def _text(self, stored: bytes) -> str:
        try:
            return stored.decode(self.encoding.decode("ascii") or "utf-8", "replace")
        except (LookupError, UnicodeDecodeError):
            return stored.decode("utf-8", "replace")


def read_commit(clone: Path, sha: str) -> RawCommit:
    try:
        return RawCommit.parse(sha, run_git(clone, ["cat-file", "commit", sha]))
    except CommandFailedError:
        what, hint = f"the commit {sha[:12]} does not exist", "a rebase may have replaced it: name the new one"
        raise RepositoryError(what, hint=SHALLOW if shallow_commits(clone) else hint) from None


def shallow_commits(clone: Path) -> frozenset[str]:
    """Return the commits at which the history of a shallow clone ends: they name parents that are not there."""
    return frozenset((read_bytes(clone / "shallow") or b"").decode("ascii", "replace").split())


def read_files(clone: Path, files: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Read (commit, path) in one process; files that do not exist are left out."""
    wanted = [file for file in dict.fromkeys(files) if "\n" not in file[1]]
    if not wanted:
        return {}
    names = b"".join(os.fsencode(f"{commit}:{path}") + b"\n" for commit, path in wanted)
    output = io.BytesIO(run_git(clone, ["cat-file", "--batch"], stdin=names))
    contents: dict[tuple[str, str], bytes] = {}
    for file in wanted:
        *_, kind, size = output.readline().split()  # NAME `missing`, or SHA, kind and size
        if size.isdigit():
            content = output.read(int(size) + 1)[:-1]
            if kind == b"blob":
                contents[file] = content
    return contents
