"""What is known of files, kept from run to run: a file whose time stamp and size stay is not read again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .cache import keep_json
from .files import read_json
from .hashing import digest_of


class Fact(NamedTuple):
    """A file's digest, the fingerprint in its header, and what was distilled from its fields.

    The fingerprint is None without a header, and where the file is not as it was written.
    """

    digest: str
    fingerprint: str | None
    fields: dict[str, Any]


class Facts:
    """The facts of all files that were asked for; `store` keeps them, and may be lost without harm."""

    def __init__(self, store: Path, distil: Callable[[str, dict[str, Any]], dict[str, Any]], version: str) -> None:
        self._store, self._distil, self._version = store, distil, version
        self._known: dict[str, list[Any]] = self._load()
        self._changed = False

    def of(self, path: str) -> Fact | None:
        """Return the facts of the file at `path`; None where there is none."""
        try:
            status = os.stat(path)  # noqa: PTH116 - paths are strings here: tens of thousands in a run
        except OSError:
            return None
        known = self._known.get(path)
        stamp = [status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns]
        if known is None or known[0] != stamp:
            try:
                read = self._read(path)
            except OSError:
                return None
            known = self._known[path] = [stamp, *read]
            self._changed = True
        return Fact(known[1], known[2], known[3])

    def save(self) -> None:
        """Keep the facts for the next run, if there are new ones."""
        if not self._changed:
            return
        keep_json(self._store, {"version": self._version, "files": self._known})
        self._changed = False

    def _read(self, path: str) -> Fact:
        with open(path, "rb") as stream:  # noqa: PTH123
            content = stream.read()
        if not content.startswith(b'{"schema":'):
            return Fact(digest_of(content), None, {})
        head, _, body = content.partition(b"\n")
        try:
            about, fields = json.loads(head), json.loads(body)
        except ValueError:
            return Fact(digest_of(content), None, {})
        fingerprint = about.get("fingerprint") if about.get("digest") == digest_of(content) else None
        kept = self._distil(os.path.basename(path), fields) if isinstance(fields, dict) else {}  # noqa: PTH119
        return Fact(digest_of(content), fingerprint or None, kept)

    def _load(self) -> dict[str, list[Any]]:
        kept = read_json(self._store)
        return kept["files"] if kept.get("version") == self._version else {}
