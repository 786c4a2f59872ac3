"""Run every check that comes before measuring, and tell of each whether it went well, with the fix where it did not."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .. import pipeline
from ..artifacts import Detection, Injection, Linting, Recording, Scaffolding, Survey
from ..bench import machine
from ..bench.workers import memory_layout
from ..benchmark_tests.linting import RULES
from ..environments.installer import uv_program
from ..errors import CommandFailedError, GitHubError, PrprepError
from ..github import survey_text
from ..github.client import GITHUB, Client
from ..processes import programs
from ..text import figures

if TYPE_CHECKING:
    from ..processes.progress import Report
    from ..staleness import Freshness
    from ..workspace.workspace import Workspace

LEAST_FREE = 2 << 30
"""Bytes in the cache's file system below which environments may not find room."""
BUSY_LOAD = 0.5
"""Load per core above which the machine has other work."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist; `fix` is what to do where `state` is not `ok`."""

    state: Literal["ok", "note", "FAIL"]
    what: str
    fix: str = ""

    def lines(self) -> list[str]:
        first, *rest = self.what.splitlines() or [""]
        fixes = [
            f"fix: {line.strip()}" if not number else line.strip() for number, line in enumerate(self.fix.splitlines())
        ]
        return [f"  {self.state:4}  {first}", *(f"        {line}" for line in (*rest, *fixes))]


def of_machine(cache: Path) -> Iterator[Check]:
    """Check the programs and the machine that every item needs."""
    yield _program("git", ["git", "--version"], "install git")
    yield _program("uv", [uv_program(), "--version"], "install uv: pip install uv")
    yield Check(
        "ok",
        f"Python {platform.python_version()}, memray {'found' if importlib.util.find_spec('memray') else 'not found'}",
    )
    yield _room(cache)
    yield _quiet()
    if memory_layout.can_choose():
        yield Check("ok", "the processes of a launch can share a memory layout")
    else:
        yield Check(
            "note",
            "the processes of a launch cannot share a memory layout: intervals will be wider",
            "install util-linux",
        )
    yield _github()
    if not shutil.which("valgrind"):
        yield Check(
            "note",
            "valgrind is missing: `metrics: [instructions]` needs it",
            "install valgrind where instructions are asked for",
        )


def of_item(workspace: Workspace, freshness: Freshness, item_id: str, report: Report) -> Iterator[Check]:
    """Do for an item all that comes before measuring; what fails ends it, since the rest stands on that."""
    try:
        for name, told in _BEFORE:
            _bring_up_to_date(workspace, freshness, name, item_id, report)
            yield from told(workspace, item_id)
            if freshness.waits(item_id):
                return
        yield from _rehearsed(workspace, item_id, report)
        _bring_up_to_date(workspace, freshness, "lint", item_id, report)
        yield from _linted(workspace, item_id)
    except PrprepError as error:
        yield Check("FAIL", f"{error.where}: {error.what}" if error.where else error.what, error.hint)


def _bring_up_to_date(workspace: Workspace, freshness: Freshness, name: str, item_id: str, report: Report) -> None:
    stage = next(stage for stage in pipeline.STAGES if stage.name == name)
    if not freshness.is_fresh(name, item_id):
        pipeline.perform(workspace, freshness, stage, item_id, report)


def _detected(workspace: Workspace, item_id: str) -> Iterator[Check]:
    found = Detection.read(workspace.paths.item(item_id).detect)
    counted = f"{len(found.commits)} commit{'' if len(found.commits) == 1 else 's'}"
    yield Check(
        "ok", f"base {found.base[:12]} ({found.base_ref}), head {found.head[:12]} ({found.head_ref}), {counted}"
    )
    if found.functions:
        names = [function.target for function in found.functions]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Check("ok", f"changed functions: {', '.join(names[:_SHOWN])}{more}")
    else:
        fix = "" if workspace.plan.items[item_id]["benchmark"] else "name what to measure: `functions:` or `benchmark:`"
        yield Check("note", "no function of the project changed", fix)
    yield Check("ok", f"domain: {', '.join(found.domain.domains)}; run by {found.layout.runner}")
    yield from (Check("note", note) for note in found.notes)


def _surveyed(workspace: Workspace, item_id: str) -> Iterator[Check]:
    found = Survey.read(workspace.paths.item(item_id).survey)
    first, *others = survey_text.details(found)
    named = workspace.plan.items[item_id]["pr"]
    yield Check("note" if survey_text.to_review(found, named=named) else "ok", first)
    yield from (Check("note", told) for told in others)


