"""`prprep doctor`: run every check that comes before measuring, and print each with its fix."""

import importlib.util
import os
import platform
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from doit.cmd_base import Command

from .. import pipeline
from ..artifacts import Detection, Injection, Linting, Recording, Scaffolding, Survey
from ..bench import advice
from ..bench.setup import ItemArtifacts, dry_run
from ..benchmark_tests.linting import RULES
from ..environments.installer import uv_program
from ..errors import CommandFailedError, GitHubError, PrprepError
from ..github import survey_text
from ..github.client import GITHUB, Client
from ..graph.console import CONSOLE
from ..graph.loader import JSON, ManifestLoader, graph_of
from ..json_output import models
from ..json_output.document import Answer, name_manifest
from ..json_output.items import items_of
from ..processes import programs
from ..processes.progress import Report
from ..staleness import Staleness
from ..storage.paths import ItemPaths, cache_folder
from ..text import figures
from ..text.messages import enumeration
from ..workspace.repository import Settings

LEAST_FREE = 2 << 30
"""Bytes in the cache's file system below which environments may not fit."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist; `fix` is what to do if `state` is not `ok`."""

    state: Literal["ok", "note", "FAIL"]
    what: str
    fix: str = ""

    def lines(self) -> list[str]:
        first, *rest = self.what.splitlines() or [""]
        if self.fix:
            rest += [line.strip() for line in f"fix: {self.fix}".splitlines()]
        return [f"  {self.state:4}  {first}", *(f"        {line}" for line in rest)]


class Doctor(Command):  # type: ignore[misc]
    doc_usage = "[ID ...]"
    doc_description = (
        "It builds the environments and runs each benchmark once on every side. Without an ID, for all items."
    )
    example = "prprep doctor tables"
    cmd_options = (*ManifestLoader.cmd_options, JSON)
    answer: Answer

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        graph = graph_of(opt_values["manifest"], refresh=opt_values["refresh"])
        # The machine first: without git the manifest could not be compared with its repository.
        machine = checklist("machine", of_machine(cache_folder()))
        self.answer["checks"] = tuple(map(models.Check.model_validate, machine))
        name_manifest(self.answer, graph)
        items = graph.known_or_all(pos_args)
        graph.begin()
        checks: dict[str, list[Check]] = {}
        with CONSOLE.step("doctor") as report:
            for item_id in items:
                checks[item_id] = checklist(item_id, of_item(graph.staleness, item_id, report))
        graph.summary()
        if opt_values["json"]:
            self.answer["items"] = tuple(checked(item, checks[item.id]) for item in items_of(graph.staleness, items))
        return 1 if any(map(failed, (machine, *checks.values()))) else 0


def checked(item: models.Item, checks: Sequence[Check]) -> models.Item:
    """Add the checks; after a failed one an item is checked again before it is measured."""
    more = {"next": f"prprep doctor {item.id}"} if failed(checks) else {}
    return item.model_copy(update={"checks": tuple(map(models.Check.model_validate, checks)), **more})


def failed(checks: Iterable[Check]) -> bool:
    return any(check.state == "FAIL" for check in checks)


def checklist(heading: str, checks: Iterable[Check]) -> list[Check]:
    """Show every check as soon as it has run; return them all."""
    CONSOLE.print(heading)
    done = []
    for check in checks:
        CONSOLE.print("\n".join(check.lines()))
        done.append(check)
    return done


def of_machine(cache: Path) -> Iterator[Check]:
    """Check the programs and the machine that every item needs."""
    yield _program("git", ["git", "--version"], "install git")
    yield _program("uv", [uv_program(), "--version"], "install uv: pip install uv")
    memray = "found" if importlib.util.find_spec("memray") else "not found"
    yield Check("ok", f"Python {platform.python_version()}, memray {memray}")
    yield _room(cache)
    yield from (Check("note" if fix else "ok", what, fix) for what, fix in advice.of_machine())
    yield _github()
    if not shutil.which("valgrind"):
        what = "valgrind is missing: `metrics: [instructions]` needs it"
        yield Check("note", what, "install valgrind if an item asks for instructions")


def of_item(staleness: Staleness, item_id: str, report: Report) -> Iterator[Check]:
    """Run for an item what comes before measuring, up to the first failure."""
    paths, settings = staleness.workspace.paths.item(item_id), staleness.workspace.plan.items[item_id]
    try:
        for name, checks in _BEFORE.items():
            _bring_up_to_date(staleness, name, item_id, report)
            yield from checks(paths, settings)
            if name == "scaffold" and staleness.waits(item_id):
                return
        yield from _dry_run(staleness, item_id, report)
        _bring_up_to_date(staleness, "lint", item_id, report)
        yield from _linted(paths)
    except PrprepError as error:
        yield Check("FAIL", f"{error.where}: {error.what}" if error.where else error.what, error.hint)


def _bring_up_to_date(staleness: Staleness, name: str, item_id: str, report: Report) -> None:
    if not staleness.is_fresh(name, item_id):
        pipeline.perform(staleness, staleness.stages[name], item_id, report)


