"""Put releases of real packages into git repositories; they are downloaded for the tests and never kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.targets import TargetRepo


def repository_of(name: str, versions: tuple[str, str], folder: Path) -> TargetRepo:
    """Make a repository of two commits, tagged with the versions, from the source distributions of two releases."""
    repository = TargetRepo(folder / name)
    for version in versions:
        release = _unpacked(name, version, folder / f"{name}-{version}")
        for path in repository.path.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(release, repository.path, dirs_exist_ok=True)
        repository.git("add", "--all", "--force")
        repository.commit({}, f"Release {version}")
        repository.git("tag", version)
    return repository


def _unpacked(name: str, version: str, folder: Path) -> Path:
    """Download a source distribution and unpack it; give the folder that its files are in."""
    folder.mkdir()
    wanted = ["--no-deps", "--no-binary", name, "--dest", str(folder), f"{name}=={version}"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *wanted], check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return next(path for path in (folder / "unpacked").iterdir() if path.is_dir())
