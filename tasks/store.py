"""Write artifacts so that they are whole or not there, and read back what they were made from.

The first line of an artifact is a header with the fingerprint of what it was made from; its digest
leaves that line out, so that an artifact that comes out the same leaves the next stage fresh.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import ArtifactError

FORGOTTEN = "forgotten"


class Record(BaseModel):
    """A part of an artifact: frozen, extra keys refused."""

    # Built at first use: a run with nothing to do reads no artifact through its model.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Artifact(Record):
    """A JSON file between two stages, with a schema version of its own."""

    SCHEMA: ClassVar[int] = 1

    def write(self, target: Path, fingerprint: str = "") -> None:
        """Write to a temporary name beside `target`, then rename."""
        header = json.dumps({"schema": self.SCHEMA, "kind": type(self).__name__, "fingerprint": fingerprint})
        body = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
        write_whole(target, header + "\n" + body + "\n")

    @classmethod
    def read(cls, source: Path) -> Self:
        """Read it back; raise ArtifactError where it is missing, cut short or of another version."""
        try:
            head, body = source.read_text(encoding="utf-8").split("\n", 1)
            header = json.loads(head)
            if (header["kind"], header["schema"]) != (cls.__name__, cls.SCHEMA):
                raise ArtifactError("this artifact was written by another version", where=str(source), now="run doit again to make it anew")
            return cls.model_validate_json(body)
        except FileNotFoundError:
            raise ArtifactError("this artifact is not there", where=str(source), now="run doit to make it") from None
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise ArtifactError(f"this artifact cannot be read: {error}", where=str(source), now="delete it and run doit again") from None


def write_whole(target: Path, text: str) -> None:
    """Put `text` at `target` in one step: readers see the old file or the whole new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def fingerprint_of(artifact: Path) -> str | None:
    """Read what `artifact` says it was made from; None where it is missing or says nothing."""
    try:
        with artifact.open("rb") as stream:
            header = json.loads(stream.readline(4096))
        return header.get("fingerprint") or None
    except (OSError, ValueError, AttributeError):
        return None


def forget(artifact: Path) -> None:
    """Make `artifact` stale without losing what it holds."""
    try:
        head, body = artifact.read_text(encoding="utf-8").split("\n", 1)
        header = {**json.loads(head), "fingerprint": FORGOTTEN}
    except (OSError, ValueError, TypeError):
        return
    write_whole(artifact, json.dumps(header) + "\n" + body)


def digest(path: Path) -> str | None:
    """Hash a file's bytes (an artifact's without its header line); None where there is no file."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return digest_of(content)


def digest_of(content: bytes) -> str:
    """Hash bytes, an artifact's without its header line."""
    if content.startswith(b'{"schema":'):
        content = content.partition(b"\n")[2]
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def hash_of(parts: object) -> str:
    """Hash anything that JSON can spell, the same on every machine."""
    return hashlib.blake2b(json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
