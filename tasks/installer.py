"""Run uv, and say in words why it could not build what it was asked for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import process
from .errors import CommandFailedError, EnvironmentBuildError
from .package_indexes import uv_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOLD_LINES = 14


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How a failure of uv is recognised, its cause in one sentence, and the way out."""

    sign: re.Pattern[str]
    cause: str
    now: str
    final: bool = False
    """Whether asking for fewer packages would fail in the same way."""

    def cause_of(self, error: CommandFailedError) -> str:
        """Give the cause with what the sign caught, like the name of a header."""
        found = self.sign.search(_written_by(error))
        named = next((value for value in found.groupdict().values() if value), "") if found else ""
        return self.cause.format(it=named)


def _known(sign: str, cause: str, now: str, *, final: bool = False) -> Diagnosis:
    return Diagnosis(re.compile(sign, re.IGNORECASE), cause, now, final)


DIAGNOSES = (
    _known(
        r"no space left on device",
        "the disk is full",
        "make room, or name another folder in PRPREP_CACHE and UV_CACHE_DIR",
        final=True,
    ),
    _known(
        r"error sending request|dns error|failed to lookup address|connection refused|network connectivity is disabled"
        r"|network was disabled|connect error|operation timed out|tunnel error|certificate",
        "the package index cannot be reached",
        "check the network, or name an index that can be reached: UV_DEFAULT_INDEX, or `env: {install: ['--default-index ADDRESS']}`",
        final=True,
    ),
    _known(
        r"401 unauthorized|403 forbidden",
        "the package index refuses access",
        "give uv the credentials of your index, as for `uv pip install`",
        final=True,
    ),
    _known(
        r"no interpreter found|no python (at|found)",
        "no matching Python is on this machine",
        "install that Python, or choose another one: `env: {python: '3.12'}`, or the path of an interpreter",
        final=True,
    ),
    _known(
        r"fatal error: '?(?P<it>[\w./+-]+\.h\w*)'?(: no such file|.*file not found)",
        "a header file is missing: {it}",
        "install the system package that brings it (for Python.h: python3-dev), "
        "or a version with wheels: `env: {install: ['NAME==VERSION']}`",
    ),
    _known(
        r"(command|unable to execute|error:) '?(?P<it>[\w-]*(gcc|cc|g\+\+|c\+\+|clang|cl\.exe|gfortran))'?"
        r".*(no such file|not found|failed: none)|no working compiler|unknown compiler"
        r"|rust compiler|can't find rust|cargo.*not (found|installed)",
        "a compiler is missing",
        "install the compiler (Debian: build-essential, macOS: xcode-select --install, Rust: rustup), "
        "or a version with wheels: `env: {install: ['NAME==VERSION']}`",
    ),
    _known(
        r"failed to parse .*\.lock|unable to find lockfile|lockfile.*(outdated|needs to be updated)",
        "the lock file cannot be used",
        "write it anew with the project's own tool, in that commit",
    ),
    _known(
        r"requires-python|requires python|does not satisfy python|python version does not|incompatible python"
        r"|incompatible with the project's python|python version.*not",
        "the requirements do not fit the Python version that was chosen",
        "choose another one: `env: {python: '3.12'}`, or the path of an interpreter",
    ),
    _known(
        r"requested extras? not found|extra.*not found",
        "an extra that was asked for does not exist",
        "mend `env: {extras: [...]}`",
    ),
    _known(
        r"was not found in the (package registry|provided package locations)|there are no versions of|there is no version of",
        "a requirement is not in the package index",
        "name the index that has it (`env: {install: ['--index ADDRESS']}`), or another version (`env: {install: ['NAME==VERSION']}`)",
    ),
    _known(
        r"no solution found",
        "the requirements contradict each other",
        "choose extras and groups that go together (`env: {extras: [...], groups: [...]}`), or another Python (`env: {python: '3.12'}`)",
    ),
    _known(
        r"failed to (build|prepare)|build back ?end|failed to generate package metadata|not (a valid|appear to be a) python project",
        "a package could not be built",
        "see the lines above; `env: {python: ..., install: [...]}` chooses another Python or other versions",
    ),
)
UNKNOWN = _known("", "uv could not build it", "see the lines above; `env:` of the manifest sets python, extras, groups and install")


def uv_program() -> str:
    """Give the path of the uv that was installed with prprep, else uv from PATH."""
    import uv  # noqa: PLC0415 - a run with nothing to do needs no uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError:
        return "uv"


def run_uv(arguments: Sequence[str | Path], *, cwd: Path, extra: Mapping[str, str] | None = None) -> str:
    """Run uv with the user's own indexes and the `extra` variables, and give what it printed.

    Raises CommandFailedError, to be told by `explained`.
    """
    variables = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1", **uv_variables(os.environ, Path.home())}
    environment = process.installer_environment({**variables, **(extra or {})})
    environment.pop("UV_SYSTEM_PYTHON", None)  # it would turn `--python` around
    return process.run([uv_program(), *arguments], cwd=cwd, env=environment).output


def diagnosis(error: CommandFailedError) -> Diagnosis:
    """Give the first known cause whose sign is in what the command wrote."""
    told = _written_by(error)
    return next((known for known in DIAGNOSES if known.sign.search(told)), UNKNOWN)


def explained(error: CommandFailedError, doing: str, where: str) -> EnvironmentBuildError:
    """Turn a failure of uv while `doing` something into cause, place and way out."""
    known = diagnosis(error)
    lines = _telling_lines(error.error.strip("\n") or error.output.strip("\n"))
    told = "\n".join(lines) or str(error)
    return EnvironmentBuildError(f"{doing} failed: {known.cause_of(error)}\n{told}", where=where, now=known.now)


def _written_by(error: CommandFailedError) -> str:
    return f"{error.error}\n{error.output}"


def _telling_lines(text: str) -> list[str]:
    """Keep the end of a long message, and the line that a compiler marks as the error."""
    lines = text.splitlines()
    marked = [line for line in lines[:-TOLD_LINES] if "fatal error" in line][:1]
    return [*marked, *lines[-TOLD_LINES:]]


def lacks_editable(error: CommandFailedError) -> bool:
    """Tell whether a build back end is older than editable installs by PEP 660."""
    sign = r"no attribute '(prepare_metadata_for_)?build_editable'|build_editable.*(not supported|missing)"
    return re.search(sign, error.error) is not None
