"""Choose an installed Python for an environment; none is ever downloaded."""

import json
import os
import platform
import re
import sys
import sysconfig
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..errors import CommandFailedError, EnvironmentBuildError
from ..processes import programs
from ..processes.real_paths import expanded
from ..project.files import Project, lookup
from .installer import run_uv
from .package_dates import pythons_of, supported_since

OLDEST = "3.9"
"""The oldest Python that prprep's worker and memray run in."""

_DESCRIBE = """
import json, platform, sys, sysconfig
print(json.dumps([platform.python_version(), sys.implementation.cache_tag, sysconfig.get_platform()]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python on this machine; `build` identifies the binary interface of compiled packages."""

    path: Path
    version: str
    build: str

    @property
    def minor(self) -> int:
        """The N of Python 3.N."""
        return int(self.version.split(".")[1])


def choose(project: Project, wanted: str | None, *, cwd: Path, as_of: date | None = None) -> tuple[Interpreter, str]:
    """Return the interpreter, and a note if it is not the requested one.

    In this order: `wanted` (a version or a path, from the manifest), `.python-version`, the one that runs prprep if
    requires-python and packages `as_of` a date allow it, one for those packages, any that requires-python allows.
    Raise EnvironmentBuildError if none is suitable.
    """
    if wanted:
        return _wanted(wanted, cwd), ""
    ours = _ours()
    allowed = requires_python(project)
    note = ""
    if pinned := _python_version_file(project):
        version, file = pinned
        for request in (version, *re.findall(r"^\d+\.\d+", version)):
            if interpreter := _find(request):
                return _require_supported(interpreter, file), ""
        note = f"{file} requests Python {version}, which is not installed"
    chosen = ours if _satisfies(ours.version, allowed) else _find(allowed)
    if as_of and chosen and supported_since(chosen.minor) > as_of:
        pythons = (_find(f"{allowed},==3.{minor}.*".lstrip(",")) for minor in pythons_of(as_of))
        chosen = next(filter(None, pythons), chosen)
    if chosen is None:
        raise EnvironmentBuildError(
            f"no installed Python satisfies requires-python {allowed}; prprep runs on {ours.version}",
            where=project.path("pyproject.toml" if project.has("pyproject.toml") else "setup.py"),
            hint="install one, or choose another: `env: {python: '3.12'}`, or the path of an interpreter",
        )
    note = f"{note}; {chosen.version} is used" if note else ""
    return _require_supported(chosen, project.path("pyproject.toml")), note


def _ours() -> Interpreter:
    """Return the interpreter that runs prprep, which need not be started to know it."""
    path = Path(getattr(sys, "_base_executable", None) or sys.executable)
    return Interpreter(path, platform.python_version(), f"{sys.implementation.cache_tag} {sysconfig.get_platform()}")


@cache
def inspect(path: Path) -> Interpreter:
    """Return an interpreter's version and build; raise EnvironmentBuildError if it does not run."""
    try:
        env, command = programs.project_environment(), (path, "-IB", "-c", _DESCRIBE)
        version, tag, system = json.loads(programs.run(command, cwd=Path("/"), env=env, timeout=60).output)
    except (CommandFailedError, ValueError) as error:
        what = f"this is not a working Python interpreter: {error}"
        hint = "correct `env: {python: ...}` in the manifest"
        raise EnvironmentBuildError(what, where=str(path), hint=hint) from None
    return Interpreter(path, version, f"{tag} {system}")


def requires_python(project: Project) -> str:
    """Return the project's version specifier for Python, "" if there is none."""
    stated = lookup(project.pyproject, "project", "requires-python") or project.setup_keywords.get("python_requires")
    stated = stated or project.setup_cfg.get("options", "python_requires", fallback="")
    poetry = project.tool("poetry", "dependencies", "python")
    if not stated and isinstance(poetry, str):
        stated = pep440(poetry)
    return stated.strip() if isinstance(stated, str) else ""


def pep440(specifier: str) -> str:
    """Convert poetry's `^3.9` and `~3.9` to ranges, and anything else that is not PEP 440 to "" (no limit)."""
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
    match = re.fullmatch(r"([\^~])\s*(\d+(?:\.\d+)*)", part)
    if not match:
        return part
    numbers = [int(number) for number in match[2].split(".")]
    # A tilde fixes major and minor, a caret the leftmost number that is not 0.
    leftmost = next((index for index, number in enumerate(numbers, 1) if number), len(numbers))
    fixed = min(len(numbers), 2) if match[1] == "~" else leftmost
    ceiling = [*numbers[: fixed - 1], numbers[fixed - 1] + 1]
    return f">={match[2]},<{'.'.join(map(str, ceiling))}"


def resolve_path(wanted: str | None, folder: Path) -> str | None:
    """Resolve the path of an interpreter from the manifest's folder; a version is returned unchanged."""
    if not wanted or not is_path(wanted):
        return wanted
    # Links are not resolved: the location of the link identifies the environment.
    return os.path.normpath(folder / expanded(wanted))


def is_path(wanted: str) -> bool:
    """Return whether `env: python` names an interpreter by its path, and not by a version."""
    return os.sep in wanted or wanted.startswith("~")


def _wanted(wanted: str, cwd: Path) -> Interpreter:
    interpreter = inspect(cwd / expanded(wanted)) if is_path(wanted) else _find(wanted)
    if interpreter is None:
        hint = "install it, or name another version or the path of an interpreter in `env: {python: ...}`"
        raise EnvironmentBuildError(f"Python {wanted} is not installed", where="env: python", hint=hint)
    return _require_supported(interpreter, "env: python")


def _find(request: str) -> Interpreter | None:
    # A path, or the name of a file in the current folder, would be run: confined code may have left one in the tree.
    if not request or request.startswith("-") or os.sep in request:
        return None
    command = ["python", "find", "--system", "--no-project", "--no-python-downloads", "--", request]
    try:
        output = run_uv(command, cwd=Path("/"), extra={"PATH": _search_path()})
    except CommandFailedError:
        return None
    return inspect(Path(output.strip().splitlines()[-1]))


def _search_path() -> str:
    """Return PATH and the folders of version managers, whose shims run only one version."""
    home = Path.home()
    roots = [
        Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(os.environ.get("ASDF_DATA_DIR") or home / ".asdf") / "installs/python",
        home / ".local/share/mise/installs/python",
    ]
    managed = [str(python.parent) for root in roots for python in sorted(root.glob("*/bin/python3"), reverse=True)]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *managed])


def _python_version_file(project: Project) -> tuple[str, str] | None:
    for owner in project.upwards:
        path = owner.path(".python-version")
        lines = (project.tree.read(path) or b"").decode("utf-8", "replace").splitlines()
        versions = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        if versions and versions[0] != "system":
            return versions[0], path
    return None


def _satisfies(version: str, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True  # uv reports it, with the file


def _require_supported(interpreter: Interpreter, where: str) -> Interpreter:
    if _satisfies(interpreter.version, f">={OLDEST}"):
        return interpreter
    raise EnvironmentBuildError(
        f"Python {interpreter.version} is too old; prprep measures in {OLDEST} or newer",
        where=where,
        hint=f"choose {OLDEST} or newer: `env: {{python: '3.12'}}`",
    )