def _recorded(workspace: Workspace, item_id: str) -> Iterator[Check]:
    made = Recording.read(workspace.paths.item(item_id).record)
    if made.call:
        yield Check("ok", f"{_calls(made)} of {made.target} recorded, from {', '.join(made.ran[:_SHOWN])}")
    elif made.ran:
        yield Check("note", f"no call of {made.target} can be written as code; recorded: {_calls(made)}")
    yield from (Check("note", note) for note in made.notes if made.target)


def _calls(made: Recording) -> str:
    return f"{made.calls:,} call{'' if made.calls == 1 else 's'}"


def _scaffolded(workspace: Workspace, item_id: str) -> Iterator[Check]:
    made = Scaffolding.read(workspace.paths.item(item_id).scaffold)
    if made.needs:
        yield Check("FAIL", f"the benchmark {made.path} is not complete", made.needs)
    else:
        yield Check("ok", f"benchmark: {made.path} ({made.origin})")
    yield from (Check("note", note) for note in made.notes)


def _injected(workspace: Workspace, item_id: str) -> Iterator[Check]:
    made = Injection.read(workspace.paths.item(item_id).inject)
    yield Check("ok", f"the trees can be made: base {made.base.tree[:12]}, head {made.head.tree[:12]}")
    yield from (Check("note", repair) for repair in made.repairs)


def _linted(workspace: Workspace, item_id: str) -> Iterator[Check]:
    found = Linting.read(workspace.paths.item(item_id).lint)
    if not found.findings:
        yield Check("ok", "the benchmark keeps the rules")
    for each in found.findings:
        yield Check("note", f"{found.path}, line {each.line}: {each.found} ({each.rule})", RULES[each.rule].fix)
    if found.reach:
        yield Check("ok", f"it executes {found.reach.executed} of {found.reach.statements} statements that changed")


_BEFORE = (
    ("detect", _detected),
    ("survey", _surveyed),
    ("record", _recorded),
    ("scaffold", _scaffolded),
    ("inject", _injected),
)


def _rehearsed(workspace: Workspace, item_id: str, report: Report) -> Iterator[Check]:
    from ..bench.setup import dry_run

    item, paths, target = workspace.items[item_id], workspace.paths.item(item_id), workspace.target(item_id)
    setup = dry_run(
        item, paths=paths, worktree=target.worktree, cache=workspace.cache, address=target.address, report=report
    )
    for role, ground in setup.sides.items():
        environment = ground.environment
        yield Check(
            "ok", f"environment of {role}: Python {environment.python_version}, {len(environment.packages)} packages"
        )
        yield from (Check("note", f"{role}: {note}") for note in environment.notes)
    yield from (Check("note", repair) for repair in setup.repairs)
    yield Check("ok", "the benchmark passes on every side, each with the code of its own tree")


def _github() -> Check:
    """Return whether pull requests can be looked for at github.com; a project's other host is told of with its item."""
    client = Client(os.environ.get("GH_HOST") or GITHUB)
    try:
        version = client.version()
        return Check("ok", f"gh {version}, logged in to {client.host} as {client.login()}")
    except GitHubError as error:
        return Check("note", f"pull requests cannot be looked for: {error.what}", error.hint)


def _program(name: str, command: list[str], fix: str) -> Check:
    try:
        told = programs.run(command, cwd=Path("/"), timeout=20).output.strip()
    except CommandFailedError as error:
        return Check("FAIL", error.what, error.hint or fix)
    return Check("ok", told or name)


def _room(cache: Path) -> Check:
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    told = f"cache: {cache}, {figures.quantity(free, 'B')} free"
    if not os.access(there, os.W_OK):
        return Check("FAIL", f"cache: {there} cannot be written to", "name another folder in PRPREP_CACHE")
    return (
        Check("ok", told)
        if free > LEAST_FREE
        else Check("note", told, "make room, or name another folder in PRPREP_CACHE")
    )


def _quiet() -> Check:
    load, cores = machine.load(), machine.cores()
    told = f"{machine.cpu_model()}, {cores} cores" + (f", load {load:.1f}" if load is not None else "")
    busy = load is not None and load > BUSY_LOAD * cores
    return (
        Check("note", told, "other work makes intervals wider; measuring goes on all the same")
        if busy
        else Check("ok", told)
    )


def checklist(heading: str, checks: Iterable[Check], show: Callable[[str], None]) -> bool:
    """Show every check as soon as it is made; say whether none failed."""
    show(heading)
    well = True
    for check in checks:
        show("\n".join(check.lines()))
        well = well and check.state != "FAIL"
    return well
