"""Build real git repositories for tests, with fixed dates so that commits are the same everywhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from textwrap import dedent

ISOLATED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
FAST = ("-c", "maintenance.auto=false", "-c", "core.fsync=none")
"""Without the process that looks for maintenance after each commit, and without waiting for the disk."""


class TargetRepo:
    """A repository that grows by `commit`; `files` maps a path to its text, or to None to delete it."""

    def __init__(self, folder: Path, files: dict[str, str | None] | None = None, branch: str = "main") -> None:
        self.path = folder
        self._clock = 4_000_000_000  # never old: requirements of old commits are resolved as of their date
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--template=", f"--initial-branch={branch}")
        if files:
            self.commit(files, "Start")

    def git(self, *arguments: str) -> str:
        date = f"{self._clock} +0000"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environment |= ISOLATED | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        done = subprocess.run(
            ["git", *FAST, *arguments], cwd=self.path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    @property
    def clock(self) -> int:
        """The date of the last commit, in seconds since the epoch; the next one is 60 seconds later."""
        return self._clock

    def commit(self, files: dict[str, str | None], message: str = "Change") -> str:
        """Write the files, commit them, and give the commit's SHA."""
        self.write(files)
        self._clock += 60
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head

    def write(self, files: dict[str, str | None]) -> None:
        """Change the work tree only."""
        for name, text in files.items():
            path = self.path / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and check it out."""
        self.git("checkout", "--quiet", "-b", name, start)

    def checkout(self, ref: str) -> None:
        self.git("checkout", "--quiet", ref)

    @property
    def head(self) -> str:
        ref = (self.path / ".git" / "HEAD").read_text().strip().removeprefix("ref: ")
        file = self.path / ".git" / ref
        return file.read_text().strip() if file.is_file() else self.git("rev-parse", "HEAD")
