"""Write files so that they are whole or not there, and say what is in them.

The first line of an artifact is a header with the fingerprint of what it was made from and the digest of the rest,
so that a change by hand is noticed. A digest leaves that line out: an artifact that comes out the same leaves the
next stage fresh.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_whole(target: Path, text: str | bytes) -> None:
    """Put `text`, or bytes, at `target` in one step: readers see the old file or the whole new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_new(target: Path, text: str) -> None:
    """Put `text` at `target` in one step; raise FileExistsError, and leave everything, where something is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        os.link(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def fingerprint_of(artifact: Path) -> str | None:
    """Read what `artifact` says it was made from; None where it is missing or says nothing."""
    try:
        with artifact.open("rb") as stream:
            header = json.loads(stream.readline(4096))
        return header.get("fingerprint") or None
    except (OSError, ValueError, AttributeError):
        return None


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


def keep_json(path: Path, content: dict[str, Any]) -> None:
    """Keep something for the next run that may be lost without harm; a folder that cannot be written to is no error."""
    try:
        write_whole(path, json.dumps(content))
    except OSError:
        return


def read_json(path: Path) -> dict[str, Any]:
    """Read what `keep_json` kept; empty where it is missing or broken."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
