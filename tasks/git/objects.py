"""Read commits from their own bytes (GitPython 3.2 overlooks their encoding)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..artifacts import Commit


@dataclass(frozen=True, slots=True)
class RawCommit:
    """A commit's fields as they are stored; `author` with address and date."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: bytes
    encoding: bytes
    message: bytes

    @classmethod
    def parse(cls, sha: str, content: bytes) -> RawCommit:
        head, _, message = content.partition(b"\n\n")
        # A line that begins with a space goes on with the one before it (signatures).
        fields = [line.partition(b" ") for line in head.split(b"\n") if not line.startswith(b" ")]
        named = {key: value for key, _, value in fields}
        parents = tuple(value.decode() for key, _, value in fields if key == b"parent")
        return cls(
            sha, named[b"tree"].decode(), parents, named.get(b"author", b""), named.get(b"encoding", b""), message
        )

    @property
    def title(self) -> str:
        return self._text(self.message).strip().partition("\n")[0].strip()

    def to_artifact(self) -> Commit:
        """Return it as artifacts hold it: text that can be written as UTF-8."""
        from ..artifacts import Commit

        rest = self._text(self.message).strip().partition("\n")[2].strip()
        author = self._text(self.author).partition("<")[0].strip()
        return Commit(sha=self.sha, title=self.title, message=rest, author=author)

    def _text(self, stored: bytes) -> str:
        try:
            return stored.decode(self.encoding.decode("ascii") or "utf-8", "replace")
        except (LookupError, UnicodeDecodeError):
            return stored.decode("utf-8", "replace")
