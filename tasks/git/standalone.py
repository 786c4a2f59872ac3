"""Repositories apart from the clone, for programs that use git themselves: nothing of theirs comes into the clone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..processes import programs
from ..processes.scratch import remove_folder
from .clone_cache import write_alternates
from .commands import LOCAL_SECONDS, environment, run_git


def create(clone: Path, folder: Path, commit: str) -> None:
    """Check `commit` out, detached, in a new repository at `folder` that borrows the clone's objects; raise CommandFailedError."""
    remove_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    programs.run(["git", "init", "--quiet", "--template=", folder], cwd=folder.parent, env=environment(), timeout=60)
    git_folder = folder / ".git"
    write_alternates(git_folder, clone / "objects")
    if (clone / "shallow").is_file():
        (git_folder / "shallow").write_bytes((clone / "shallow").read_bytes())
    run_git(git_folder, ["update-ref", "--no-deref", "HEAD", commit])
    programs.run(["git", "reset", "--quiet", "--hard", commit], cwd=folder, env=environment(), timeout=LOCAL_SECONDS)


def object_stores(git_folder: Path) -> Iterator[Path]:
    """Yield the folders of objects that a repository borrows, also by way of another; those whose names git has to quote left out."""
    from pathlib import Path

    waiting, seen = [git_folder / "objects"], set[Path]()
    while waiting:
        store = waiting.pop()
        if store in seen:
            continue
        seen.add(store)
        yield store
        try:
            lines = (store / "info" / "alternates").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        waiting += [Path(line) for line in lines if line and not line.startswith(('"', "#"))]


def variables() -> dict[str, str]:
    """Return what keeps the user's own git configuration and hooks out of a program that runs git."""
    return {name: value for name, value in environment().items() if name.startswith("GIT_")}
