"""Measure a branch as it is, against what it is made for: the whole graph up to the comparison, on a manifest of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..bench.trees import write_into
from ..body.reproduction import manifest_text
from ..environments.interpreters import resolve_path
from ..storage.files import write_whole
from ..storage.hashing import digest, hash_of
from ..storage.paths import MANIFEST_NAME, ProjectPaths
from ..workspace import nested

if TYPE_CHECKING:
    from ..artifacts import Branching, Comparison
    from ..git import Clone
    from ..manifest.model import Optimization
    from ..processes.progress import Report
    from ..storage.paths import ItemPaths
    from .assembling import Made


@dataclass(frozen=True, slots=True)
class Ground:
    """The item's places, the bytes of the benchmark and what it needs, and the cache."""

    paths: ItemPaths
    contents: Mapping[str, bytes]
    cache: Path


def measured(
    item: Optimization,
    branch: Branching,
    made: Made,
    clone: Clone,
    *,
    ground: Ground,
    report: Report,
) -> Branching:
    """Return the branch with its verdict; the item's own comparison is it where both sides are the same commits."""
    if (branch.base, branch.head) == (made.detection.base, made.detection.head):
        return _judged(branch, made.comparison, ground.paths.compare)
    paths, tree = ground.paths, ground.cache.absolute() / "branches" / hash_of([clone.path.name, item.id, branch.head])
    clone.worktree(tree, branch.head)
    for path, content in ground.contents.items():
        if not (tree / path).exists():
            write_into(tree, path, content)
    write_whole(
        paths.branch_folder / MANIFEST_NAME, manifest_for(item, branch, made, repository=tree, folder=paths.folder)
    )
    nested.run([f"compare:{item.id}"], folder=paths.branch_folder, cache=ground.cache, report=report)
    return _judged(branch, nested.comparison(paths.branch_folder, item.id), state_of(paths, item.id) / "compare.json")


def manifest_for(item: Optimization, branch: Branching, made: Made, *, repository: Path, folder: Path) -> str:
    """Spell the manifest that measures the branch with the item's own settings; `folder` is that of the item's manifest."""
    moved = made.detection.model_copy(
        update={"base": branch.base, "head": branch.head, "upstream": branch.base, "picked": ()}
    )
    manifest: dict[str, Any] = yaml.safe_load(manifest_text(item, moved, made.scaffolding))
    manifest["repo"] = str(repository)
    if item.env.python and os.sep in item.env.python:
        manifest["optimizations"][0].setdefault("env", {})["python"] = resolve_path(item.env.python, folder)
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    return text


def state_of(paths: ItemPaths, item_id: str) -> Path:
    """Return the folder of the artifacts that measuring the branch made."""
    return ProjectPaths(paths.branch_folder / MANIFEST_NAME, paths.branch_folder).item(item_id).state


def _judged(branch: Branching, comparison: Comparison, artifact: Path) -> Branching:
    return branch.model_copy(
        update={"verdict": comparison.verdict, "headline": comparison.headline, "comparison": digest(artifact) or ""}
    )
