"""Work out how a reader repeats a comparison: a manifest for prprep, and plain pytest in two worktrees."""

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Any

import yaml

from ..artifacts import (
    SIDES,
    CodeflashRun,
    Detection,
    Injection,
    MetricName,
    Scaffolding,
    Side,
    claimed_domains,
    optimized_function,
)
from ..manifest.model import Optimization
from .evidence import Evidence

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

# These runners install each worktree for themselves; any other Python gets the worktree's code by PYTHONPATH.
_PREPARED = {
    "uv": (),
    "poetry": ("poetry install", "poetry run python -m pip install {packages}"),
    "pdm": ("pdm install", "pdm run python -m ensurepip", "pdm run python -m pip install {packages}"),
    "hatch": ("hatch run pip install {packages}",),
}
_BUILD_FOLDERS = frozenset({"build", "_build", "_skbuild", "builddir", "target"})
_NO_NETWORK = (
    "they would have to build each side, which needs the network, "
    "and prprep ran the project's code in a sandbox without it"
)
_OF_SEVERAL = "pytest-memray measures the memory of one process, and here several work together"
# Settings that the manifest for readers sets itself, or that do not affect the comparison.
_NOT_REPEATED = {
    *("id", "base", "head", "commits", "functions", "benchmark", "domain", "repo", "upstream", "slug", "push", "pr"),
    *("title", "summary", "details", "charts", "template", "summarize", "tests", "tests_timeout", "verify", "engine"),
    *("commit_benchmark", "drive", "lockstep"),
}


@dataclass(frozen=True, slots=True)
class FileCopy:
    """A file to copy into a side's worktree: from the other side's, or from the reader's checkout (None)."""

    path: str
    source: Side | None

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)


@dataclass(frozen=True, slots=True)
class SideSteps:
    """One side's worktree: a commit, commits to cherry-pick onto it, files to copy into it."""

    side: Side
    commit: str
    picks: tuple[str, ...]
    copies: tuple[FileCopy, ...]


@dataclass(frozen=True, slots=True)
class CodeflashSteps:
    """How a reader runs codeflash, in a worktree of head.

    `packages` have to be installed beforehand, if the runner does not add them for one run.
    """

    command: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The values of the reproduce commands; `path` is relative to `folder`, where pytest runs.

    `packages` have to be installed beforehand, if the runner manages no environment.
    """

    sides: tuple[SideSteps, ...]
    folder: str
    path: str
    prepare: tuple[str, ...]
    python: str
    packages: tuple[str, ...]
    memory: bool
    timed: bool
    together: bool
    """Whether some peaks are of several processes, which pytest-memray does not measure."""
    manifest: str
    benchmark_to_save: bool
    addopts: str | None = None
    """What replaces the project's options for pytest, of which some disturb measuring."""
    variables: tuple[tuple[str, str], ...] = ()
    """Environment variables that the project sets for its tests."""
    built: bool = False
    """Whether each worktree is built and installed, since the benchmark imports what only a build makes."""
    omitted: str = ""
    """Why there are no commands for plain pytest."""
    codeflash: CodeflashSteps | None = None
    as_of: str = ""
    """The date of the project's dependencies, if they are not today's."""


def reproduction(evidence: Evidence) -> Reproduction:
    """Return the steps that make the two trees as they were compared."""
    detection, scaffolding, codeflash = evidence.detection, evidence.scaffolding, evidence.codeflash
    changes = [change for change in evidence.comparison.changes if not change.is_cost]
    peaks = [change for change in changes if change.metric is MetricName.PEAK]
    memory, together = any(not peak.together for peak in peaks), any(peak.together for peak in peaks)
    timed = any(change.metric in {MetricName.TIME, MetricName.IMPORT} for change in changes)
    packages = ("pytest-benchmark", *(["pytest-memray"] if memory else []))
    sides = tuple(_steps(side, detection, scaffolding, evidence.injection) for side in SIDES)
    folder, runner, as_of = detection.layout.project, detection.layout.runner, evidence.comparison.packages_as_of
    if as_of and not runner.startswith("uv "):
        runner = "python"  # of the managers only uv can install packages as of a date
    program = runner.split(" ", 1)[0]
    managed = program in _PREPARED
    built = evidence.comparison.built
    build = (f"{runner} -m pip install --quiet --no-deps --editable .",) if built and not managed else ()
    no_network = _NO_NETWORK if build and evidence.item.sandbox == "bwrap" else ""
    path = "" if _is_elsewhere(built, detection.layout.import_roots) else _python_path(detection.layout.import_roots)
    return Reproduction(
        sides=sides,
        folder=folder,
        path=_node_id(posixpath.relpath(scaffolding.path, folder or "."), scaffolding),
        prepare=build or tuple(line.format(packages=" ".join(packages)) for line in _PREPARED.get(program, ())),
        as_of=as_of,
        python=f"{_uv_variable(as_of)}{_python(runner, packages)}" if managed else f"{path}{runner}",
        packages=() if managed else packages,
        memory=memory,
        timed=not memory or timed,
        manifest=manifest_text(evidence.item, detection, scaffolding),
        benchmark_to_save=any(
            copy.path == scaffolding.path and copy.source is None for steps in sides for copy in steps.copies
        ),
        addopts=evidence.comparison.addopts,
        variables=tuple(evidence.comparison.variables.items()),
        built=bool(build),
        omitted=_omitted(evidence.injection) or (_OF_SEVERAL if together and not memory and not timed else no_network),
        together=together,
        codeflash=_codeflash_steps(codeflash, runner) if codeflash.markdown else None,
    )


