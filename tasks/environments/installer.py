"""Run uv, and explain its failures."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ..errors import CommandFailedError, EnvironmentBuildError
from ..processes import programs
from . import pip_fallback
from .diagnoses import UNKNOWN, Match, diagnose
from .package_indexes import uv_variables

SHOWN_LINES = 14


def uv_program() -> str:
    """Return the path of the uv that was installed with prprep, else of uv on PATH."""
    import uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError:
        return "uv"


def run_uv(arguments: Sequence[str | Path], *, cwd: Path, extra: Mapping[str, str] | None = None) -> str:
    """Run uv, or venv and pip if it does not run, and return the output; raise CommandFailedError."""
    variables = {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        **uv_variables(os.environ, Path.home()),
    }
    environment = programs.installer_environment({**variables, **(extra or {})})
    environment.pop("UV_SYSTEM_PYTHON", None)  # it would override `--python`
    if not uv_runs():
        return pip_fallback.run(arguments, cwd=cwd, env=environment)
    return programs.run([uv_program(), *arguments], cwd=cwd, env=environment).output


@cache
def uv_runs() -> bool:
    try:
        programs.run([uv_program(), "--version"], cwd=Path("/"), timeout=60)
    except CommandFailedError:
        return False
    return True


def diagnosis(error: CommandFailedError) -> Match:
    return diagnose(f"{error.error}\n{error.output}", "environment") or Match(UNKNOWN)


def build_error(error: CommandFailedError, doing: str, where: str) -> EnvironmentBuildError:
    """Return the error for a failure of uv while `doing` something, with cause and hint."""
    match = diagnosis(error)
    lines = (error.error.strip("\n") or error.output.strip("\n")).splitlines()
    # The end of a long message, and the line that a compiler marks as the error.
    marked = [line for line in lines[:-SHOWN_LINES] if "fatal error" in line][:1]
    shown = "\n".join([*marked, *lines[-SHOWN_LINES:]]) or str(error)
    return EnvironmentBuildError(f"{doing} failed: {match.cause}\n{shown}", where=where, hint=match.hint)


def fails_itself(error: CommandFailedError) -> bool:
    """Return whether it is the project whose build back end failed, and no package that it requires."""
    text = f"{error.error}\n{error.output}"
    failures = ("build backend returned an error", "Failed to resolve requirements from", "Failed to parse metadata")
    return (
        any(failure in text for failure in failures) and re.search(r"Failed to (download and )?build `", text) is None
    )


def lacks_editable(error: CommandFailedError) -> bool:
    """Return whether a build back end is older than editable installs (PEP 660)."""
    pattern = r"no attribute '(prepare_metadata_for_)?build_editable'|build_editable.*(not supported|missing)"
    return re.search(pattern, error.error) is not None
