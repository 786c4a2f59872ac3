"""Put releases of real packages into git repositories; they are downloaded for the tests and never kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

from tests.support.targets import TargetRepo


def repository_of(name: str, versions: Sequence[str], folder: Path) -> TargetRepo:
    """Make a repository of a tagged commit for each version, from the source distributions of these releases."""
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
    """Download a source distribution and unpack it; return the folder that its files are in.

    pip would build the metadata of each first, in an environment of its own.
    """
    folder.mkdir()
    compiled = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--format", "pylock.toml", "-"],
        input=f"{name}=={version}",
        capture_output=True,
        text=True,
        check=True,
    )
    (package,) = tomllib.loads(compiled.stdout)["packages"]
    with urlopen(package["sdist"]["url"]) as response:
        content = response.read()
    assert sha256(content).hexdigest() == package["sdist"]["hashes"]["sha256"]
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return next(path for path in (folder / "unpacked").iterdir() if path.is_dir())
