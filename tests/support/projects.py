"""Small projects, as their files."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tasks.project.files import FolderTree, Project
from tests.support.targets import TargetRepo

HATCHLING = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
FLIT = '[build-system]\nrequires = ["flit_core>=3.11"]\nbuild-backend = "flit_core.buildapi"\n'
"""Builds in a quarter of the time of the others."""
POETRY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
PROJECT = '[project]\nname = "pages"\nversion = "1.5"\n'


def project(folder: Path, files: dict[str, str]) -> Project:
    return Project(FolderTree(TargetRepo(folder, files).path))


class Files(dict):
    """A tree of literal texts."""

    def files(self):
        return tuple(sorted(self))

    def read(self, path):
        text = self.get(path)
        return None if text is None else dedent(text).encode()
