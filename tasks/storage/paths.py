"""Every file name that prprep reads or writes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..processes.real_paths import real_path

if TYPE_CHECKING:
    from .artifact import Artifact

A = TypeVar("A", bound="Artifact")

MANIFEST_NAME = "prprep.yaml"
STATE_FOLDER = ".prprep"
TEMPLATES_FOLDER = "templates"
PROFILES = "profiles"
"""The folder for memory profiles and flame graphs, below an item's state."""


def cache_folder() -> Path:
    """Return the folder for clones, trees and environments: PRPREP_CACHE, else the user's cache.

    By its real path, and so are the folders in it that may be links to a larger disk: Python names modules by both.
    """
    if named := os.environ.get("PRPREP_CACHE"):
        return real_path(named)
    from platformdirs import user_cache_path

    return real_path(user_cache_path("prprep", appauthor=False))


def shipped_templates() -> Path:
    """Return the folder of prprep's own templates: next to the package in a checkout, inside it when installed."""
    package = Path(__file__).parents[1]
    inside = package / TEMPLATES_FOLDER
    return inside if inside.is_dir() else package.parent / TEMPLATES_FOLDER


def _state_file(name: str) -> cached_property[Path]:
    return cached_property(lambda paths: paths.state / name)


@dataclass(frozen=True)
class ProjectPaths:
    """The folders and files of one manifest: prprep's state, and what the user gets."""

    manifest: Path
    output: Path

    table = _state_file("report.json")
    """The report's table as a terminal shows it."""
    forge = _state_file("forge.json")
    """Cached answers of GitHub; may be lost without harm."""

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
    def page(self) -> Path:
        return self.output / "report.html"

    @cached_property
    def _items(self) -> dict[str, ItemPaths]:
        return {}

    def item(self, item_id: str) -> ItemPaths:
        if item_id not in self._items:
            self._items[item_id] = ItemPaths(item_id, self.state / item_id, self.output)
        return self._items[item_id]


def relative_path(path: str | Path, folder: str | Path) -> str:
    """Return a path relative to a folder, also outside of it (`../x`), with forward slashes on every system."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def with_relative_paths(text: str, *folders: Path) -> str:
    """Make paths in a text relative to these folders, so that it says nothing about this machine."""
    names = {name for folder in folders for name in (os.path.realpath(folder), str(folder))}
    # A longer name may end with a shorter one: /private/tmp is the real path of /tmp.
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"{re.escape(name)}(/|(?![\w.-]))", lambda match: "" if match[1] else ".", text)
    return text


def file_stem(stage: str) -> str:
    """Return the name of a stage's artifact, without its ending."""
    return "samples" if stage == "measure" else stage


@dataclass(frozen=True)
class ItemPaths:
    """The artifacts of one optimization, and its files below the output folder."""

    id: str
    state: Path
    output: Path

    detect = _state_file("detect.json")
    survey = _state_file("survey.json")
    record = _state_file("record.json")
    scaffold = _state_file("scaffold.json")
    inject = _state_file("inject.json")
    lint = _state_file("lint.json")
    tests = _state_file("tests.json")
    samples = _state_file("samples.json")
    codeflash = _state_file("codeflash.json")
    compare = _state_file("compare.json")
    verify = _state_file("verify.json")
    summarize = _state_file("summarize.json")
    render = _state_file("render.json")
    branch = _state_file("branch.json")
    opened = _state_file("opened.json")
    page = _state_file("page.json")
    """The item's part of report.html."""
    failure = _state_file("failure.json")
    made_from = _state_file("made-from.json")
    """What each artifact was made from, by names that users know, for `explain`."""
    times = _state_file("times.json")
    """The seconds that each stage took when it last ran."""
    spans = _state_file("spans.json")
    """When each stage last ran, and when something was measured in it: spans in seconds since the epoch, as `Spans`."""
    branch_folder = _state_file("branch")
    """The folder from which the branch is measured: a manifest of its own."""
    profiles = _state_file(PROFILES)
    log = _state_file("log.txt")

    @cached_property
    def folder(self) -> Path:
        """The manifest's folder."""
        return self.state.parents[1]

    def file(self, stage: str) -> str:
        """Return the path of a stage's artifact as a string: a run asks for tens of thousands."""
        return f"{self.state}/{file_stem(stage)}.json"

    def artifact(self, stage: str) -> Path:
        return Path(self.file(stage))

    def body(self, function: str) -> Path:
        return self.output / f"pr-body-{function}.md"

    def read(self, model: type[A]) -> A:
        """Read an artifact, whatever a stage declares; raise ArtifactError if it is missing or broken."""
        return model.read(self.artifact(model.STAGE))
