"""Read the files that describe a project, without running any of its code.

Paths are relative with forward slashes; the folder "" is the root.
"""

import configparser
import os
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ..errors import SourceError
from ..git import Clone
from ..processes.real_paths import real_path
from .setup_keywords import setup_keywords

VALID = "fix the file, or name commits in which it is valid"
AUXILIARY_FOLDERS = frozenset(
    {
        "asv_bench", "bench", "benchmark", "benchmarks", "bin", "build", "changelog.d", "changes", "ci", "contrib",
        "demo", "demos", "dist", "doc", "docs", "etc", "example", "examples", "extra", "fixtures", "htmlcov", "img",
        "misc", "news", "newsfragments", "node_modules", "notebooks", "perf", "requirements", "samples", "script",
        "scripts", "test", "testing", "tests", "third_party", "tool", "tools", "typings", "vendor", "venv",
    },
)  # fmt: skip
"""Folders of a project that it does not install."""


class TreeReader(Protocol):
    """One state of a repository: a commit, or a folder."""

    def files(self) -> tuple[str, ...]: ...

    def read(self, path: str, /) -> bytes | None: ...


@dataclass(frozen=True)
class CommitTree:
    """The files of a commit; they are listed once."""

    clone: Clone
    commit: str

    def files(self) -> tuple[str, ...]:
        return self._files

    def read(self, path: str, /) -> bytes | None:
        return self.clone.read(self.commit, path)

    @cached_property
    def _files(self) -> tuple[str, ...]:
        return self.clone.files(self.commit)


@dataclass(frozen=True)
class FolderTree:
    """The files below a folder, without `.git`, `__pycache__` and `.venv`; links that lead out of it are not read."""

    root: Path

    def files(self) -> tuple[str, ...]:
        return self._files

    @cached_property
    def _files(self) -> tuple[str, ...]:
        paths: list[str] = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in {".git", "__pycache__", ".venv"}]
            below = Path(folder).relative_to(self.root)
            paths += ((below / name).as_posix() for name in names if name != ".git")
        return tuple(sorted(paths))

    def read(self, path: str, /) -> bytes | None:
        file = self.root / path
        is_inside = real_path(file).is_relative_to(real_path(self.root))
        return file.read_bytes() if is_inside and file.is_file() else None


@dataclass(frozen=True)
class Project:
    """The folder of one project in a tree, and its configuration files."""

    tree: TreeReader
    folder: str = ""

    @cached_property
    def files(self) -> frozenset[str]:
        """The paths below the folder, relative to it."""
        start = f"{self.folder}/" if self.folder else ""
        return frozenset(path[len(start) :] for path in self.tree.files() if path.startswith(start))

    @cached_property
    def pyproject(self) -> Mapping[str, object]:
        return self.toml("pyproject.toml")

    @cached_property
    def setup_cfg(self) -> configparser.ConfigParser:
        return self.ini("setup.cfg")

    @cached_property
    def setup_keywords(self) -> Mapping[str, object]:
        """The keywords of `setup(...)` in setup.py, None for each that only running it would show."""
        return setup_keywords(self.tree.read(self.path("setup.py")) or b"")

    @property
    def name(self) -> str:
        """The distribution's name as its files have it, "" if none does."""
        names = (
            lookup(self.pyproject, "project", "name"),
            self.tool("poetry", "name"),
            self.setup_cfg.get("metadata", "name", fallback=""),
            self.setup_keywords.get("name"),
        )
        return next((name for name in names if isinstance(name, str) and name), "")

    @property
    def upwards(self) -> Iterator["Project"]:
        """The project, then the folders around it, up to the root of the tree."""
        return (Project(self.tree, folder) for folder in upwards(self.folder))

    def path(self, name: str) -> str:
        """Return the path from the root of the tree, "" for the root itself."""
        return normalized(posixpath.join(self.folder, name))

    def has(self, name: str) -> bool:
        return name in self.files

    def has_folder(self, name: str) -> bool:
        return any(path.startswith(f"{name}/") for path in self.files)

    def toml(self, name: str) -> Mapping[str, object]:
        """Read a TOML file, {} if there is none; raise SourceError with line and column if it is malformed."""
        path = self.path(name)
        try:
            return tomllib.loads((self.tree.read(path) or b"").decode("utf-8"))
        except UnicodeDecodeError as error:
            where = f"{path}, byte {error.start}"
            raise SourceError("this file is not UTF-8", where=where, hint="save it as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
            message, where = (match[1], f"{path}:{match[2]}:{match[3]}") if match else (str(error), path)
            what = f"this file is not valid TOML: {message}"
            raise SourceError(what, where=where, hint=VALID) from None

    def ini(self, name: str) -> configparser.ConfigParser:
        """Read an INI file, empty if there is none; raise SourceError with the line if it is malformed."""
        path, parser = self.path(name), configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string((self.tree.read(path) or b"").decode("utf-8", "replace"), source=path)
        except configparser.Error as error:
            line = getattr(error, "lineno", None) or (getattr(error, "errors", None) or [(0,)])[0][0]
            where = f"{path}:{line}" if line else path
            what, hint = "this file is not a valid INI file", VALID
            raise SourceError(what, where=where, hint=hint) from None
        return parser

    def tool(self, *keys: str) -> object:
        """Return the value at `[tool.KEYS...]` of pyproject.toml, None if there is none."""
        return lookup(self.pyproject, "tool", *keys)

    @property
    def describes_itself(self) -> bool:
        """Whether the folder's files define a project, rather than only configure tools."""
        if self.has("setup.py"):
            return True
        if self.has("setup.cfg") and self.setup_cfg.has_section("metadata"):
            return True
        return bool(self.pyproject.keys() & {"project", "build-system"}) or self.tool("poetry") is not None


def upwards(folder: str) -> Iterator[str]:
    """Yield a folder, then those around it, up to the root of the tree."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def normalized(path: str) -> str:
    """Return a path without `.` and inner `..`; the root is ""."""
    path = posixpath.normpath(path)
    return "" if path == "." else path


def is_outside(path: str) -> bool:
    """Return whether a path leads out of the folder that it is relative to."""
    return normalized(path).startswith(("/", "../")) or normalized(path) == ".."


def lookup(table: object, *keys: str) -> object:
    """Walk down nested tables; return None if a key is missing."""
    for key in keys:
        if not isinstance(table, Mapping):
            return None
        table = table.get(key)
    return table


def strings(value: object) -> tuple[str, ...]:
    """Return the strings of a list, or the words of one string."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list | tuple) else ()
