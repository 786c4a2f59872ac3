"""Replace this process's folders in texts by names: they differ from side to side, and reveal this machine."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence

_names: dict[str, str] = {}
_pattern: re.Pattern[str] | None = None


def name_folders_of(trees: Sequence[str]) -> None:
    """Let `named` replace the sides' trees, the environment, temporary folders and the user's home."""
    global _pattern  # noqa: PLW0603 - it is set once, when the process starts
    temporary = _paths(tempfile.gettempdir())
    others = dict.fromkeys(temporary, "<temporary folder>")
    others |= dict.fromkeys(_paths(os.path.expanduser("~")), "<home>")
    inner = {path: "<tree>" for tree in trees for path in _paths(tree)}
    inner |= dict.fromkeys(_paths(sys.prefix), "<environment>")
    _names.update({**others, **inner})
    # pytest numbers the folders of its runs, which are in a folder that has the user's name.
    runs = [rf"{re.escape(folder)}{os.sep}pytest-of-[^{os.sep}\s]+{os.sep}pytest-\d+" for folder in temporary]
    choices = [*_longest_first(inner), f"(?P<run>{'|'.join(runs) or '(?!)'})", *_longest_first(others)]
    _pattern = re.compile(f"(?:{'|'.join(choices)})(?![\\w.-])")


def _paths(folder: str) -> list[str]:
    """Return a folder's path and its real path, unless it is the root."""
    return [path for path in (folder, os.path.realpath(folder)) if path.strip(os.sep)]


def _longest_first(folders: Iterable[str]) -> list[str]:
    return sorted(map(re.escape, folders), key=len, reverse=True)


def named(text: str) -> str:
    """Replace these folders in a text by their names."""
    if _pattern is None or os.sep not in text:
        return text
    return _pattern.sub(lambda match: "<tmp_path>" if match["run"] else _names[match[0]], text)
