"""Say what a stage's artifact must have been made from to be fresh.

A fingerprint covers the stage's version, exactly the settings that the stage uses, what refs name now, and
the content of the files it reads; of `detect.json` only the fields that the stage looks at, so that a new
title renders the body again and measures nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import compare, detect, inject, measure, render, report, scaffold
from .paths import shipped_templates
from .store import digest, fingerprint_of, hash_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .manifest.model import Optimization
    from .paths import ItemPaths
    from .workspace import Workspace

_MODULES = {"detect": detect, "scaffold": scaffold, "inject": inject, "measure": measure, "compare": compare, "render": render}

# The fields of the manifest's item, and of detect.json, that each stage uses.
_ITEM = {
    "detect": {"id", "title", "domain", "base", "head", "commits", "functions", "benchmark", "pr", "env"},
    "scaffold": {"id", "benchmark", "functions"},
    "inject": {"id", "strategy"},
    "measure": {"id", "engine", "metrics", "timeout", "budget", "env"},
    "compare": {"id", "metrics", "confidence", "negligible"},
    "render": {"id", "title", "summary", "details", "tests", "env"},
}
_DETECTION = {
    "scaffold": ("base", "head", "target", "functions", "domain", "benchmark", "layout"),
    "inject": ("base", "head", "picked", "benchmark", "layout"),
    "measure": ("target", "functions", "domain", "layout", "dependencies"),
    "compare": ("domain",),
}


class Freshness:
    """Fingerprints of all items of one workspace, each file read once while it stays the same."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._digests: dict[Path, tuple[tuple[int, int], str | None]] = {}
        self._detections: dict[Path, tuple[str | None, dict[str, Any]]] = {}

    def fingerprint(self, stage: str, item_id: str) -> str:
        """Hash what `stage` would be made from now."""
        item = self._workspace.items[item_id]
        paths = self._workspace.paths.item(item_id)
        parts: list[Any] = [stage, _MODULES[stage].VERSION, item.model_dump(mode="json", include=_ITEM[stage])]
        if stage in _DETECTION:
            parts.append(self._detection(paths)[stage])
        parts += getattr(self, f"_{stage}")(item, paths)
        return hash_of(parts)

    def is_fresh(self, stage: str, item_id: str) -> bool:
        """Say whether the stage's artifact is there, was made from this, and its products are as it left them.

        While a person has to fill in the benchmark, there is nothing to do after scaffold.
        """
        paths = self._workspace.paths.item(item_id)
        if stage in {"inject", "measure", "compare", "render"} and self.waits(item_id):
            return True
        recorded = fingerprint_of(artifact_of(paths, stage))
        if recorded is None or recorded != self.fingerprint(stage, item_id):
            return False
        intact: Callable[[ItemPaths], bool] | None = getattr(self, f"_{stage}_intact", None)
        return intact is None or intact(paths)

    def waits(self, item_id: str) -> bool:
        """Say whether a person has to complete the item's benchmark before it can be measured."""
        paths = self._workspace.paths.item(item_id)
        return bool(fields_of(paths.scaffold).get("needs")) and self._scaffold_intact(paths)

    def report_fingerprint(self) -> str:
        """Hash all that the report is made from."""
        artifacts = [
            self._digest(path)
            for item_id in self._workspace.items
            for paths in (self._workspace.paths.item(item_id),)
            for path in (paths.detect, paths.scaffold, paths.compare, paths.render, paths.failure)
        ]
        titles = [(item.id, item.title) for item in self._workspace.manifest.optimizations]
        return hash_of(["report", report.VERSION, titles, artifacts])

    def _detect(self, item: Optimization, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        refs = self._workspace.refs(item.id)
        return [{**asdict(refs), "repository": None}, self._workspace.manifest.slug]

    def _scaffold(self, item: Optimization, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._templates(scaffold.TEMPLATES)]

    def _inject(self, item: Optimization, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._digest(paths.scaffold)]

    def _measure(self, item: Optimization, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._digest(paths.inject)]

    def _compare(self, item: Optimization, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._digest(paths.samples)]

    def _render(self, item: Optimization, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        artifacts = [self._digest(path) for path in (paths.detect, paths.scaffold, paths.inject, paths.compare)]
        return [*artifacts, self._templates(render.TEMPLATES)]

    def _detect_intact(self, paths: ItemPaths) -> bool:
        """See whether the benchmark in the user's work tree is still the one that detect saw."""
        seen = fields_of(paths.detect)
        tree = self._workspace.worktree
        presence = seen.get("benchmark")
        if tree is None:
            return True
        if not presence:
            layout = seen["layout"]
            name = str(seen["target"] or seen["item"]).replace(":", ".").rpartition(".")[2]
            return not (tree / layout["benchmarks_root"] / f"test_benchmark_{name}.py").exists()
        return bool(_blob(tree / presence["path"]) == presence["worktree"])

    def _scaffold_intact(self, paths: ItemPaths) -> bool:
        """See whether the benchmark's bytes are still those that scaffold recorded."""
        made = fields_of(paths.scaffold)
        if made.get("origin") not in {"generated", "edited"}:
            return True
        return bool(_sha256(paths.folder / made["source"]) == made["sha256"])

    def _render_intact(self, paths: ItemPaths) -> bool:
        return paths.folder.joinpath(fields_of(paths.render)["body"]).exists()

    def _detection(self, paths: ItemPaths) -> dict[str, Any]:
        """Give, for each stage, the hash of the detection's fields that it uses."""
        now = self._digest(paths.detect)
        known = self._detections.get(paths.detect)
        if known is None or known[0] != now:
            fields = fields_of(paths.detect)
            known = now, {stage: hash_of([fields.get(name) for name in names]) for stage, names in _DETECTION.items()}
            self._detections[paths.detect] = known
        return known[1]

    def _templates(self, names: tuple[str, ...]) -> list[str | None]:
        """Hash the templates that a stage can read, a user's own before those that prprep brings along."""
        folders = [folder for folder in (self._workspace.templates, shipped_templates()) if folder]
        return [self._digest(folder / name) for folder in folders for name in names]

    def _digest(self, path: Path) -> str | None:
        try:
            status = path.stat()
        except OSError:
            return None
        stamp = status.st_mtime_ns, status.st_size
        known = self._digests.get(path)
        if known is None or known[0] != stamp:
            known = stamp, digest(path)
            self._digests[path] = known
        return known[1]


def artifact_of(paths: ItemPaths, stage: str) -> Path:
    """Give the artifact that a stage writes."""
    path: Path = getattr(paths, "samples" if stage == "measure" else stage)
    return path


def fields_of(artifact: Path) -> dict[str, Any]:
    """Read an artifact's fields without checking them; empty where it is missing or broken."""
    try:
        fields = json.loads(artifact.read_bytes().partition(b"\n")[2])
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _blob(path: Path) -> str | None:
    """Hash a file as git does (blob, SHA-1); None where there is no file."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
