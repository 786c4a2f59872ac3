"""Let commands find one environment's programs: its Python, pytest by that Python, and what is installed below it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from .venvs import Venv

_NAMES = {"python": "", "python3": "", "pytest": " -m pytest", "py.test": " -m pytest"}


def write_shims(folder: Path, python: Path) -> str:
    """Write programs into a folder that run a Python, and give the PATH on which they come first.

    pytest's own program would run in the environment of the dependencies alone, without the tree's project.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in _NAMES.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))}{words} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = Venv(python.parents[1])
    below = environment.required_folders() if (environment.folder / "pyvenv.cfg").exists() else ()
    return os.pathsep.join(
        [str(folder), str(python.parent), *(str(each / "bin") for each in below), os.environ.get("PATH", os.defpath)]
    )
