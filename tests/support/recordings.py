"""Benchmarks of the functions of a small shop, written from calls that were recorded while its tests ran."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.artifacts import Recording, Scaffolding
from tasks.environments import builder
from tasks.manifest.model import Optimization
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tasks.stages.record import lengths, record
from tasks.storage.paths import ProjectPaths
from tests.support.evidence import DETECTION
from tests.support.projects import FLIT
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo

PYPROJECT = f"""{FLIT}
[project]
name = "shop"
version = "1"
description = "A shop"
[tool.ruff]
line-length = 100
lint.select = ["E", "F", "I"]
"""


def scaffolded(repo: TargetRepo, folder: Path, name: str, **settings) -> tuple[Recording, Scaffolding, str]:
    """Run record and scaffold for a function of the shop, or MODULE:NAME; return artifacts and the benchmark's text."""
    layout = describe(FolderTree(repo.path))
    target = name if ":" in name else f"shop:{name}"
    commits = {
        "base": repo.head,
        "head": repo.head,
        "target": target,
        "functions": (),
        "benchmark": None,
        "layout": layout,
    }
    item = Optimization(id="item", head="main", functions=(target,), domain=("cpu",), **settings)
    paths = ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item("item")
    DETECTION.model_copy(update={**commits, "function": re.split("[.:]", name)[-1], "item": "item"}).write(
        paths.detect, "d"
    )
    with pytest.MonkeyPatch.context() as patch:
        # The shop's functions take microseconds: no round is too short, and callers do not take their place.
        for least in ("LEAST_ROUND", "LEAST_CALL", "ENOUGH"):
            patch.setattr(lengths, least, 0.0)
        # Their tests are not timed to choose among functions, either.
        patch.setattr(record, "MOST_RUNS", 1)
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

    def pass_tests(self, *names: str) -> None:
        pass_tests(self.repo, {self.folder(name): self.scaffolded(name)[1:] for name in names})


def pass_tests(repo: TargetRepo, benchmarks: Mapping[Path, tuple[Scaffolding, str]]) -> None:
    """Run benchmarks, by the folders they were written in, as a maintainer would: in the project. Lint them."""
    folder = repo.path / "tests/benchmarks"
    folder.mkdir()
    for number, (place, (written, text)) in enumerate(benchmarks.items()):
        (folder / f"test_benchmark_{number}.py").write_text(text)
        for path, file in written.data.items():
            (repo.path / path).write_bytes((place / file.source).read_bytes())
    layout = describe(FolderTree(repo.path))
    built = builder.build(repo.path, layout, Optimization(id="x", head="h").env, cache=Path(os.environ["PRPREP_CACHE"]))
    briefly = ("--benchmark-min-rounds=1", "--benchmark-max-time=0.01")
    command = [built.python, "-m", "pytest", "-v", *briefly, folder]
    done = subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for number in range(len(benchmarks)):
        assert re.search(rf"test_benchmark_{number}\.py::.* PASSED", done.stdout), done.stdout
    for words in (("check",), ("format", "--check")):
        subprocess.run([sys.executable, "-m", "ruff", *words, folder], cwd=repo.path, check=True, capture_output=True)
    shutil.rmtree(folder)
