"""Run the body's commands as a reader of the pull request would: in a fresh clone, with fresh environments."""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from ...artifacts import RunCommand
from ...bench.request import SideRequest
from ...bench.trees import write_into
from ...bench.workers import sandbox
from ...bench.workers.workers import WORKER_FOLDER
from ...body.evidence import Evidence
from ...environments import builder
from ...environments.installer import uv_program
from ...environments.package_indexes import uv_variables
from ...environments.venvs import Venv, write_shims
from ...git import Clone, standalone
from ...manifest.model import Optimization
from ...processes import programs, secrets
from ...processes.progress import Report
from ...processes.scratch import remove_folder
from ...storage.files import read_regular
from ...storage.paths import with_relative_paths
from ...workspace import nested

TAIL_LINES: Final = 15
MOST_LINES: Final = 20_000
_MANAGERS: Final = ("poetry", "pdm", "hatch")
# Record the first command that fails; the commands themselves run unchanged.
_SCRIPT: Final = """\
trap '[ -e "$PRPREP_FAILED" ] || printf "%s" "$BASH_COMMAND" >"$PRPREP_FAILED"' ERR
eval "$PRPREP_COMMANDS"
"""

_PYTEST: Final = re.compile(r"(?<![\w.=-])pytest(?=[\s;)'\"]|$)")
_NAMES_PYTEST: Final = re.compile(r"(?:^|\s)(?:install|add|sync|echo|cat|cd|cp|git)\s")
"""Commands that have pytest as an argument, as a package or a path."""
_LOOP: Final = re.compile(r"^for side in base head;", re.MULTILINE)
_PRPREP: Final = re.compile(r"(?:uvx |pipx run )?prprep [^;&|`$()<>]*")
"""A command line that only runs prprep, however it is installed."""
_RUNS_NOTHING: Final = {"--benchmark-disable", "--version", "--help", "-h", "--collect-only", "--co", "--fixtures"}
"""Options with which pytest times nothing."""
_TABLE: Final = re.compile(r"^Name \(time in ", re.MULTILINE)
"""How pytest-benchmark begins a table; there is none for benchmarks that are disabled."""


