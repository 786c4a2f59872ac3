"""Run uv, and say in words why it could not build what it was asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ..errors import CommandFailedError, EnvironmentBuildError
from ..processes import programs
from . import pip_fallback
from .diagnoses import ENVIRONMENT, UNKNOWN, Match, diagnose
from .package_indexes import uv_variables

TOLD_LINES = 14


def uv_program() -> str:
    """Return the path of the uv that was installed with prprep, else uv from PATH."""
    import uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError:
        return "uv"


def run_uv(arguments: Sequence[str | Path], *, cwd: Path, extra: Mapping[str, str] | None = None) -> str:
    """Run uv with the user's own indexes and the `extra` variables, and give what it printed; venv and pip where uv does not run.

    Raises CommandFailedError, to be told by `explained`.
    """
    variables = {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        **uv_variables(os.environ, Path.home()),
    }
    environment = programs.installer_environment({**variables, **(extra or {})})
    environment.pop("UV_SYSTEM_PYTHON", None)  # it would turn `--python` around
    if not uv_runs():
        return pip_fallback.run(arguments, cwd=cwd, env=environment)
    return programs.run([uv_program(), *arguments], cwd=cwd, env=environment).output


@cache
def uv_runs() -> bool:
    """Return whether uv is there and can be run on this machine."""
    try:
        programs.run([uv_program(), "--version"], cwd=Path("/"), timeout=60)
    except CommandFailedError:
        return False
    return True


def diagnosis(error: CommandFailedError) -> Match:
    """Return the first known cause whose sign is in what the command wrote."""
    return diagnose(f"{error.error}\n{error.output}", ENVIRONMENT) or Match(UNKNOWN)


def build_error(error: CommandFailedError, doing: str, where: str) -> EnvironmentBuildError:
    """Turn a failure of uv while `doing` something into cause, place and way out."""
    known = diagnosis(error)
    lines = _telling_lines(error.error.strip("\n") or error.output.strip("\n"))
    told = "\n".join(lines) or str(error)
    return EnvironmentBuildError(f"{doing} failed: {known.cause}\n{told}", where=where, hint=known.hint)


def _telling_lines(text: str) -> list[str]:
    """Keep the end of a long message, and the line that a compiler marks as the error."""
    lines = text.splitlines()
    marked = [line for line in lines[:-TOLD_LINES] if "fatal error" in line][:1]
    return [*marked, *lines[-TOLD_LINES:]]


def lacks_editable(error: CommandFailedError) -> bool:
    """Return whether a build back end is older than editable installs by PEP 660."""
    sign = r"no attribute '(prepare_metadata_for_)?build_editable'|build_editable.*(not supported|missing)"
    return re.search(sign, error.error) is not None
