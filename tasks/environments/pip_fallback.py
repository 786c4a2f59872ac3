"""Do by venv and pip what uv is asked for, on a machine where uv does not run.

It takes longer, lock files of uv are beyond it, and a project is installed for its requirements and taken out again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import CommandFailedError
from ..processes import programs

NOTE = "built by venv and pip, since uv does not run here"
DESCRIBING = ("pyproject.toml", "setup.py", "setup.cfg")
SPELLED = {"--constraints": "--constraint", "--default-index": "--index-url", "--index": "--extra-index-url"}
MINORS = range(20, 8, -1)


def run(arguments: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> str:
    """Do what these arguments ask of uv, and give what was printed; raise CommandFailedError where pip cannot."""
    words = [str(word) for word in arguments if word != "--quiet"]
    if words[:2] == ["python", "find"]:
        return _found(words[-1], env.get("PATH"))
    return programs.run(translated(words, cwd), cwd=cwd, env=env).output


def translated(words: Sequence[str], cwd: Path) -> list[str]:
    """Spell a command of uv for venv and pip; raise CommandFailedError where they have none like it."""
    rest = [*words]
    if "--python" in rest:
        place = rest.index("--python")
        python, rest = rest[place + 1], rest[:place] + rest[place + 2 :]
        if rest[0] == "venv":
            return [python, "-m", "venv", rest[-1]]
        if rest[0] == "pip":
            return [
                python,
                "-m",
                "pip",
                rest[1],
                "--disable-pip-version-check",
                *_own_options(rest[1], python),
                *_for_pip(rest[2:], cwd),
            ]
    raise CommandFailedError(("uv", *words), code=1, error="this needs uv, which does not run here")


def _own_options(verb: str, python: str) -> list[str]:
    """Return what pip needs to be told to do as uv does: ask nothing, and list what is in this environment alone."""
    if verb == "list":
        return [
            word
            for place in Path(python).parents[1].glob("lib/python*/site-packages")
            for word in ("--path", str(place))
        ]
    return ["--quiet", "--yes"] if verb == "uninstall" else ["--quiet"]


def _for_pip(words: Sequence[str], cwd: Path) -> Iterator[str]:
    """Spell options as pip does; what uv reads out of a project's description is what comes with installing the project."""
    extras, described, left = [], False, iter(words)
    for word in left:
        if word == "--extra":
            extras.append(next(left))
        elif word == "-r":
            name = next(left)
            described = described or name in DESCRIBING
            yield from () if name in DESCRIBING else (word, name)
        else:
            yield SPELLED.get(word, word)
    if described:
        yield f"{cwd}[{','.join(extras)}]" if extras else str(cwd)


def _found(request: str, path: str | None) -> str:
    """Return the path of a Python by version, or by what requires-python says."""
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet(
        f"=={request}.*" if re.fullmatch(r"3\.\d+", request) else f"=={request}" if request[0].isdigit() else request
    )
    for minor in MINORS:
        found = shutil.which(f"python3.{minor}", path=path)
        if found and any(wanted.contains(f"3.{minor}.{patch}") for patch in range(30)):
            return found
    raise CommandFailedError(("python", request), code=1, error=f"no Python {request} was found on PATH")
