"""Format a benchmark as the project formats its own code: by ruff, with the project's settings for it, or those for black."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CommandFailedError
from ..processes import programs
from .files import lookup

if TYPE_CHECKING:
    from .files import Project

OWN = ("ruff.toml", ".ruff.toml")
SECONDS = 20.0
DEPTH = 3
"""Folders below the root in which an import root lies lookup the deepest, and a package in that."""
VIOLATION = re.compile(r"^[^:\n]+:(\d+):\d+: (.+)$", re.MULTILINE)


def formatted(
    text: str, path: str, project: Project, *, first_party: tuple[str, ...] = ()
) -> tuple[str, tuple[str, ...]]:
    """Return the text as the project's formatter would leave it, and what its linter still says of it, one line each.

    `path` is where the file will lie, from the root of the repository. Where ruff does not run, the text stays as it is.
    """
    program = ruff_program()
    with tempfile.TemporaryDirectory(prefix="prprep-format-") as folder:
        root = Path(folder)
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        lints = _configure(root / project.folder, project, first_party)
        _outline(root, project)
        place.write_text(text, encoding="utf-8")
        chosen = [] if lints else ["--select", "I"]
        commands = [["check", "--fix", "--quiet", "--exit-zero", *chosen, path], ["format", "--quiet", path]]
        try:
            for command in commands:
                programs.run([program, *command, "--no-cache"], cwd=root, timeout=SECONDS)
            asked = [program, "check", "--output-format=concise", "--quiet", "--exit-zero", "--no-cache", path]
            told = programs.run(asked, cwd=root, timeout=SECONDS).output if lints else ""
        except (CommandFailedError, OSError):
            return text, ()
        return place.read_text(encoding="utf-8"), tuple(
            f"line {line}: {rule}" for line, rule in VIOLATION.findall(told)
        )


def _outline(root: Path, project: Project) -> None:
    """Make the project's modules, empty, as far as ruff looks for them: what imports are the project's own it tells by that."""
    for path in project.tree.files():
        folders, name = path.split("/")[:-1], path.rpartition("/")[2]
        if not name.endswith((".py", ".pyi")):
            continue
        (root / "/".join(folders[:DEPTH])).mkdir(parents=True, exist_ok=True)
        if len(folders) < DEPTH:
            (root / path).touch()


def ruff_program() -> str:
    """Return the ruff that was installed with prprep, else the one on the path."""
    beside = Path(sys.executable).with_name("ruff")
    return str(beside) if beside.is_file() else shutil.which("ruff") or "ruff"


def _configure(folder: Path, project: Project, first_party: tuple[str, ...]) -> bool:
    """Put the project's settings where ruff looks for them; say whether they are for its linter, too."""
    folder.mkdir(parents=True, exist_ok=True)
    own = next((name for name in OWN if project.has(name)), "")
    if own or project.tool("ruff") is not None:
        for name in (own, "pyproject.toml"):
            if name and (content := project.tree.read(project.path(name))) is not None:
                (folder / name).write_bytes(content)
        return True
    black = project.tool("black")
    named = (
        lookup(black, "line-length"),
        project.tool("isort", "line_length"),
        project.setup_cfg.get("isort", "line_length", fallback=""),
    )
    length = next(filter(None, map(_number, named)), 0)
    lines = [
        f"line-length = {length or 88}",
        "[lint.isort]",
        f"known-first-party = {list(first_party)!r}".replace("'", '"'),
    ]
    if lookup(black, "skip-string-normalization") is True:
        lines += ["[format]", 'quote-style = "preserve"']
    (folder / "ruff.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return False


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
