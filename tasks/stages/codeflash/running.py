"""Run codeflash in a repository made for it, bounded in time, and take away all that it leaves."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...artifacts import ChangedFunction, Layout
from ...bench.request import SideRequest
from ...bench.trees import write_into
from ...bench.workers import sandbox
from ...bench.workers.workers import WORKER_FOLDER
from ...environments.venvs import Venv
from ...errors import BusyError, CommandFailedError, PrprepError
from ...git import Clone
from ...git.standalone import git_variables, object_stores
from ...manifest.model import Metric
from ...processes import programs
from ...processes.locks import file_lock
from ...processes.scratch import remove_folder
from . import command, witness
from .configuration import Configured, configured

REPORT = "report.md"


@dataclass(frozen=True, slots=True)
class Asked:
    """What codeflash is to compare: two commits of the clone, files that are written over both, and how."""

    base: str
    head: str
    files: Mapping[str, bytes]
    benchmark: str
    layout: Layout
    metrics: tuple[Metric, ...]
    timeout: float | None = None
    functions: tuple[ChangedFunction, ...] = ()
    passed: tuple[str, ...] = ()
    confined: bool = False

    @property
    def import_roots(self) -> tuple[str, ...]:
        return self.layout.import_roots


@dataclass(frozen=True, slots=True)
class Place:
    """Where it runs: a folder of its own, which is gone afterwards, and the environment that has codeflash in it."""

    folder: Path
    venv: Venv


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of it. `code` is None where it was stopped, `written` what it wrote to its streams, `markdown` None without a file."""

    flags: tuple[str, ...]
    variables: Mapping[str, str]
    configuration: str
    code: int | None
    written: str
    markdown: str | None
    witnesses: tuple[witness.Witness, ...]
    limit: float


def compare(asked: Asked, place: Place, clone: Clone) -> Ran:
    """Run `codeflash compare`; what goes wrong with it is in what is given. Raise PrprepError where it cannot even be started."""
    with _own(place.folder):
        project = _repository(asked, place.folder / "repository", clone)
        functions = command.functions(asked.functions, asked.layout, project.module_root)
        flags = command.flags(asked.metrics, asked.timeout, injected=sorted(asked.files), functions=functions)
        given = command.variables(asked.metrics, asked.import_roots)
        limit = command.longest(asked.metrics, asked.timeout)
        code, written = _run(asked, place, flags=flags, given=given, limit=limit)
        report = place.folder / "results" / REPORT
        markdown = report.read_text(encoding="utf-8", errors="replace") if report.is_file() else None
        seen = witness.read(place.folder / "results")
    return Ran(flags, given, project.added, code, written, markdown, seen, limit)


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Hold the folder, begin with nothing in it, and leave nothing: worktrees and trace databases lie below it."""
    clear(folder.parent)
    with file_lock(folder.with_suffix(".lock"), busy=None):
        remove_folder(folder)
        for name in ("home", "results"):
            (folder / name).mkdir(parents=True)
        try:
            yield
        finally:
            remove_folder(folder)


def clear(place: Path) -> None:
    """Remove what runs that were killed have left at a place, but for what somebody holds."""
    for folder in [path for path in place.glob("*") if path.is_dir()]:
        if folder.name.startswith(".removed-"):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        with suppress(BusyError), file_lock(folder.with_suffix(".lock"), busy="in use"):
            remove_folder(folder)


def _repository(asked: Asked, repository: Path, clone: Clone) -> Configured:
    """Check head out, since codeflash looks up in the work tree what changed, with what is injected and what it needs of configuration."""
    clone.create_standalone(repository, asked.head)
    for path, content in asked.files.items():
        write_into(repository, path, content)
    file = repository / asked.layout.project / "pyproject.toml"
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError):
        raise PrprepError("pyproject.toml cannot be read", where=asked.layout.project, hint="correct it") from None
    made = configured(text, asked.layout, asked.benchmark)
    if made.added:
        write_into(repository, str(file.relative_to(repository)), made.text.encode())
    return made


def _run(
    asked: Asked, place: Place, *, flags: tuple[str, ...], given: Mapping[str, str], limit: float
) -> tuple[int | None, str]:
    """Return the exit code and what was written, None where it took longer than `limit` seconds."""
    folder = place.folder / "repository" / asked.layout.project
    results = place.folder / "results"
    words: tuple[str | Path, ...] = (
        "-m",
        "codeflash.main",
        "compare",
        asked.base,
        asked.head,
        *flags,
        "--output",
        results / REPORT,
    )
    side = SideRequest(
        place.folder / "repository",
        place.venv.python,
        passed=asked.passed,
        confined=asked.confined,
        environments=(*_environments(place.venv), *object_stores(place.folder / "repository" / ".git"))
        if asked.confined
        else (),
    )
    confined = sandbox.wrapper(side, folder, worker=WORKER_FOLDER, writable=(place.folder / "home", results))
    environment = _environment(asked, place, given)
    try:
        finished = programs.run(
            (*confined, place.venv.python, *words), cwd=folder, env=environment, timeout=limit, check=False
        )
    except CommandFailedError as error:
        return None, f"{error.error}\n{error.output}".strip() or error.what
    return finished.code, f"{finished.error}\n{finished.output}"


def _environments(venv: Venv) -> Iterator[Path]:
    """Yield the folders of an environment and of those that it stands on."""
    for folder in venv.required_folders():
        yield folder
        if folder != venv.folder and (folder / "pyvenv.cfg").exists():
            yield from _environments(Venv(folder))


def _environment(asked: Asked, place: Place, given: Mapping[str, str]) -> dict[str, str]:
    """Return the target's environment with a home of its own, wide lines to be read, and our plugin."""
    home = place.folder / "home"
    path = os.pathsep.join(filter(None, (given.get("PYTHONPATH", ""), str(WORKER_FOLDER))))
    own = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "TMPDIR": str(home),
    }
    shown = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "1000"}
    search_path = f"{place.venv.python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    seen = witness.variables(place.folder / "results", asked.layout.packages)
    extra = {**git_variables(), **given, **own, **shown, **seen, "PYTHONPATH": path, "PATH": search_path}
    return programs.target_environment(extra, passed=asked.passed)
