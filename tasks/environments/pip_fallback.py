"""Translate uv commands to venv and pip, for machines on which uv does not run.

It is slower, has no lock files of uv and no packages as of a date, and installs a project to get its requirements, to
uninstall it afterwards.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import CommandFailedError
from ..processes import programs
from ..project.layout import PROJECT_FILES

NOTE = "built by venv and pip, since uv does not run here"
PIP_OPTIONS = {"--constraints": "--constraint", "--default-index": "--index-url", "--index": "--extra-index-url"}
MINORS = range(20, 8, -1)


def run(arguments: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> str:
    """Run a uv command with venv and pip and return its output; raise CommandFailedError if that is impossible."""
    words = [str(word) for word in arguments if word != "--quiet"]
    if words[:2] == ["python", "find"]:
        return _find_python(words[-1], env.get("PATH"))
    return programs.run(translate(words, cwd), cwd=cwd, env=env).output


def translate(arguments: Sequence[str], cwd: Path) -> list[str]:
    """Return the venv or pip command for a uv command; raise CommandFailedError if there is none."""
    rest = [*arguments]
    if "--python" in rest and not any(word.startswith("--exclude-newer") for word in rest):
        index = rest.index("--python")
        python, rest = rest[index + 1], rest[:index] + rest[index + 2 :]
        if rest[0] == "venv":
            return [python, "-m", "venv", *(["--without-pip"] if _has_pip(python) else []), rest[-1]]
        if rest[0] == "pip":
            pip = [*_pip_for(python), rest[1], "--disable-pip-version-check"]
            return [*pip, *_extra_options(rest[1], python), *_pip_options(rest[2:], cwd)]
    raise needs_uv(arguments)


def _pip_for(python: str) -> list[str]:
    """Return the pip of an environment, or of the interpreter that it was made of: its own takes seconds to install."""
    base, site_packages = os.path.realpath(python), Path(python).parents[1].glob("lib/python*/site-packages")
    if any((folder / "pip").exists() for folder in site_packages) or not _has_pip(base):
        return [python, "-m", "pip"]
    return [base, "-m", "pip", "--python", python]


@cache
def _has_pip(python: str) -> bool:
    """Return whether an interpreter has a pip that installs into the environments of others, as it does since 22.3."""
    try:
        shown = programs.run([python, "-Im", "pip", "--version"], cwd=Path("/"), timeout=60).output
    except CommandFailedError:
        return False
    match = re.match(r"pip (\d+(\.\d+)*)", shown)
    return match is not None and Version(match[1]) >= Version("22.3")


def needs_uv(arguments: Sequence[str]) -> CommandFailedError:
    return CommandFailedError(("uv", *arguments), code=1, error="this needs uv, which does not run here")


def _extra_options(verb: str, python: str) -> list[str]:
    """Return the options that make pip behave as uv: no prompts, and only this environment is listed."""
    if verb == "list":
        site_packages = Path(python).parents[1].glob("lib/python*/site-packages")
        return [word for folder in site_packages for word in ("--path", str(folder))]
    return ["--quiet", "--yes"] if verb == "uninstall" else ["--quiet"]


def _pip_options(arguments: Sequence[str], cwd: Path) -> Iterator[str]:
    """Translate options; where uv reads a project's metadata, pip installs the project."""
    extras, has_project, rest = [], False, iter(arguments)
    for word in rest:
        if word == "--extra":
            extras.append(next(rest))
        elif word == "-r":
            file = next(rest)
            has_project = has_project or file in PROJECT_FILES
            yield from () if file in PROJECT_FILES else (word, file)
        else:
            yield PIP_OPTIONS.get(word, word)
    if has_project:
        yield f"{cwd}[{','.join(extras)}]" if extras else str(cwd)


def _find_python(request: str, path: str | None) -> str:
    version = f"{request}.*" if re.fullmatch(r"3\.\d+", request) else request
    wanted = SpecifierSet(f"=={version}" if request[0].isdigit() else request)
    for minor in MINORS:
        python = shutil.which(f"python3.{minor}", path=path)
        if python and any(wanted.contains(f"3.{minor}.{patch}") for patch in range(30)):
            return python
    raise CommandFailedError(("python", request), code=1, error=f"no Python {request} was found on PATH")
