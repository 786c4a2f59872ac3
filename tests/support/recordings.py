"""Benchmarks of the functions of a small shop, written from calls that were recorded while its tests ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts import Recording, Scaffolding
from tasks.environments import builder
from tasks.manifest.model import Optimization
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tasks.stages.record import choosing
from tasks.storage.paths import ProjectPaths
from tests.support.evidence import DETECTION
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo

PYPROJECT = '[project]\nname = "shop"\nversion = "1"\n[tool.ruff]\nline-length = 100\nlint.select = ["E", "F", "I"]\n'


def scaffolded(repo: TargetRepo, folder: Path, name: str, **settings) -> tuple[Recording, Scaffolding, str]:
    """Run record and scaffold for a function of the shop; return the artifacts and the benchmark's text."""
    layout = describe(FolderTree(repo.path))
    commits = {
        "base": repo.head,
        "head": repo.head,
        "target": f"shop:{name}",
        "functions": (),
        "benchmark": None,
        "layout": layout,
    }
    item = Optimization(id="item", head="main", functions=(f"shop:{name}",), domain=("cpu",), **settings)
    paths = ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item("item")
    DETECTION.model_copy(update={**commits, "function": name.rpartition(".")[2], "item": "item"}).write(
        paths.detect, "d"
    )
    with pytest.MonkeyPatch.context() as patch:
        # The shop's functions take microseconds: no round is too short.
        patch.setattr(choosing, "LEAST_ROUND", 0.0)
        for stage in ("record", "scaffold"):
            run_stage(stage, item, paths, address=repo.path, cache=Path(os.environ["PRPREP_CACHE"]))
    written = Scaffolding.read(paths.scaffold)
    return Recording.read(paths.record), written, (folder / written.source).read_text()


class Shop:
    """The shop's repository; a function's benchmark is written once, and tests share and do not change it."""

    def __init__(self, repo: TargetRepo, folder: Path) -> None:
        self.repo, self._folder = repo, folder
        self._written: dict[str, tuple[Recording, Scaffolding, str]] = {}

    def folder(self, name: str) -> Path:
        return self._folder / name

    def scaffolded(self, name: str) -> tuple[Recording, Scaffolding, str]:
        if name not in self._written:
            self._written[name] = scaffolded(self.repo, self.folder(name), name)
        return self._written[name]

    def passes(self, name: str) -> None:
        _, written, text = self.scaffolded(name)
        passes(self.repo, self.folder(name), text, written)


def passes(repo: TargetRepo, folder: Path, text: str, written: Scaffolding | None = None) -> None:
    """Run a benchmark as a maintainer would, in the project's own folder, and lint it."""
    target = repo.path / "tests/benchmarks/test_benchmark.py"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    data = written.data if written else {}
    for path, file in data.items():
        (repo.path / path).write_bytes((folder / file.source).read_bytes())
    layout = describe(FolderTree(repo.path))
    built = builder.build(repo.path, layout, Optimization(id="x", head="h").env, cache=Path(os.environ["PRPREP_CACHE"]))
    done = subprocess.run(
        [built.python, "-m", "pytest", "-q", target], cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    for words in (("check",), ("format", "--check")):
        subprocess.run([sys.executable, "-m", "ruff", *words, target], cwd=repo.path, check=True, capture_output=True)
    for path in (target, *(repo.path / path for path in data)):
        path.unlink()
