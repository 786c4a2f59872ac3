"""Virtual environments in the cache; a record written last shows that one is complete."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import ArtifactError, CommandFailedError
from ..processes.real_paths import real_path
from ..storage.artifact import Artifact
from ..storage.files import fingerprint_of
from .installer import build_error, run_uv
from .interpreters import Interpreter

RECORD = "prprep-layer.json"
_OLD_INSTALLATIONS = frozenset({".egg", ".egg-info", ".egg-link"})


class Layer(Artifact):
    """The content of a venv in the cache; the header is its key.

    `local` are folders of the tree to install with it, `produced` files that its build left in the tree; `by_path`
    means that the tree's import roots belong on PYTHONPATH; `as_of` is the date that no package is newer than.
    """

    SCHEMA = 1

    packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    produced: tuple[str, ...] = ()
    by_path: bool = False
    as_of: str = ""

    @property
    def names(self) -> set[str]:
        return {package.partition("==")[0] for package in self.packages}


def environment_folder(python: Path) -> Path | None:
    """Return the virtual or conda environment of an interpreter, None if it has none."""
    folder = python.absolute().parents[1]
    return folder if (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir() else None


def write_shims(folder: Path, python: Path) -> str:
    """Write programs that run `python`, and return the PATH that begins with them.

    pytest's own script would run in the environment of the dependencies, without the tree's project.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in {"python": "", "python3": "", "pytest": " -m pytest", "py.test": " -m pytest"}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))}{arguments} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    venv = Venv(python.parents[1])
    below = venv.required_folders() if (venv.folder / "pyvenv.cfg").exists() else ()
    own_path = os.environ.get("PATH", os.defpath)
    return os.pathsep.join([str(folder), str(python.parent), *(str(each / "bin") for each in below), own_path])


def package_differences(base: tuple[str, ...], head: tuple[str, ...], *, own: str = "") -> tuple[str, ...]:
    """Return the packages that differ between the sides, such as `numpy 1.26.4 → 2.0.0`; `own` is the project's name.

    The project's own version may differ with every commit.
    """
    before, after = (dict(package.partition("==")[::2] for package in side) for side in (base, head))
    names = sorted(name for name in before | after if before.get(name) != after.get(name) and name != own)
    return tuple(f"{name} {before.get(name, 'absent')} → {after.get(name, 'absent')}" for name in names)


@dataclass(frozen=True, slots=True)
class Venv:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return next((self.folder / "lib").glob("python*/site-packages"))

    def create(self, interpreter: Interpreter) -> None:
        """Create it empty and replace an incomplete one."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            command = ("venv", "--quiet", "--no-project", "--python", interpreter.path, self.folder)
            run_uv(command, cwd=self.folder.parent)
        except CommandFailedError as error:
            raise build_error(error, "creating a virtual environment", str(interpreter.path)) from error

    def link(self, name: str, *others: Venv) -> None:
        """Put the packages of other environments behind its own, by a .pth file."""
        lines = [f"import site; site.addsitedir({str(other.site_packages)!r})\n" for other in others]
        (self.site_packages / name).write_text("".join(lines), encoding="utf-8")

    def describe(self, name: str, version: str) -> None:
        """Write the metadata of a distribution whose code is elsewhere on the path."""
        if not name:
            return
        folder = self.site_packages / f"{canonicalize_name(name).replace('-', '_')}-{version}.dist-info"
        folder.mkdir(exist_ok=True)
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / "METADATA").write_text(text, encoding="utf-8")
        (folder / "RECORD").write_text("", encoding="utf-8")

    def cached_layer(self, key: str) -> Layer | None:
        """Return its layer and mark it as used; None if it has to be created."""
        record = self.folder / RECORD
        if fingerprint_of(record) != key or not self.python.exists():
            return None
        try:
            layer = Layer.read(record)
        except ArtifactError:
            return None
        record.touch()
        return layer

    def finish(self, key: str, layer: Layer) -> Layer:
        complete = layer.model_copy(update={"packages": self.packages()})
        complete.write(self.folder / RECORD, key)
        return complete

    def packages(self) -> tuple[str, ...]:
        """Return `name==version` of the installed packages, with normalized names.

        Today's installers put both into the names of folders, where uv reads them, too. Environments of other tools may
        have older kinds of installations, for which it is asked.
        """
        entries = list(self.site_packages.iterdir())
        installed = [entry.stem.partition("-") for entry in entries if entry.suffix == ".dist-info"]
        try:
            packages = [(canonicalize_name(name, validate=True), Version(version)) for name, _, version in installed]
        except (InvalidName, InvalidVersion):
            return self._listed_packages()
        if any(entry.suffix in _OLD_INSTALLATIONS for entry in entries):
            return self._listed_packages()
        # Only the fallback needs pip.
        return tuple(sorted(f"{name}=={version}" for name, version in packages if name != "pip"))

    def _listed_packages(self) -> tuple[str, ...]:
        listed = run_uv(["pip", "list", "--quiet", "--format", "json", "--python", self.python], cwd=self.folder)
        packages = (package for package in json.loads(listed or "[]") if package["name"] != "pip")
        return tuple(sorted(f"{canonicalize_name(package['name'])}=={package['version']}" for package in packages))

    def names(self) -> set[str]:
        return {package.partition("==")[0] for package in self.packages()}

    def uninstall(self, names: Iterable[str]) -> None:
        if gone := sorted(names):
            run_uv(["pip", "uninstall", "--quiet", "--python", self.python, *gone], cwd=self.folder)

    def installed_folders(self) -> dict[str, Path]:
        """Return the distributions that were installed from a folder (PEP 610)."""
        folders = {}
        for record in self.site_packages.glob("*.dist-info/direct_url.json"):
            origin = json.loads(record.read_text(encoding="utf-8"))
            if "dir_info" in origin:
                name = record.parent.name.partition("-")[0].replace("_", "-").lower()
                folders[name] = real_path(unquote(urlsplit(origin["url"]).path))
        return folders

    def required_folders(self) -> tuple[Path, ...]:
        """Return the folders that its interpreter reads: its own, the linked ones, and those of the base Python."""
        links = "".join(path.read_text(encoding="utf-8") for path in sorted(self.site_packages.glob("*.pth")))
        literals = re.findall(r"site\.addsitedir\(('[^']*'|\"[^\"]*\")\)", links)
        linked = [Path(ast.literal_eval(literal)) for literal in literals]
        settings = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        homes = [Path(home) for home in re.findall(r"(?m)^home\s*=\s*(\S.*?)\s*$", settings)]
        bases = (home.parent for home in (*homes, real_path(self.python).parent))
        return tuple(dict.fromkeys((self.folder, *(folder.parents[2] for folder in linked), *bases)))

    def write(self, name: str, lines: Iterable[str]) -> Path:
        file = self.folder / name
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file
