"""Write programs that put one environment's Python and pytest on PATH."""

import os
import shlex
from pathlib import Path

from .venvs import Venv

_ARGUMENTS = {"python": "", "python3": "", "pytest": " -m pytest", "py.test": " -m pytest"}


def write_shims(folder: Path, python: Path) -> str:
    """Write programs that run `python`, and return the PATH that begins with them.

    pytest's own script would run in the environment of the dependencies, without the tree's project.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in _ARGUMENTS.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))}{arguments} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    venv = Venv(python.parents[1])
    below = venv.required_folders() if (venv.folder / "pyvenv.cfg").exists() else ()
    own_path = os.environ.get("PATH", os.defpath)
    return os.pathsep.join([str(folder), str(python.parent), *(str(each / "bin") for each in below), own_path])