def _detected(paths: ItemPaths, settings: Settings) -> Iterator[Check]:
    detection = paths.read(Detection)
    commits = figures.counted(len(detection.commits), "commit")
    base, head = f"{detection.base[:12]} ({detection.base_ref})", f"{detection.head[:12]} ({detection.head_ref})"
    yield Check("ok", f"base {base}, head {head}, {commits}")
    if detection.functions:
        names = [function.target for function in detection.functions]
        yield Check("ok", f"changed functions: {enumeration(names, _SHOWN)}")
    else:
        fix = "" if settings["benchmark"] or detection.target else "name what to measure: `functions:` or `benchmark:`"
        what = (
            f"no Python function of the project changed: the target is {detection.target} ({detection.target_reason})"
        )
        yield Check("note", what if detection.target else detection.target_reason, fix)
    yield Check("ok", f"domain: {', '.join(detection.domain.domains)}; run by {detection.layout.runner}")
    yield from _notes(detection.notes)


def _surveyed(paths: ItemPaths, settings: Settings) -> Iterator[Check]:
    survey = paths.read(Survey)
    first, *more = survey_text.details(survey)
    yield Check("note" if any(survey_text.to_review(survey, named=settings["pr"])) else "ok", first)
    yield from _notes(more)


def _recorded(paths: ItemPaths, _: Settings) -> Iterator[Check]:
    recording = paths.read(Recording)
    calls = figures.counted(recording.calls, "call")
    if recording.call:
        yield Check("ok", f"{calls} of {recording.target} recorded, from {', '.join(recording.ran[:_SHOWN])}")
    elif recording.workload:
        test = recording.workload.test.partition("[")[0]
        yield Check("ok", f"the benchmark of {recording.target} does what {test} does")
    elif recording.ran:
        yield Check("note", f"no call of {recording.target} can be written as code; recorded: {calls}")
    if recording.target:
        yield from _notes(recording.notes)


def _scaffolded(paths: ItemPaths, _: Settings) -> Iterator[Check]:
    scaffolding = paths.read(Scaffolding)
    if scaffolding.needs:
        yield Check("FAIL", f"the benchmark {scaffolding.path} is not complete", scaffolding.needs)
    else:
        yield Check("ok", f"benchmark: {scaffolding.path} ({scaffolding.origin})")
    yield from _notes(scaffolding.notes)


def _injected(paths: ItemPaths, _: Settings) -> Iterator[Check]:
    injection = paths.read(Injection)
    yield Check("ok", f"the trees can be built: base {injection.base.tree[:12]}, head {injection.head.tree[:12]}")
    yield from _notes(injection.repairs)


def _linted(paths: ItemPaths) -> Iterator[Check]:
    linting = paths.read(Linting)
    if not linting.findings:
        yield Check("ok", "the benchmark passes lint")
    for finding in linting.findings:
        text = f"{linting.path}, line {finding.line}: {finding.found} ({finding.rule})"
        yield Check("note", text, RULES[finding.rule].fix)
    if linting.reach:
        yield Check("ok", f"it executes {linting.reach.executed} of {linting.reach.statements} statements that changed")


def _notes(notes: Iterable[str]) -> Iterator[Check]:
    return (Check("note", note) for note in notes)


_BEFORE = {"detect": _detected, "survey": _surveyed, "record": _recorded, "scaffold": _scaffolded, "inject": _injected}


def _dry_run(staleness: Staleness, item_id: str, report: Report) -> Iterator[Check]:
    item, inputs = staleness.workspace.items[item_id], staleness.inputs("measure", item_id, report)
    setup = dry_run(item, ItemArtifacts.read(staleness.workspace.paths.item(item_id)), inputs)
    for role, side in setup.sides.items():
        python, packages = side.environment.python_version, side.environment.packages
        yield Check("ok", f"environment of {role}: Python {python}, {len(packages)} packages")
        yield from _notes(f"{role}: {note}" for note in side.environment.notes)
    yield from _notes(setup.repairs)
    yield Check("ok", "the benchmark passes on every side, each with the code of its own tree")


def _github() -> Check:
    """Check the login at github.com, or at GH_HOST; that at a project's other host is checked with its item."""
    client = Client(os.environ.get("GH_HOST") or GITHUB)
    try:
        version = client.version()
        return Check("ok", f"gh {version}, logged in to {client.host} as {client.login()}")
    except GitHubError as error:
        return Check("note", f"pull requests cannot be looked for: {error.what}", error.hint)


def _program(name: str, command: list[str], fix: str) -> Check:
    try:
        version = programs.run(command, cwd=Path("/"), timeout=20).output.strip()
    except CommandFailedError as error:
        return Check("FAIL", error.what, error.hint or fix)
    return Check("ok", version or name)


def _room(cache: Path) -> Check:
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    text = f"cache: {cache}, {figures.quantity(free, 'B')} free"
    if not os.access(existing, os.W_OK):
        return Check("FAIL", f"cache: {existing} is not writable", "name another folder in PRPREP_CACHE")
    if free > LEAST_FREE:
        return Check("ok", text)
    return Check("note", text, "free some space, or name another folder in PRPREP_CACHE")
