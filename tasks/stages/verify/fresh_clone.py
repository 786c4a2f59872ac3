"""Stand in the place of somebody who reads a pull request: a fresh clone, fresh environments, and the commands that they are given."""

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...artifacts import Layout, RunCommand
from ...bench.request import SideRequest
from ...bench.workers import sandbox
from ...bench.workers.workers import WORKER_FOLDER
from ...environments import builder, shims
from ...environments.installer import uv_program
from ...environments.package_indexes import uv_variables
from ...environments.venvs import Venv
from ...git import standalone
from ...manifest.model import Optimization
from ...processes import programs
from ...processes.progress import Report
from ...storage.paths import MANIFEST_NAME
from ...workspace import nested

TAIL_LINES: Final = 15
_MANAGERS: Final = ("poetry", "pdm", "hatch")
# The first command that fails is kept for the report; the commands themselves are run as they stand.
_SCRIPT: Final = """\
trap '[ -e "$PRPREP_FAILED" ] || printf "%s" "$BASH_COMMAND" >"$PRPREP_FAILED"' ERR
eval "$PRPREP_COMMANDS"
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader's place below `folder`: the clone in which they stand, and a cache and programs of their own.

    `python` is the Python that they have the project's dependencies in, None where a runner such as uv sees to that.
    """

    folder: Path
    item: Optimization
    report: Report
    python: Path | None = None

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def save(self, path: str, content: bytes) -> None:
        """Put a file into the clone, as the body asks for."""
        place = self.clone / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def save_manifest(self, text: str) -> None:
        self.save(MANIFEST_NAME, text.encode())

    def run(self, commands: str, *, seconds: float) -> RunCommand:
        """Run one block of commands by bash in the clone; it ends with the first that fails."""
        failed, temporary = self.folder / "failed", self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        failed.unlink(missing_ok=True)
        wrapper = () if _are_prpreps(commands) else self._confinement()
        told = {**self._environment(commands), "PRPREP_COMMANDS": commands, "PRPREP_FAILED": str(failed)}
        words = (*wrapper, "bash", "-eEuo", "pipefail", "-c", _SCRIPT)
        with programs.start(words, cwd=self.clone, env=told) as running:
            code, said = nested.followed(running, timeout=seconds, report=self.report)
        if code == 0:
            return RunCommand(text=commands, code=0)
        broken = (
            failed.read_text(encoding="utf-8", errors="replace")
            if failed.exists()
            else commands.strip().splitlines()[0]
        )
        tail = "\n".join(self._plain(said).splitlines()[-TAIL_LINES:])
        return RunCommand(text=commands, code=code, failed=self._plain(broken), tail=tail)

    def _environment(self, commands: str) -> dict[str, str]:
        """Return the environment of the target's code; prprep itself, which gives it no more than that, gets what uv needs."""
        path = (
            shims.write_shims(self.bin, self.python)
            if self.python
            else f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        )
        own = {"PATH": path, "TMPDIR": str(self.folder / "tmp"), **_of_uv(self.folder), **standalone.reader_variables()}
        if _are_prpreps(commands):
            return programs.installer_environment(own)
        confined = {"HOME": sandbox.HOME, "TMPDIR": "/tmp"} if self.item.sandbox == "bwrap" else {}  # noqa: S108 - one of its own
        return programs.target_environment({**own, **confined}, passed=self.item.env.passed)

    def _confinement(self) -> tuple[str, ...]:
        if self.item.sandbox != "bwrap":
            return ()
        seen = Venv(self.python.parents[1]).required_folders() if self.python else ()
        objects = (Path(place) for place in standalone.borrowed_objects(self.clone))
        place = SideRequest(
            self.folder, self.python or Path("/usr/bin/python3"), (), confined=True, environments=(*seen, *objects)
        )
        return sandbox.wrapper(place, self.clone, worker=WORKER_FOLDER)

    def _plain(self, text: str) -> str:
        """Spell places as a reader sees them, without those of this machine."""
        for folder in (self.clone, self.folder):
            for spelled in {os.path.realpath(folder), str(folder)}:
                text = text.replace(f"{spelled}/", "").replace(spelled, ".")
        return text


def settle(
    folder: Path,
    private: Path,
    commits: tuple[str, str],
    *,
    item: Optimization,
    layout: Layout,
    packages: tuple[str, ...],
    report: Report,
) -> Reader:
    """Clone, with a work tree of the first of the commits, and make the programs that the commands need.

    `packages` are what a reader has to have beside the project, where no runner installs it: then there is a Python with both and
    with the project of the second commit. Raise PrprepError.
    """
    reader = Reader(folder, item, report)
    report("cloning for a reader")
    standalone.clone_for_reader(private, reader.clone, commits[0])
    nested.program(reader.bin, reader.cache)
    _link(reader.bin / "uv", uv_program())
    for name in _MANAGERS:
        if shutil.which(name) is None:
            (reader.bin / name).write_text(f'#!/bin/sh\nexec uv tool run {shlex.quote(name)} "$@"\n', encoding="utf-8")
            (reader.bin / name).chmod(0o755)
    if not packages:
        return reader
    report("a reader's environment")
    standalone.clone_for_reader(private, folder / "project", commits[1])
    settings = item.env.model_copy(update={"install": (*item.env.install, *packages)})
    built = builder.build(folder / "project", layout, settings, cache=reader.cache, report=report)
    return Reader(folder, item, report, built.python)


def _are_prpreps(commands: str) -> bool:
    """Return whether a block holds nothing but commands of prprep's."""
    lines = [line.strip() for line in commands.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return all(line.startswith("prprep ") and not set(line) & set(";&|`$()<>") for line in lines)


def _of_uv(folder: Path) -> dict[str, str]:
    """Return uv the user's own indexes, as far as that needs no password, and a place of its own for tools."""
    told = {
        name: value
        for name, value in uv_variables(os.environ, Path.home()).items()
        if not programs.is_secret(name, value)
    }
    return {**told, "UV_PYTHON_DOWNLOADS": "never", "UV_TOOL_DIR": str(folder / "tools")}


def _link(name: Path, program: str) -> None:
    if program and not name.exists():
        name.symlink_to(program)