@dataclass(frozen=True, slots=True)
class FreshClone:
    """A fresh clone below `folder`, with its own cache and programs.

    `python` has the project's dependencies installed; None if a runner such as uv installs them. In a sandbox commands
    run in a second clone, the only folder that they can change: prprep itself, which confines only the
    project's code, runs in the first one.
    """

    folder: Path
    item: Optimization
    report: Report
    python: Path | None = None

    @classmethod
    def create(
        cls, folder: Path, private: Clone, evidence: Evidence, packages: tuple[str, ...], *, report: Report
    ) -> "FreshClone":
        """Clone with a work tree of base, and provide the programs that the commands need.

        If no runner installs `packages`, which a reader needs in addition to the project, build a Python with both and
        the project of head. Raise PrprepError.
        """
        item, detection = evidence.item, evidence.detection
        fresh = cls(folder, item, report)
        report("cloning for a reader")
        source = private.tree_repository(detection.base, *(detection.picked or (detection.head,)))
        for clone in fresh.clones:
            clone.parent.mkdir(exist_ok=True)
            standalone.clone_for_reader(source, clone, detection.base, linked=clone != fresh.confined_clone)
        cache = folder / "cache"
        write_installers(fresh.bin, nested.program(fresh.bin, cache))
        uv = fresh.bin / "uv"
        if (program := uv_program()) and not uv.exists():
            uv.symlink_to(program)
        for name in _MANAGERS:
            if shutil.which(name) is None:
                _write_program(fresh.bin / name, f'exec uv tool run {shlex.quote(name)} "$@"')
        if not packages:
            return fresh
        report("a reader's environment")
        # A head of picked commits exists only in prprep's own clone.
        installed = detection.base if detection.picked else detection.head
        standalone.clone_for_reader(source, folder / "project", installed)
        settings = item.env.model_copy(update={"install": (*item.env.install, *packages)})
        measured_as_of = evidence.comparison.packages_as_of
        as_of = date.fromisoformat(measured_as_of) if measured_as_of else None
        built = builder.build(folder / "project", detection.layout, settings, cache=cache, report=report, as_of=as_of)
        return replace(fresh, python=built.python)

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def confined_clone(self) -> Path:
        return self.folder / "confined" / "clone"

    @property
    def clones(self) -> tuple[Path, ...]:
        return (self.clone, *([self.confined_clone] if self._is_confined else []))

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def _is_confined(self) -> bool:
        return self.item.sandbox == "bwrap"

    def write(self, path: str, content: bytes) -> None:
        for clone in self.clones:
            write_into(clone, path, content)

    def changes_since(self, before: Mapping[Path, Mapping[str, str]]) -> list[str]:
        """Return what commands changed in the clones since `before`."""
        after = self.states()
        return list(
            dict.fromkeys(
                what for clone in before for what in before[clone] if after[clone][what] != before[clone][what]
            )
        )

    def states(self) -> dict[Path, dict[str, str]]:
        return {clone: standalone.repository_state(clone) for clone in self.clones}

    def run(self, commands: str, *, seconds: float) -> RunCommand:
        """Run one block of commands with bash in the clone; stop at the first that fails."""
        confined = self._is_confined and not _only_runs_prprep(commands)
        clone, notes = self.confined_clone if confined else self.clone, self.folder / "notes"
        remove_folder(notes)
        for folder in (notes, self.folder / "tmp"):
            folder.mkdir(exist_ok=True)
        failed = notes / "failed"
        wrapper = self._confinement(notes) if confined else ()
        environment = {**self._environment(commands), "PRPREP_COMMANDS": commands, "PRPREP_FAILED": str(failed)}
        arguments = (*wrapper, "bash", "-eEuo", "pipefail", "-c", _SCRIPT)
        with programs.start(arguments, cwd=clone, env=environment) as running:
            code, output = nested.followed(running, timeout=seconds, report=self.report)
            everything = running.tail(MOST_LINES)
        if code == 0:
            return RunCommand(text=commands, code=0, untimed=untimed(commands, everything))
        culprit = commands.strip().splitlines()[0]
        if noted := read_regular(failed):
            culprit = noted.decode(errors="replace")
        culprit, output = (with_relative_paths(text, clone, self.folder) for text in (culprit, output))
        tail = "\n".join(output.splitlines()[-TAIL_LINES:])
        return RunCommand(text=commands, code=code, failed=culprit, tail=tail)

    def _environment(self, commands: str) -> dict[str, str]:
        """Return the environment of the project's code; for prprep, which passes on no more, with what uv needs."""
        path = f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        if self.python:
            path = write_shims(self.bin, self.python)
        # The user's own indexes, except those with a password.
        indexes = uv_variables(os.environ, Path.home())
        own = {
            "PATH": path,
            "TMPDIR": str(self.folder / "tmp"),
            **{name: value for name, value in indexes.items() if not secrets.is_secret(name, value)},
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_TOOL_DIR": str(self.folder / "tools"),
            **standalone.reader_variables(),
        }
        if _only_runs_prprep(commands):
            return programs.installer_environment(own, passed=self.item.env.passed)
        private = {"HOME": sandbox.HOME, "TMPDIR": "/tmp", "UV_TOOL_DIR": f"{sandbox.HOME}/tools"}  # noqa: S108 - its own
        confined = private if self._is_confined else {}
        return programs.project_environment({**own, **confined}, passed=self.item.env.passed)

    def _confinement(self, notes: Path) -> tuple[str, ...]:
        environments = Venv(self.python.parents[1]).required_folders() if self.python else ()
        read_only = [folder for folder in (self.bin, self.folder / "project") if folder.exists()]
        python = self.python or Path("/usr/bin/python3")
        side = SideRequest(self.confined_clone, python, (), confined=True, environments=(*environments, *read_only))
        return sandbox.wrapper(side, self.confined_clone, worker=WORKER_FOLDER, writable=(notes,))


def write_installers(folder: Path, prprep: Path) -> None:
    """Write `uvx` and `pipx`, which run this prprep instead of downloading a release."""
    installers = {
        "uvx": ('"$1" = prprep', 1, "uv tool run"),
        "pipx": ('"$1 $2" = "run prprep"', 2, "uv tool run pipx"),
    }
    for name, (is_prprep, count, others) in installers.items():
        own = f'[ {is_prprep} ] && shift {count} && exec {shlex.quote(str(prprep))} "$@"'
        _write_program(folder / name, f'{own}\nexec {others} "$@"')


def _write_program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def untimed(commands: str, output: str) -> str:
    """Return the first run of pytest among commands that should print a table of times, if one of them does not."""
    lines = (line.strip() for line in commands.splitlines())
    runs = [line for line in lines if _runs_pytest(line) and not _RUNS_NOTHING & set(line.split())]
    sides = len(_LOOP.findall(commands.partition(runs[0])[0])) + 1 if runs else 0
    return runs[0] if len(_TABLE.findall(output)) < len(runs) * sides else ""


def _runs_pytest(line: str) -> bool:
    """Return whether one of a line's commands runs pytest, instead of installing it or naming a path."""
    commands = re.split(r"&&|[;|]", re.sub(r"(?:^|\s)#.*|--with[ =]\S+", "", line))
    parts = (_PYTEST.split(command, maxsplit=1) for command in commands)
    return any(after and not _NAMES_PYTEST.search(before) for before, *after in parts)


def runs_prprep(commands: str) -> bool:
    """Return whether commands may run prprep; if in doubt, they do."""
    return "prprep" in commands


def _only_runs_prprep(commands: str) -> bool:
    lines = [line.strip() for line in commands.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return all(map(_PRPREP.fullmatch, lines))
