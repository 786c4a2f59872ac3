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
    """Build the repository and move it to `target`; every folder of patches becomes a branch `perf/…`.

    Raise CalledProcessError if git fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
        repository = Path(temporary) / "repository"
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".pytest_cache")
        shutil.copytree(SOURCES / "base", repository, ignore=ignored)
        _commit_all(repository)
        for patches in sorted((SOURCES / "patches").iterdir()):
            _git(repository, "checkout", "--quiet", "-b", f"perf/{patches.name}", "main")
            files = map(str, sorted(patches.glob("*.patch")))
            _git(repository, "am", "--quiet", "--keep-cr", "--committer-date-is-author-date", *files)
        _git(repository, "checkout", "--quiet", "main")
        if target.exists():
            # Moved aside first: a build that is killed here leaves no repository rather than half of one.
            target.rename(Path(temporary) / "replaced")
        repository.rename(target)


def needs() -> list[Path]:
    """Return every file that the repository is made from."""
    sources = (path for path in SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [Path(__file__), *sorted(sources)]


def _commit_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    _git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    _git(folder, "add", "--all", "--force")
    _git(folder, "commit", "--quiet", "--message=Release 0.4.0")


def _git(folder: Path, *arguments: str) -> None:
    """Run git without the user's configuration and hooks: both would change the commits."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1", "LC_ALL": "C"}
    # Without core.attributesFile git reads ~/.config/git/attributes, whatever GIT_CONFIG_GLOBAL says.
    settings = ("core.autocrlf=false", "core.attributesFile=/dev/null", "core.hooksPath=/dev/null", "gc.auto=0")
    options = [option for setting in settings for option in ("-c", setting)]
    subprocess.run(["git", *options, *arguments], cwd=folder, env=inherited | isolated | AUTHOR, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]).absolute())
