"""Say what a stage's artifact must have been made from to be fresh.

A fingerprint covers the stage's version, exactly the settings that the stage uses, what refs name now, and
the content of the files it reads; of `detect.json` only the fields that the stage looks at, so that a new
title renders the body again and measures nothing.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from . import __version__
from .facts import Fact, Facts
from .files import hash_of
from .versions import REPORT, STAGES, TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path

    from .paths import ItemPaths
    from .workspace import Workspace

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


# What is asked of an artifact again and again; the rest of its fields is not kept in mind.
_ASKED = {
    "detect.json": ("item", "target", "benchmark"),
    "scaffold.json": ("needs", "origin", "source", "sha256"),
    "render.json": ("body",),
}
_WAITING = {"inject", "measure", "compare", "render"}


class Freshness:
    """Fingerprints of all items of one workspace, each file read once while it stays the same."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._facts = Facts(workspace.paths.state / "facts.json", _distil, f"{__version__} {hash_of([_DETECTION, _ASKED])}")
        self._templates_of: dict[str, list[str]] = {}

    def fingerprint(self, stage: str, item_id: str) -> str:
        """Hash what `stage` would be made from now."""
        paths = self._workspace.paths.item(item_id)
        settings = self._workspace.plan.items[item_id]
        parts: list[Any] = [stage, STAGES[stage], {name: settings[name] for name in _ITEM[stage]}]
        if stage in _DETECTION:
            detection = self._fact(paths.detect)
            parts.append(detection.fields.get(stage) if detection else None)
        parts += getattr(self, f"_{stage}")(item_id, paths)
        return hash_of(parts)

    def is_fresh(self, stage: str, item_id: str) -> bool:
        """Say whether the stage's artifact is there, was made from this, and its products are as it left them.

        While a person has to fill in the benchmark, there is nothing to do after scaffold.
        """
        paths = self._workspace.paths.item(item_id)
        if stage in _WAITING and self.waits(item_id):
            return True
        made = self._fact(artifact_of(paths, stage))
        if made is None or made.fingerprint is None or made.fingerprint != self.fingerprint(stage, item_id):
            return False
        intact = getattr(self, f"_{stage}_intact", None)
        return intact is None or bool(intact(paths, made.fields))

    def waits(self, item_id: str) -> bool:
        """Say whether a person has to complete the item's benchmark before it can be measured."""
        paths = self._workspace.paths.item(item_id)
        made = self._fact(paths.scaffold)
        return bool(made and made.fields.get("needs")) and made is not None and self._scaffold_intact(paths, made.fields)

    def recorded_body(self, item_id: str) -> str | None:
        """Give the body that the item had last, relative to the manifest's folder."""
        made = self._fact(self._workspace.paths.item(item_id).render)
        return made.fields.get("body") if made else None

    def report_fingerprint(self) -> str:
        """Hash all that the report is made from."""
        artifacts = [
            self._digest(path)
            for item_id in self._workspace.plan.items
            for paths in (self._workspace.paths.item(item_id),)
            for path in (paths.detect, paths.scaffold, paths.compare, paths.render, paths.failure)
        ]
        titles = [(item_id, settings["title"]) for item_id, settings in self._workspace.plan.items.items()]
        return hash_of(["report", REPORT, titles, artifacts])

    def save(self) -> None:
        """Keep for the next run what is known of the files."""
        self._facts.save()

    def _detect(self, item_id: str, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        refs = self._workspace.refs(item_id)
        return [refs.address, refs.upstream_ref, refs.upstream, refs.base, refs.head, refs.picks, self._workspace.plan.top["slug"]]

    def _scaffold(self, item_id: str, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._templates("scaffold")]

    def _inject(self, item_id: str, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._digest(paths.scaffold)]

    def _measure(self, item_id: str, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._digest(paths.inject)]

    def _compare(self, item_id: str, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        return [self._digest(paths.samples)]

    def _render(self, item_id: str, paths: ItemPaths) -> list[Any]:  # noqa: ARG002
        artifacts = [self._digest(path) for path in (paths.detect, paths.scaffold, paths.inject, paths.compare)]
        return [*artifacts, self._templates("render")]

    def _detect_intact(self, paths: ItemPaths, seen: dict[str, Any]) -> bool:  # noqa: ARG002
        """See whether the benchmark in the user's work tree is still the one that detect saw."""
        tree, presence = self._workspace.worktree, seen.get("benchmark")
        return tree is None or not presence or bool(_blob(tree / presence["path"]) == presence["worktree"])

    def _scaffold_intact(self, paths: ItemPaths, made: dict[str, Any]) -> bool:
        """See whether the benchmark's bytes are still those that scaffold recorded."""
        return made.get("origin") not in {"generated", "edited"} or bool(_sha256(paths.folder / made["source"]) == made["sha256"])

    def _render_intact(self, paths: ItemPaths, made: dict[str, Any]) -> bool:
        return os.path.exists(f"{paths.folder}/{made.get('body')}")  # noqa: PTH110 - asked for every item of a run

    def _templates(self, stage: str) -> list[str]:
        """Hash every template that a stage can read, those that a template includes among them; once a run."""
        if stage not in self._templates_of:
            from .templating import used  # noqa: PLC0415 - not for a graph of other stages

            files = sorted({path for name in TEMPLATES[stage] for path in used(name, self._workspace.templates)})
            self._templates_of[stage] = [str(self._digest(path)) for path in files]
        return self._templates_of[stage]

    def _digest(self, path: Path) -> str | None:
        fact = self._fact(path)
        return fact.digest if fact else None

    def _fact(self, path: Path) -> Fact | None:
        return self._facts.of(str(path))


def artifact_of(paths: ItemPaths, stage: str) -> Path:
    """Give the artifact that a stage writes."""
    path: Path = getattr(paths, "samples" if stage == "measure" else stage)
    return path


def _distil(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Keep of an artifact what freshness asks; of a detection, for each stage, the hash of the fields it uses."""
    kept = {key: fields.get(key) for key in _ASKED.get(name, ())}
    if name == "detect.json":
        kept |= {stage: hash_of([fields.get(key) for key in names]) for stage, names in _DETECTION.items()}
    return kept


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
