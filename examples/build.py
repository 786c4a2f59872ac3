"""Make the example's git repository from its base tree and patches, with the same commits on every machine.

`python -m examples.build TARGET`
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "pagelayout"
DATE = "2026-03-02T09:00:00+00:00"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Example Author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_COMMITTER_NAME": "Example Author",
    "GIT_COMMITTER_EMAIL": "author@example.org",
    "GIT_AUTHOR_DATE": DATE,
    "GIT_COMMITTER_DATE": DATE,
}


def build(target: Path) -> None:
    """Put the repository at `target` in one step; `main` is checked out, each folder of patches is a branch `perf/…`.

    Raises CalledProcessError where git fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
        made = Path(temporary) / "repository"
        shutil.copytree(
            SOURCES / "base", made, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".pytest_cache")
        )
        _commit_all(made)
        for patches in sorted((SOURCES / "patches").iterdir()):
            _git(made, "checkout", "--quiet", "-b", f"perf/{patches.name}", "main")
            _git(
                made,
                "am",
                "--quiet",
                "--keep-cr",
                "--committer-date-is-author-date",
                *map(str, sorted(patches.glob("*.patch"))),
            )
        _git(made, "checkout", "--quiet", "main")
        if target.exists():
            # Moved aside whole: a build that is killed here leaves no repository, never half of one.
            target.rename(Path(temporary) / "replaced")
        made.rename(target)


def needs() -> list[Path]:
    """Give every file that the repository is made from."""
    return [
        Path(__file__),
        *sorted(path for path in SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts),
    ]


def _commit_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    _git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    _git(folder, "add", "--all", "--force")
    _git(folder, "commit", "--quiet", "--message=Release 0.4.0")


def _git(folder: Path, *arguments: str) -> None:
    """Run git without the user's configuration and hooks, so that nothing of theirs gets into the commits."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1", "LC_ALL": "C"}
    # Without core.attributesFile git reads ~/.config/git/attributes, whatever GIT_CONFIG_GLOBAL says.
    settings = ("core.autocrlf=false", "core.attributesFile=/dev/null", "core.hooksPath=/dev/null", "gc.auto=0")
    options = [word for setting in settings for word in ("-c", setting)]
    subprocess.run(["git", *options, *arguments], cwd=folder, env=kept | alone | AUTHOR, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]).absolute())
