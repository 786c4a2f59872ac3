"""Format a benchmark as the project formats its code: by ruff, with the project's settings for ruff or black."""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from ..errors import CommandFailedError
from ..processes import programs
from .files import Project

RUFF_FILES = ("ruff.toml", ".ruff.toml")
SECONDS = 20.0
DEPTH = 3
"""Folders below the root down to which ruff looks for the project's own modules."""
VIOLATION = re.compile(r"^[^:\n]+:(\d+):\d+: (.+)$", re.MULTILINE)


def formatted(
    text: str, path: str, project: Project, *, first_party: tuple[str, ...] = ()
) -> tuple[str, tuple[str, ...]]:
    """Return the text as the project's formatter leaves it, and what its linter still reports, one line each.

    `path` is the file's future path from the root of the repository. If ruff fails, the text stays as it is.
    """
    ruff = ruff_program()
    with tempfile.TemporaryDirectory(prefix="prprep-format-") as folder:
        root = Path(folder)
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        lints = _configure(root / project.folder, project, first_party)
        _create_modules(root, project)
        file.write_text(text, encoding="utf-8")
        rules = [] if lints else ["--select", "I"]
        try:
            for command in (["check", "--fix", "--quiet", "--exit-zero", *rules, path], ["format", "--quiet", path]):
                programs.run([ruff, *command, "--no-cache"], cwd=root, timeout=SECONDS)
            check = [ruff, "check", "--output-format=concise", "--quiet", "--exit-zero", "--no-cache", path]
            report = programs.run(check, cwd=root, timeout=SECONDS).output if lints else ""
        except (CommandFailedError, OSError):
            return text, ()
        violations = tuple(f"line {line}: {rule}" for line, rule in VIOLATION.findall(report))
        return file.read_text(encoding="utf-8"), violations


def ruff_program() -> str:
    """Return the ruff that was installed with prprep, else the one on the path."""
    ours = Path(sys.executable).with_name("ruff")
    return str(ours) if ours.is_file() else shutil.which("ruff") or "ruff"


def _create_modules(root: Path, project: Project) -> None:
    """Create the project's modules, empty: ruff recognizes first-party imports by them."""
    for path in project.tree.files():
        if path.endswith((".py", ".pyi")):
            folders = path.split("/")[:-1]
            (root / "/".join(folders[:DEPTH])).mkdir(parents=True, exist_ok=True)
            if len(folders) < DEPTH:
                (root / path).touch()


def _configure(folder: Path, project: Project, first_party: tuple[str, ...]) -> bool:
    """Write the project's settings where ruff looks for them; return whether they configure its linter too."""
    folder.mkdir(parents=True, exist_ok=True)
    own = next(filter(project.has, RUFF_FILES), "")
    if own or project.tool("ruff") is not None:
        for name in (own, "pyproject.toml"):
            if name and (content := project.tree.read(project.path(name))) is not None:
                (folder / name).write_bytes(content)
        return True
    lengths = (
        project.tool("black", "line-length"),
        project.tool("isort", "line_length"),
        project.setup_cfg.get("isort", "line_length", fallback=""),
    )
    length = next((int(str(value)) for value in lengths if str(value).isdecimal()), 0) or 88
    modules = f"{list(first_party)!r}".replace("'", '"')
    lines = [f"line-length = {length}", "[lint.isort]", f"known-first-party = {modules}"]
    if project.tool("black", "skip-string-normalization") is True:
        lines += ["[format]", 'quote-style = "preserve"']
    (folder / "ruff.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return False
