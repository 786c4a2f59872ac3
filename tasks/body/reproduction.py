"""Work out how a reader repeats a comparison: the manifest for prprep, and plain pytest in worktrees of their own."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ..artifacts import SIDES, MetricName

if TYPE_CHECKING:
    from ..artifacts import CodeflashRun, Comparison, Detection, Injection, Scaffolding, Side, TreeSpec
    from ..manifest.model import Optimization

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

# Managed runners install each worktree for themselves; any other Python is told where the worktree's code lies.
_PREPARED = {
    "uv": (),
    "poetry": ("poetry install", "poetry run python -m pip install {packages}"),
    "pdm": ("pdm install", "pdm run python -m ensurepip", "pdm run python -m pip install {packages}"),
    "hatch": ("hatch run pip install {packages}",),
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A file to be put into a side's worktree: from the other side's, or from the reader's checkout (None)."""

    path: str
    source: Side | None

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)


@dataclass(frozen=True, slots=True)
class SideSteps:
    """One side's worktree: a commit, commits put onto it, files put over it."""

    side: Side
    commit: str
    picks: tuple[str, ...]
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """How the trees of the two sides were made, and what came of comparing them."""

    injection: Injection
    comparison: Comparison
    codeflash: CodeflashRun


@dataclass(frozen=True, slots=True)
class CodeflashSteps:
    """How codeflash is run by a reader: in a worktree of head, since it looks up there what changed.

    `command` is the runner with what starts codeflash, `packages` what has to be in the reader's environment beforehand,
    `variables` and `flags` stand before and behind it, `configuration` are lines for the worktree's pyproject.toml.
    """

    command: str
    packages: tuple[str, ...]
    variables: str
    flags: str
    configuration: str


@dataclass(frozen=True, slots=True)
class Reproduction:
    """All that the reproduce commands are made from; `path` is relative to `folder`, where pytest runs."""

    sides: tuple[SideSteps, ...]
    folder: str
    path: str
    prepare: tuple[str, ...]
    python: str
    packages: tuple[str, ...]
    """What has to be in the reader's environment beforehand, where the runner manages none."""
    memory: bool
    timed: bool
    manifest: str
    benchmark_to_save: bool
    codeflash: CodeflashSteps | None = None


def reproduction(item: Optimization, detection: Detection, scaffolding: Scaffolding, *, made: Made) -> Reproduction:
    """Return the steps that make the two trees as the comparison had them."""
    metrics = {change.metric for change in made.comparison.changes}
    memory = bool(metrics & {MetricName.PEAK, MetricName.ALLOCATIONS})
    packages = ("pytest-benchmark", *(["pytest-memray"] if memory else []))
    sides = tuple(_steps(side, detection, scaffolding, made.injection) for side in SIDES)
    folder, runner = detection.layout.project, detection.layout.runner
    managed = _program(runner) in _PREPARED
    return Reproduction(
        sides=sides,
        folder=folder,
        path=posixpath.relpath(scaffolding.path, folder or "."),
        prepare=tuple(line.format(packages=" ".join(packages)) for line in _PREPARED.get(_program(runner), ())),
        python=_python(runner, packages) if managed else f"{_python_path(detection.layout.import_roots)}{runner}",
        packages=() if managed else packages,
        memory=memory,
        timed=not memory or bool(metrics & {MetricName.TIME, MetricName.IMPORT}),
        manifest=manifest_text(item, detection, scaffolding),
        benchmark_to_save=any(
            copy.path == scaffolding.path and copy.source is None for steps in sides for copy in steps.copies
        ),
        codeflash=_codeflash_steps(made.codeflash, runner) if made.codeflash.markdown else None,
    )


def _codeflash_steps(run: CodeflashRun, runner: str) -> CodeflashSteps:
    wanted = (f"codeflash=={run.version}",)
    return CodeflashSteps(
        command=f"{_python(runner, wanted)} -m codeflash.main compare",
        packages=() if runner.startswith("uv run ") else wanted,
        variables=run.variables,
        flags=run.flags,
        configuration=run.configuration,
    )


def manifest_text(item: Optimization, detection: Detection, scaffolding: Scaffolding) -> str:
    """Write the manifest that repeats this comparison in any clone: commits by SHA, settings as they were."""
    told = {
        "id",
        "title",
        "summary",
        "details",
        "base",
        "head",
        "commits",
        "functions",
        "benchmark",
        "domain",
        "pr",
        "tests",
    }
    told |= {
        "repo",
        "upstream",
        "slug",
        "push",
        "commit_benchmark",
        "tests_timeout",
        "verify",
        "engine",
        "template",
        "summarize",
    }
    entry: dict[str, Any] = {"id": item.id, "base": detection.base}
    entry |= {"commits": list(detection.picked)} if detection.picked else {"head": detection.head}
    entry |= {"domain": list(detection.domain.domains)} if detection.domain.domains else {}
    entry |= {"functions": [detection.target]} if detection.target else {}
    entry |= {"benchmark": scaffolding.path, **item.model_dump(mode="json", exclude_defaults=True, exclude=told)}
    _without_machine(entry)
    # Upstream moves on, and has no part in comparing two commits.
    manifest = {"version": 1, "upstream": detection.base, "optimizations": [entry]}
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    return _CREDENTIALS.sub("", text)


def _steps(side: Side, detection: Detection, scaffolding: Scaffolding, injection: Injection) -> SideSteps:
    spec, other = _specs(side, injection)
    commit, picks = spec.commit, spec.picks
    if detection.picked and commit == detection.head:
        # That commit was made by putting the picks onto base and is in no repository but prprep's own clone.
        commit, picks = detection.base, detection.picked + picks
    elsewhere: Side = "head" if side == "base" else "base"
    if scaffolding.origin in SIDES:
        # What was written over both trees comes from a commit, so that a reader has it in that side's worktree.
        copies = tuple(Copy(path, elsewhere) for path in sorted(spec.files) if side != scaffolding.origin)
    else:
        copies = tuple(Copy(path, None if path in other.files else elsewhere) for path in sorted(spec.files))
    return SideSteps(side=side, commit=commit, picks=picks, copies=copies)


def _specs(side: Side, injection: Injection) -> tuple[TreeSpec, TreeSpec]:
    return (injection.base, injection.head) if side == "base" else (injection.head, injection.base)


def _program(runner: str) -> str:
    return runner.split(" ", 1)[0]


def _python(runner: str, packages: tuple[str, ...]) -> str:
    """Return the runner with what measuring needs; uv takes packages for one run, the others have them installed."""
    if runner.startswith("uv run "):
        return " ".join(
            ["uv run", *(f"--with {shlex.quote(name)}" for name in packages), runner.removeprefix("uv run ")]
        )
    return runner


def _python_path(import_roots: tuple[str, ...]) -> str:
    """Put the worktree's own code before an installed copy, as seen from the loop over both sides."""
    places = ('"$work/$side"' + (f"/{shlex.quote(root)}" if root else "") for root in import_roots)
    return f"PYTHONPATH={':'.join(places)} " if import_roots else ""


def _without_machine(entry: dict[str, Any]) -> None:
    """Leave out an interpreter's path, which means nothing on another machine."""
    env = entry.get("env", {})
    if "/" in str(env.get("python", "")):
        del env["python"]
    if not env:
        entry.pop("env", None)
