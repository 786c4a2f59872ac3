"""Choose the Python of an environment among those on the machine; none is ever downloaded."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import CommandFailedError, EnvironmentBuildError
from ..processes import programs
from ..project.files import lookup
from .installer import run_uv

if TYPE_CHECKING:
    from ..project.files import Project

OLDEST = "3.9"
"""The oldest Python that prprep's worker and memray run in."""

ASK = """
import json, platform, sys, sysconfig
print(json.dumps([platform.python_version(), sys.implementation.cache_tag, sysconfig.get_platform()]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python on this machine; `build` tells apart what compiled packages are built for."""

    path: Path
    version: str
    build: str


def choose(project: Project, wanted: str | None, *, cwd: Path) -> tuple[Interpreter, str]:
    """Return the interpreter and, where it is not the one that was asked for, a note.

    In this order: `wanted` (a version or a path, of the manifest), `.python-version`, the one that runs prprep
    where requires-python allows it, any that requires-python allows. Raise EnvironmentBuildError where none fits.
    """
    if wanted:
        return _wanted(wanted, cwd), ""
    ours = inspect(Path(getattr(sys, "_base_executable", None) or sys.executable))
    allowed = requires_python(project)
    note = ""
    if named := _python_version_file(project):
        if found := _find(named[0], cwd) or _find(_minor(named[0]), cwd):
            return _checked(found, named[1]), ""
        note = f"{named[1]} asks for Python {named[0]}, which is not on this machine"
    chosen = ours if _satisfies(ours.version, allowed) else _find(allowed, cwd)
    if chosen is None:
        raise EnvironmentBuildError(
            f"no Python on this machine satisfies requires-python {allowed}; prprep runs on {ours.version}",
            where=project.path("pyproject.toml" if project.has("pyproject.toml") else "setup.py"),
            hint="install one that does, or choose one: `env: {python: '3.12'}`, or the path of an interpreter",
        )
    return _checked(chosen, project.path("pyproject.toml")), f"{note}; {chosen.version} is used" if note else ""


@cache
def inspect(path: Path) -> Interpreter:
    """Ask an interpreter what it is; raise EnvironmentBuildError where it is none."""
    try:
        told = programs.run(
            [path, "-IB", "-c", ASK], cwd=Path("/"), env=programs.target_environment(), timeout=60
        ).output
        version, tag, platform = json.loads(told)
    except (CommandFailedError, ValueError) as error:
        raise EnvironmentBuildError(
            f"this is no Python interpreter that runs: {error}",
            where=str(path),
            hint="mend `env: {python: ...}` of the manifest",
        ) from None
    return Interpreter(path, version, f"{tag} {platform}")


def requires_python(project: Project) -> str:
    """Return the version specifier that the project states, "" where it states none."""
    stated = lookup(project.pyproject, "project", "requires-python") or project.setup_keywords.get("python_requires")
    stated = stated or project.setup_cfg.get("options", "python_requires", fallback="")
    poetry = project.tool("poetry", "dependencies", "python")
    if not stated and isinstance(poetry, str):
        stated = pep440(poetry)
    return stated.strip() if isinstance(stated, str) else ""


def pep440(specifier: str) -> str:
    """Turn poetry's `^3.9` and `~3.9` into ranges; anything else that is not PEP 440 into "" (no limit)."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    parts = [_range(part.strip()) for part in specifier.split(",")]
    try:
        return str(SpecifierSet(",".join(part for part in parts if part)))
    except InvalidSpecifier:
        return ""


def _range(part: str) -> str:
    if part == "*":
        return ""
    if re.fullmatch(r"\d[\w.*]*", part):
        return f"=={part}"
    found = re.fullmatch(r"([\^~])\s*(\d+(?:\.\d+)*)", part)
    if not found:
        return part
    numbers = [int(number) for number in found[2].split(".")]
    # A tilde keeps major and minor, a caret the leftmost number that is not 0.
    leftmost = next((place for place, number in enumerate(numbers, 1) if number), len(numbers))
    fixed = min(len(numbers), 2) if found[1] == "~" else leftmost
    ceiling = [*numbers[: fixed - 1], numbers[fixed - 1] + 1]
    return f">={found[2]},<{'.'.join(map(str, ceiling))}"


def resolve_path(wanted: str | None, folder: Path) -> str | None:
    """Return the path of an interpreter from the manifest's folder on; a version stays as it is."""
    if not wanted or not _is_path(wanted):
        return wanted
    # A link is kept: the environment that an interpreter belongs to is told by where the link lies.
    return os.path.normpath(folder / Path(wanted).expanduser())


def _is_path(wanted: str) -> bool:
    return os.sep in wanted or wanted.startswith("~")


def _wanted(wanted: str, cwd: Path) -> Interpreter:
    where = "env: python"
    if _is_path(wanted):
        return _checked(inspect(cwd / Path(wanted).expanduser()), where)
    found = _find(wanted, cwd)
    if found is None:
        now = "install it, or give another version or the path of an interpreter in `env: {python: ...}`"
        raise EnvironmentBuildError(f"Python {wanted} is not on this machine", where=where, hint=now)
    return _checked(found, where)


def _find(request: str, cwd: Path) -> Interpreter | None:
    if not request or request.startswith("-"):
        return None
    command = ["python", "find", "--system", "--no-project", "--no-python-downloads", "--", request]
    try:
        told = run_uv(command, cwd=cwd, extra={"PATH": _search_path()})
    except CommandFailedError:
        return None
    return inspect(Path(told.strip().splitlines()[-1]))


def _search_path() -> str:
    """Return PATH and the folders of version managers, whose shims answer for one version only."""
    home = Path.home()
    roots = [
        Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(os.environ.get("ASDF_DATA_DIR") or home / ".asdf") / "installs/python",
        home / ".local/share/mise/installs/python",
    ]
    managed = [str(python.parent) for root in roots for python in sorted(root.glob("*/bin/python3"), reverse=True)]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *managed])


def _python_version_file(project: Project) -> tuple[str, str] | None:
    for folder in (project.folder, *map(str, PurePosixPath(project.folder).parents)):
        path = PurePosixPath(folder, ".python-version").as_posix()
        lines = (project.tree.read(path) or b"").decode("utf-8", "replace").splitlines()
        words = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        if words and words[0] != "system":
            return words[0], path
    return None


def _minor(version: str) -> str:
    found = re.match(r"\d+\.\d+", version)
    return found[0] if found else ""


def _satisfies(version: str, specifier: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True  # uv will say so, with the file


def _checked(interpreter: Interpreter, where: str) -> Interpreter:
    if _satisfies(interpreter.version, f">={OLDEST}"):
        return interpreter
    raise EnvironmentBuildError(
        f"Python {interpreter.version} is too old to be measured in; {OLDEST} is the oldest",
        where=where,
        hint=f"choose {OLDEST} or newer: `env: {{python: '3.12'}}`",
    )
