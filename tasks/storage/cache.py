"""A cache that makes runs quick and may be lost without harm."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import __version__
from .files import read_json, write_whole


class RunCache:
    """Values by name, each valid for one key, in one JSON file that another version of prprep does not read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        content = read_json(path)
        self._entries: dict[str, list[Any]] = content["entries"] if content.get("version") == __version__ else {}
        self._changed = False

    def get(self, name: str, key: Any) -> Any:
        """Return the value of `name` if it was put there with the same key, else None."""
        entry = self._entries.get(name)
        return entry[1] if entry and entry[0] == key else None

    def put(self, name: str, key: Any, value: Any) -> None:
        """Store a JSON value under `name`; it is valid until its key, JSON as well, changes."""
        self._entries[name] = [key, value]
        self._changed = True

    def save(self) -> None:
        """Write the file if anything changed; a folder that cannot be written to is no error."""
        if self._changed:
            keep_json(self._path, {"version": __version__, "entries": dict(self._entries)})
            self._changed = False


def keep_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that may be lost without harm; a folder that cannot be written to is no error."""
    with suppress(OSError):
        write_whole(path, json.dumps(content))
