"""Make ids of tests the same in every process: pytest's may contain paths of a tree, addresses and times."""

import os
import re
import socket
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..storage.paths import with_relative_paths

LEFT_OUT = "…"
NEAR = 2 * 86_400
"""Dates and times at most so many seconds from now are those of the process."""
_LEAST = 4
"""Characters of a host's name that no other text is likely to have."""
EPOCH_UNITS = {10: 1, 13: 1e3, 16: 1e6, 19: 1e9}
"""Digits of the time since 1970 in seconds and smaller units, and how many of these a second has."""

_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[14][0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}"
_ADDRESS = r"0x[0-9a-f]{9,16}"
_UNSTABLE = re.compile(rf"(?<!\w)(?:{_UUID}|{_ADDRESS})(?!\w)|(?<=(?<![a-z])pid)[-_=: ]?\d+", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)(20\d\d)([-_./]?)([01]\d)\2([0-3]\d)"
    r"(?:[T _-]?[0-2]\d[:._-]?[0-5]\d(?:[:._-]?[0-5]\d(?:[.,]?\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)"
)
_EPOCH = re.compile(r"(?<![\d.])(?:\d{10}|\d{13}|\d{16}|\d{19})(?:\.\d+)?(?!\d)")
_NUMBERS = re.compile(r"0x[0-9a-f]+|(?<![a-z0-9])[0-9a-f]{8,}(?![a-z0-9])|\d+(?:\.\d+)?(?:e-?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NodeIds:
    """Node ids of the tests in a tree, which run with an interpreter."""

    tree: Path
    python: Path | None = None

    def stable(self, nodes: Iterable[str]) -> dict[str, str]:
        """Return each node's id without what differs from process to process, with numbers if ids become equal."""
        ids, counts = dict[str, str](), Counter[str]()
        for node in nodes:
            name = self._stable(node)
            counts[name] += node not in ids
            ids.setdefault(node, name if counts[name] == 1 else f"{name} ({counts[name]})")
        return ids

    def relative(self, node: str) -> str:
        """Return a node id with paths relative to the tree."""
        return with_relative_paths(node, self.tree)

    def without_folders(self, text: str) -> str:
        """Return a text with paths relative to the tree, and names instead of other folders of this machine."""
        text = self.relative(text)
        for pattern, name in self._folders():
            text = re.sub(pattern, name, text)
        return text

    def _stable(self, node: str) -> str:
        # The names of files and functions are in the source.
        name, bracket, parameters = self.without_folders(node).partition("[")
        parameters = _DATE.sub(_without_near_date, _UNSTABLE.sub(LEFT_OUT, parameters))
        return name + bracket + _EPOCH.sub(_without_near_time, parameters)

    def _folders(self) -> Iterable[tuple[str, str]]:
        """Yield patterns of folders of this machine, and their names."""
        ends = r"(?![\w.-])"
        if self.python:
            for folder in _paths(self.python.parents[1]):
                yield re.escape(folder) + ends, "<environment>"
        if len(parts := self.tree.parts[1:]) > 1:
            # Something else than slashes may join them.
            joined = r"(?:%2[fF]|[\W_])+".join(map(re.escape, parts))
            yield rf"(?:(?<![^\W_])|(?<=%2[fF])){joined}(?![^\W_])", LEFT_OUT
        for folder in dict.fromkeys((*_paths(Path(tempfile.gettempdir())), "/tmp")):  # noqa: S108 - it is not opened
            yield rf"{re.escape(folder)}/pytest-of-[^/\s]+/pytest-\d+{ends}", "<tmp_path>"
            name = "<temporary folder>"
            yield rf"{re.escape(folder)}/{tempfile.gettempprefix()}[a-z0-9_]{{8}}(?!\w)", f"{name}/{LEFT_OUT}"
            yield re.escape(folder) + ends, name
        for folder in _paths(Path.home()):
            yield re.escape(folder) + ends, "<home>"
        if len(host := socket.gethostname()) >= _LEAST and host != "localhost":
            yield rf"(?<![\w-]){re.escape(host)}(?![\w-])", "<host>"


def matched(ids: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Map ids that are not among the others to those that differ from them only in their numbers.

    Ids of parametrized tests may contain random numbers.
    """
    own, foreign = dict.fromkeys(ids), dict.fromkeys(others)
    forms = _by_form(name for name in own if name not in foreign), _by_form(name for name in foreign if name not in own)
    pairs = [(names, forms[1].get(form, [])) for form, names in forms[0].items()]
    return {
        name: other
        for names, matching in pairs
        if len(names) == len(matching)
        for name, other in zip(names, matching, strict=True)
    }


def _by_form(names: Iterable[str]) -> dict[str, list[str]]:
    forms = defaultdict[str, list[str]](list)
    for name in names:
        function, bracket, parameters = name.partition("[")
        if bracket:
            forms[f"{function}[{_NUMBERS.sub(LEFT_OUT, parameters)}"].append(name)
    return forms


def _paths(folder: Path) -> list[str]:
    """Return a folder's path and its real path, unless it is the root."""
    return [path for path in (str(folder), os.path.realpath(folder)) if path.strip("/")]


def _without_near_date(match: re.Match[str]) -> str:
    try:
        seconds = datetime(int(match[1]), int(match[3]), int(match[4]), tzinfo=UTC).timestamp()
    except ValueError:
        return match[0]
    return LEFT_OUT if abs(seconds - time.time()) < NEAR + 86_400 else match[0]


def _without_near_time(match: re.Match[str]) -> str:
    digits, _, _ = match[0].partition(".")
    return LEFT_OUT if abs(int(digits) / EPOCH_UNITS[len(digits)] - time.time()) < NEAR else match[0]
