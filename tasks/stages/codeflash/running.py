"""Run codeflash in a repository made for it, with a time limit, and remove everything that it leaves."""

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
from ...storage.files import read_regular
from . import command, witness
from .configuration import Configuration, configure

REPORT = "report.md"


@dataclass(frozen=True, slots=True)
class CodeflashRequest:
    """What codeflash compares: two commits of the clone, `files` written over both, and how."""

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


@dataclass(frozen=True, slots=True)
class CodeflashOutcome:
    """How a run ended: `code` is None if it was stopped, `output` both streams, `markdown` None without a report."""

    flags: tuple[str, ...]
    variables: Mapping[str, str]
    configuration: str
    code: int | None
    output: str
    markdown: str | None
    processes: tuple[witness.PytestProcess, ...]
    limit: float


def compare(request: CodeflashRequest, clone: Clone, *, venv: Venv, folder: Path) -> CodeflashOutcome:
    """Run `codeflash compare` in `folder`, which is removed afterwards; raise PrprepError only if it cannot start."""
    with _emptied(folder):
        project = _repository(request, folder / "repository", clone)
        functions = command.functions(request.functions, request.layout, project.module_root)
        flags = command.flags(request.metrics, request.timeout, injected=sorted(request.files), functions=functions)
        variables = command.variables(request.metrics, request.layout.import_roots)
        limit = command.longest(request.metrics, request.timeout)
        code, output = _run(request, folder, venv=venv, flags=flags, variables=variables, limit=limit)
        content = read_regular(folder / "results" / REPORT)
        markdown = None if content is None else content.decode(errors="replace")
        processes = witness.read(folder / "results")
    return CodeflashOutcome(flags, variables, project.added, code, output, markdown, processes, limit)


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """Lock the folder, empty it before and after: codeflash leaves worktrees and trace databases in it."""
    clear(folder.parent)
    with file_lock(folder.with_suffix(".lock"), busy=None):
        remove_folder(folder)
        for name in ("home", "results"):
            (folder / name).mkdir(parents=True)
        try:
            yield
        finally:
            remove_folder(folder)


def clear(parent: Path) -> None:
    """Remove what killed runs left in a folder, except what another run has locked."""
    for folder in [path for path in parent.glob("*") if path.is_dir()]:
        if folder.name.startswith(".removed-"):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        with suppress(BusyError), file_lock(folder.with_suffix(".lock"), busy="in use"):
            remove_folder(folder)


def _repository(request: CodeflashRequest, repository: Path, clone: Clone) -> Configuration:
    """Check out head, where codeflash looks up what changed, with the injected files and its configuration."""
    clone.create_standalone(repository, request.head, request.base)
    for path, content in request.files.items():
        write_into(repository, path, content)
    file = repository / request.layout.project / "pyproject.toml"
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError):
        raise PrprepError("pyproject.toml cannot be read", where=request.layout.project, hint="correct it") from None
    configuration = configure(text, request.layout, request.benchmark)
    if configuration.added:
        write_into(repository, str(file.relative_to(repository)), configuration.text.encode())
    return configuration


def _run(
    request: CodeflashRequest,
    folder: Path,
    *,
    venv: Venv,
    flags: tuple[str, ...],
    variables: Mapping[str, str],
    limit: float,
) -> tuple[int | None, str]:
    """Return the exit code and the output; the code is None if it took longer than `limit` seconds."""
    repository, results = folder / "repository", folder / "results"
    project = repository / request.layout.project
    side = SideRequest(
        repository,
        venv.python,
        passed=request.passed,
        confined=request.confined,
        environments=(*_environments(venv), *object_stores(repository / ".git")) if request.confined else (),
    )
    wrapper = sandbox.wrapper(side, project, worker=WORKER_FOLDER, writable=(folder / "home", results))
    codeflash: tuple[str | Path, ...] = (venv.python, "-m", "codeflash.main", "compare", request.base, request.head)
    arguments = (*wrapper, *codeflash, *flags, "--output", results / REPORT)
    environment = _environment(request, folder, venv, variables)
    try:
        finished = programs.run(arguments, cwd=project, env=environment, timeout=limit, check=False)
    except CommandFailedError as error:
        return None, f"{error.error}\n{error.output}".strip() or error.what
    return finished.code, f"{finished.error}\n{finished.output}"


def _environments(venv: Venv) -> Iterator[Path]:
    """Yield the folders of an environment and of those below it."""
    for folder in venv.required_folders():
        yield folder
        if folder != venv.folder and (folder / "pyvenv.cfg").exists():
            yield from _environments(Venv(folder))


def _environment(request: CodeflashRequest, folder: Path, venv: Venv, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the project's code with a home of its own, unwrapped output lines, and our plugin."""
    home = str(folder / "home")
    return programs.project_environment(
        {
            **git_variables(),
            **variables,
            "HOME": home,
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_CACHE_HOME": f"{home}/.cache",
            "TMPDIR": home,
            "NO_COLOR": "1",
            "TERM": "dumb",
            "COLUMNS": "1000",
            **witness.variables(folder / "results", request.layout.packages),
            "PYTHONPATH": os.pathsep.join(filter(None, (variables.get("PYTHONPATH", ""), str(WORKER_FOLDER)))),
            "PATH": f"{venv.python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        },
        passed=request.passed,
    )