def _omitted(injection: Injection) -> str:
    fixture = injection.own_fixture
    return (
        f"{fixture} defines a fixture named benchmark, and pytest-benchmark does not work with that" if fixture else ""
    )


def _codeflash_steps(run: CodeflashRun, runner: str) -> CodeflashSteps:
    packages = (f"codeflash=={run.version}",)
    command = f"{_python(runner, packages)} -m codeflash.main compare"
    return CodeflashSteps(command, packages=() if runner.startswith("uv run ") else packages)


def manifest_text(item: Optimization, detection: Detection, scaffolding: Scaffolding) -> str:
    """Return the manifest that repeats this comparison in any clone: commits by SHA, settings as they were."""
    entry: dict[str, Any] = {"id": item.id, "base": detection.base}
    entry |= {"commits": list(detection.picked)} if detection.picked else {"head": detection.head}
    claimed = claimed_domains(scaffolding, detection)
    entry |= {"domain": list(claimed)} if claimed else {}
    target = optimized_function(scaffolding, detection)
    entry |= {"functions": [target]} if target else {}
    entry["benchmark"] = _node_id(scaffolding.path, scaffolding)
    entry |= item.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NOT_REPEATED)
    _drop_interpreter_path(entry)
    # Upstream moves on, and does not matter when two commits are compared.
    manifest = {"version": 1, "upstream": detection.base, "optimizations": [entry]}
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    return _CREDENTIALS.sub("", text)


def _node_id(path: str, scaffolding: Scaffolding) -> str:
    return f"{path}::{scaffolding.test}" if scaffolding.test else path


def _steps(side: Side, detection: Detection, scaffolding: Scaffolding, injection: Injection) -> SideSteps:
    spec, other = (injection.base, injection.head) if side == "base" else (injection.head, injection.base)
    commit, picks = spec.commit, spec.picks
    if detection.picked and commit == detection.head:
        # prprep made that commit by cherry-picking onto base; it exists only in prprep's clone.
        commit, picks = detection.base, detection.picked + picks
    other_side: Side = "head" if side == "base" else "base"
    if scaffolding.origin in SIDES:
        # The files come from that side's commit, so the reader has them in its worktree.
        copies = tuple(FileCopy(path, other_side) for path in sorted(spec.files) if side != scaffolding.origin)
    else:
        copies = tuple(FileCopy(path, None if path in other.files else other_side) for path in sorted(spec.files))
    return SideSteps(side=side, commit=commit, picks=picks, copies=copies)


def _uv_variable(as_of: str) -> str:
    """Return an assignment that makes uv resolve requirements as they were resolved for measuring."""
    return f"UV_EXCLUDE_NEWER={as_of}T23:59:59Z " if as_of else ""


def _python(runner: str, packages: tuple[str, ...]) -> str:
    """Return the runner with what measuring needs; uv adds packages for one run, the others have them installed."""
    if not runner.startswith("uv run "):
        return runner
    added = (f"--with {shlex.quote(name)}" for name in packages)
    return " ".join(["uv run", *added, runner.removeprefix("uv run ")])


def _python_path(import_roots: tuple[str, ...]) -> str:
    """Return an assignment that puts the worktree's code before an installed copy, for the loop over both sides."""
    roots = ('"$work/$side"' + (f"/{shlex.quote(root)}" if root else "") for root in import_roots)
    return f"PYTHONPATH={':'.join(roots)} " if import_roots else ""


def _is_elsewhere(built: tuple[str, ...], import_roots: tuple[str, ...]) -> bool:
    """Return whether a build put files outside the packages, where only an installation finds them."""
    roots = [f"{root}/" if root else "" for root in import_roots]
    inside = [[path.removeprefix(root) for root in roots if path.startswith(root)] for path in built]
    return any(not paths or paths[0].partition("/")[0] in _BUILD_FOLDERS for paths in inside)


def _drop_interpreter_path(entry: dict[str, Any]) -> None:
    """Remove an interpreter's path, which means nothing on another machine."""
    env = entry.get("env", {})
    if "/" in str(env.get("python", "")):
        del env["python"]
    if not env:
        entry.pop("env", None)
