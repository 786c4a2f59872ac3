"""Resolve symbolic links and `~`; unlike in pathlib, a loop of links or an unknown user is no error and stays."""

import os
from pathlib import Path


def real_path(path: str | Path) -> Path:
    return Path(os.path.realpath(path))


def expanded(path: str) -> Path:
    """Return a path with the home folder for `~`; `~nobody` stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111
