"""Every file name that prprep reads or writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MANIFEST_NAME = "prprep.yaml"
STATE_FOLDER = ".prprep"
TEMPLATES_FOLDER = "templates"
PROFILES = "profiles"
"""The folder for memory profiles and flame graphs, below an item's state."""


def cache_folder() -> Path:
    """Return the folder for clones, trees and environments: PRPREP_CACHE, else the user's cache."""
    if named := os.environ.get("PRPREP_CACHE"):
        return Path(named).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("prprep", appauthor=False)


def shipped_templates() -> Path:
    """Return the folder of prprep's own templates: next to the package in a checkout, inside it when installed."""
    package = Path(__file__).parents[1]
    inside = package / TEMPLATES_FOLDER
    return inside if inside.is_dir() else package.parent / TEMPLATES_FOLDER


@dataclass(frozen=True)
class ProjectPaths:
    """The folders and files of one manifest: prprep's state, and what the user gets."""

    manifest: Path
    output: Path

    @cached_property
    def folder(self) -> Path:
        return self.manifest.parent

    @cached_property
    def state(self) -> Path:
        return self.folder / STATE_FOLDER

    @cached_property
    def report(self) -> Path:
        return self.output / "report.md"

    @cached_property
    def table(self) -> Path:
        """The report's table as a terminal shows it."""
        return self.state / "report.json"

    @cached_property
    def forge(self) -> Path:
        """Cached answers of GitHub; may be lost without harm."""
        return self.state / "forge.json"

    @cached_property
    def _items(self) -> dict[str, ItemPaths]:
        return {}

    def item(self, item_id: str) -> ItemPaths:
        if item_id not in self._items:
            self._items[item_id] = ItemPaths(item_id, self.state / item_id, self.output)
        return self._items[item_id]


def file_stem(stage: str) -> str:
    """Return the name of a stage's artifact, without its ending."""
    return "samples" if stage == "measure" else stage


def _artifact(stage: str) -> cached_property[Path]:
    return cached_property(lambda paths: paths.artifact(stage))


@dataclass(frozen=True)
class ItemPaths:
    """The artifacts of one optimization, and its files below the output folder."""

    id: str
    state: Path
    output: Path

    @cached_property
    def folder(self) -> Path:
        """The manifest's folder."""
        return self.state.parents[1]

    @cached_property
    def _prefix(self) -> str:
        return f"{self.state}{os.sep}"

    def file(self, stage: str) -> str:
        """Return the path of a stage's artifact as a string: a run asks for tens of thousands."""
        return f"{self._prefix}{file_stem(stage)}.json"

    def artifact(self, stage: str) -> Path:
        return Path(self.file(stage))

    detect = _artifact("detect")
    survey = _artifact("survey")
    record = _artifact("record")
    scaffold = _artifact("scaffold")
    inject = _artifact("inject")
    lint = _artifact("lint")
    tests = _artifact("tests")
    samples = _artifact("measure")
    codeflash = _artifact("codeflash")
    compare = _artifact("compare")
    verify = _artifact("verify")
    summarize = _artifact("summarize")
    render = _artifact("render")
    branch = _artifact("branch")
    opened = _artifact("opened")
    failure = _artifact("failure")

    @cached_property
    def branch_folder(self) -> Path:
        """The folder from which the branch is measured: a manifest of its own."""
        return self.state / "branch"

    @cached_property
    def made_from(self) -> Path:
        """What each artifact was made from, by names that users know, for `explain`."""
        return self.state / "made-from.json"

    @cached_property
    def profiles(self) -> Path:
        return self.state / PROFILES

    @cached_property
    def log(self) -> Path:
        return self.state / "log.txt"

    @cached_property
    def generated_benchmarks(self) -> Path:
        """The folder for benchmarks that prprep writes; the user's own tree stays as it is."""
        return self.output / "benchmarks"

    def body(self, function: str) -> Path:
        return self.output / f"pr-body-{function}.md"
