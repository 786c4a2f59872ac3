"""Say what a stage's artifact must have been made from to be fresh.

A fingerprint covers the stage's version, exactly the settings that the stage uses, what refs name now, and
the content of the files it reads; of `detect.json` only the fields that the stage looks at, so that a new
title renders the body again and measures nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .github.cache import ResponseCache
from .github.client import GitHubRepository
from .storage.facts import Fact, Facts
from .storage.files import read_json
from .storage.hashing import hash_of
from .text.markdown import one_line, shorten
from .versions import REPORT, STAGES, TEMPLATES

if TYPE_CHECKING:
    from .storage.paths import ItemPaths
    from .workspace.repository import Named
    from .workspace.workspace import Workspace

# The settings of an item that each stage uses; render gives them all to its templates, and repeats those about
# measuring for readers. Measuring uses `confidence` and `negligible` only to stop early.
_ITEM = {
    "detect": ("title", "domain", "base", "head", "commits", "functions", "env.runner"),
    "survey": ("pr",),
    "record": (),
    "scaffold": ("benchmark",),
    "inject": ("strategy",),
    "lint": (
        "metrics",
        "lint.ignore",
        "lint.boundaries",
        "env.python",
        "env.extras",
        "env.groups",
        "env.install",
        "env.passed",
        "sandbox",
    ),
    "tests": (
        "tests",
        "tests_timeout",
        "env.python",
        "env.extras",
        "env.groups",
        "env.install",
        "env.passed",
        "sandbox",
    ),
    "measure": (
        "metrics",
        "timeout",
        "budget",
        "env.python",
        "env.extras",
        "env.groups",
        "env.install",
        "env.passed",
        "sandbox",
    ),
    "codeflash": ("engine",),
    "compare": ("confidence", "negligible"),
    "verify": (
        *("verify", "strategy", "engine", "metrics", "timeout", "budget", "confidence", "negligible", "sandbox"),
        *("env.python", "env.extras", "env.groups", "env.install", "env.passed", "lint.ignore", "lint.boundaries"),
    ),
}
# Those that the engine codeflash uses beside it, where it is asked for.
_BY_CODEFLASH = ("metrics", "timeout", "env.python", "env.extras", "env.groups", "env.install", "env.passed", "sandbox")

# The fields of detect.json that each stage uses: `written` those that scaffold uses where it writes the benchmark
# itself, `domains` those that measuring uses where the manifest names no metrics.
_DETECTION = {
    "survey": ("base", "head", "head_ref", "upstream", "upstream_ref", "commits", "files", "functions"),
    "scaffold": ("base", "head", "picked", "benchmark"),
    "written": (
        "target",
        "functions.module",
        "functions.path",
        "functions.status",
        "domain.domains",
        "layout.import_roots",
        "layout.benchmarks_root",
    ),
    "recorded": (
        "target",
        "base",
        "head",
        "picked",
        "functions.module",
        "functions.name",
        "functions.status",
        "domain.domains",
        "layout.project",
        "layout.import_roots",
        "layout.packages",
        "layout.installable",
        "layout.benchmarks_root",
    ),
    "inject": ("base", "head", "picked", "files", "functions.path", "functions.base_path"),
    "tests": (
        "base",
        "head",
        "picked",
        "files",
        "layout.project",
        "layout.import_roots",
        "layout.packages",
        "layout.installable",
        "layout.benchmarks_root",
    ),
    "verify": (
        "target",
        "base",
        "head",
        "picked",
        "domain.domains",
        "layout.project",
        "layout.import_roots",
        "layout.packages",
        "layout.installable",
        "layout.runner",
    ),
    "measure": (
        "layout.project",
        "layout.import_roots",
        "layout.packages",
        "layout.installable",
        "functions.module",
        "functions.path",
        "functions.name",
        "functions.status",
        "functions.base_path",
        "functions.base_name",
    ),
    "lint": (
        "target",
        "layout.project",
        "layout.import_roots",
        "layout.packages",
        "layout.installable",
        "layout.benchmarks_root",
        "functions.path",
        "functions.name",
        "functions.status",
        "functions.base_path",
        "functions.base_name",
        "domain.domains",
    ),
    "by codeflash": (
        "layout.project",
        "layout.import_roots",
        "layout.packages",
        "layout.installable",
        "functions.path",
        "functions.name",
        "functions.status",
        "functions.is_async",
        "domain.domains",
    ),
    "domains": ("domain.domains",),
    "compare": ("domain.domains",),
}

# The fields of survey.json that a body is made from: that the forge did not answer again changes none.
_SURVEY = ("default_branch", "pull_requests", "drift", "contained", "conflicts", "decision")

# What is asked of an artifact again and again; the rest of its fields is not kept in mind.
_ASKED = {
    "detect.json": ("item", "target", "benchmark"),
    "survey.json": ("answered",),
    "scaffold.json": ("needs", "origin", "path", "source", "sha256", "data"),
    "render.json": ("body",),
    "failure.json": ("stage",),
}

# Of the two templates of a body only one is filled.
_TIMED, _MEMORY_ALONE = "pr-body-cpu.md.j2", "pr-body-memory.md.j2"
_WAITING = {"inject", "lint", "measure", "codeflash", "compare", "verify", "render"}


# Names for what a stage is made from, as `explain` tells them.
VERSION, FOUND, TEMPLATE_FILES = "prprep's version of the stage", "what was detected", "the templates"

Fields = dict[str, Any]


class Freshness:
    """Fingerprints of all items of one workspace, each file read once while it stays the same."""

    def __init__(self, workspace: Workspace, *, not_before: float = 0.0) -> None:
        """Answers of a forge from before `not_before` (seconds since the epoch) count as old."""
        self._workspace = workspace
        self.forge = ResponseCache(workspace.paths.forge, not_before)
        self._first_to_change: dict[Named, dict[str, str]] = {}
        self._facts = Facts(
            workspace.paths.state / "facts.json", _distil, f"{__version__} {hash_of([_DETECTION, _SURVEY, _ASKED])}"
        )
        self._templates_of: dict[str, list[str]] = {}
        self._companions_of: dict[str, str] = {}
        self._projects: dict[Named, str | None] = {}
        self._report: str | None = None

    def fingerprint(self, stage: str, item_id: str) -> str:
        """Hash what `stage` would be made from now."""
        return hash_of([stage, item_id, self.made_from(stage, item_id)])

    def made_from(self, stage: str, item_id: str) -> dict[str, Any]:
        """Return what `stage` would be made from now, by names that a user knows: settings as they are, the rest hashed."""
        paths = self._workspace.paths.item(item_id)
        settings = self._workspace.plan.items[item_id]
        names = _ITEM.get(stage, settings)
        used = {f"`{name}`": settings[name] if name in settings else _pick(settings, name) for name in names}
        detection = self._fact(paths.detect) if stage in {*_DETECTION, "record", "codeflash"} else None
        found = detection.fields if detection else {}
        parts = {**used, VERSION: STAGES[stage], FOUND: found.get(stage)}
        parts |= getattr(self, f"_{stage}")(item_id, paths, found)
        return parts

    def is_fresh(self, stage: str, item_id: str) -> bool:
        """Return whether the stage's artifact is there, was made from this, and its products are as it left them.

        While a person has to fill in the benchmark, there is nothing to do after scaffold.
        """
        paths = self._workspace.paths.item(item_id)
        if stage in _WAITING and self.waits(item_id):
            return True
        made = self._fact(artifact_of(paths, stage))
        if made is None or made.fingerprint is None or made.fingerprint != self.fingerprint(stage, item_id):
            return False
        intact = getattr(self, f"_{stage}_intact", None)
        return intact is None or bool(intact(paths, made.fields))

    def waits(self, item_id: str) -> bool:
        """Return whether a person has to complete the item's benchmark before it can be measured."""
        paths = self._workspace.paths.item(item_id)
        made = self._fact(paths.scaffold)
        return (
            bool(made and made.fields.get("needs")) and made is not None and self._scaffold_intact(paths, made.fields)
        )

    def recorded_body(self, item_id: str) -> str | None:
        """Return the body that the item had last, relative to the manifest's folder."""
        made = self._fact(self._workspace.paths.item(item_id).render)
        return made.fields.get("body") if made else None

    def changed(self, stage: str = "") -> None:
        """Look again at what the report is made from: a stage has run."""
        self._report = None
        if stage == "detect":
            self._first_to_change = {}

    def rivals(self, item_id: str) -> dict[str, str]:
        """Map the item's functions, as `path:name`, to the first item of the manifest that changes them, where that is another."""
        first = self._first_changing(item_id)
        return {key: first[key] for key in self._changing(item_id) if first.get(key, item_id) != item_id}

    def _first_changing(self, item_id: str) -> dict[str, str]:
        target = self._workspace.target(item_id)
        if target.named not in self._first_to_change:
            first = self._first_to_change[target.named] = {}
            for each in self._workspace.items_of(target):
                for key in self._changing(each):
                    first.setdefault(key, each)
        return self._first_to_change[target.named]

    def _changing(self, item_id: str) -> list[str]:
        detection = self._fact(self._workspace.paths.item(item_id).detect)
        return list(detection.fields.get("changing", ())) if detection else []

    def report_fingerprint(self) -> str:
        """Hash all that the report is made from: artifacts, bodies that are there, edited ones beside them."""
        self._report = self._report or self._report_made_from()
        return self._report

    def _report_made_from(self) -> str:
        artifacts = [
            self._digest(path)
            for item_id in self._workspace.plan.items
            for paths in (self._workspace.paths.item(item_id),)
            for path in (
                paths.detect,
                paths.survey,
                paths.scaffold,
                paths.lint,
                paths.compare,
                paths.render,
                paths.failure,
            )
        ]
        asked = [self._asked(item_id) for item_id in self._workspace.plan.items]
        titles = [(item_id, settings["title"]) for item_id, settings in self._workspace.plan.items.items()]
        return hash_of(
            [
                "report",
                REPORT,
                titles,
                asked,
                artifacts,
                [self._bodies(item_id) for item_id in self._workspace.plan.items],
            ]
        )

    def _asked(self, item_id: str) -> float | None:
        place = self._workspace.target(item_id).place
        return self.forge.asked_at(str(place), item_id) if isinstance(place, GitHubRepository) else None

    def _bodies(self, item_id: str) -> tuple[bool, ...]:
        body = f"{self._workspace.folder}/{self.recorded_body(item_id)}"
        return tuple(os.path.exists(path) for path in (body, f"{body.removesuffix('.md')}.edited.md"))  # noqa: PTH110

    def failed_stage(self, item_id: str) -> str | None:
        """Name the stage that the item is blocked by, as the last failure left it."""
        failure = self._fact(self._workspace.paths.item(item_id).failure)
        return failure.fields.get("stage") if failure else None

    def save(self) -> None:
        """Keep for the next run what is known of the files."""
        self._facts.save()

    def _detect(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        refs = self._workspace.refs(item_id)
        benchmark = self._workspace.plan.items[item_id]["benchmark"]
        named = benchmark if isinstance(benchmark, str) else benchmark is not None
        return {
            "the project": self._project(item_id),
            "the name of upstream": refs.upstream_ref,
            "the commit of upstream": refs.upstream,
            "the commit of base": refs.base,
            "the commit of head": refs.head,
            "the listed commits": refs.picks,
            "`benchmark`": named,
        }

    def _project(self, item_id: str) -> str | None:
        """Return what detect says of the repository as a whole; where it lies on this machine makes no difference."""
        target = self._workspace.target(item_id)
        if target.named not in self._projects:
            self._projects[target.named] = target.project
        return self._projects[target.named]

    def _survey(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        return {
            "where pull requests go": list(self._workspace.target(item_id).place),
            "the items before it that change the same functions": self.rivals(item_id),
        }

    def _record(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        settings = self._workspace.plan.items[item_id]
        if settings["benchmark"] is not None or self._keeps_benchmark(item_id, found):
            return {"whether there is a benchmark": True}
        environment = ("env.python", "env.extras", "env.groups", "env.install", "env.passed", "sandbox")
        names = ("drive", "boundary_bytes", "lint.boundaries", "timeout", *environment)
        asked = {f"`{name}`": settings[name] if name in settings else _pick(settings, name) for name in names}
        return {**asked, "what the calls are recorded of": found.get("recorded")}

    def _scaffold(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:
        if self._keeps_benchmark(item_id, found):
            return {}
        return {
            "what the benchmark is written from": found.get("written"),
            "the recorded calls": self._digest(paths.record),
            TEMPLATE_FILES: self._templates("scaffold"),
        }

    def _keeps_benchmark(self, item_id: str, found: Fields) -> bool:
        """Return whether scaffold uses the project's own benchmark, and so writes none."""
        asked, there = self._workspace.plan.items[item_id]["benchmark"], found.get("benchmark") or {}
        return isinstance(asked, str) or (
            asked is None and any(there.get(place) for place in ("base", "head", "worktree"))
        )

    def _inject(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        scaffolding, tree = self._fact(paths.scaffold), self._workspace.target(item_id).worktree
        if not scaffolding or not tree or scaffolding.fields.get("origin") != "worktree":
            return {"the benchmark": scaffolding.digest if scaffolding else None}
        companions = self._companions(tree, scaffolding.fields["path"])
        return {"the benchmark": scaffolding.digest, "the files that the benchmark needs in the work tree": companions}

    def _companions(self, tree: Path, benchmark: str) -> str:
        """Hash what a benchmark that is being edited in the work tree needs beside itself there."""
        if benchmark not in self._companions_of:
            from .benchmark_tests.writing.companions import companions

            found = companions(benchmark, _read(tree / benchmark) or b"", _Folder(tree))
            self._companions_of[benchmark] = hash_of(
                [(each.path, hashlib.sha256(each.content).hexdigest()) for each in found]
            )
        return self._companions_of[benchmark]

    def _measure(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:
        named = self._workspace.plan.items[item_id]["metrics"]
        return {
            "the trees": self._digest(paths.inject),
            "the modules": found.get("modules"),
            "the domain": None if named else found.get("domains"),
        }

    def _lint(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        made = {"the trees": paths.inject, "the benchmark": paths.scaffold, "the recorded calls": paths.record}
        return {name: self._digest(path) for name, path in made.items()}

    def _tests(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        return {}

    def _codeflash(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:
        settings = self._workspace.plan.items[item_id]
        if settings["engine"] != "codeflash":
            return {}
        used = {f"`{name}`": settings[name] if name in settings else _pick(settings, name) for name in _BY_CODEFLASH}
        return {**used, FOUND: found.get("by codeflash"), "the trees": self._digest(paths.inject)}

    def _compare(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        made = {
            "the samples": paths.samples,
            "the benchmark's findings": paths.lint,
            "what codeflash found": paths.codeflash,
        }
        return {name: self._digest(path) for name, path in made.items()}

    def _verify(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        if not self._workspace.plan.items[item_id]["verify"]:
            return {}
        return {
            "the benchmark": self._digest(paths.scaffold),
            "the trees": self._digest(paths.inject),
            "the comparison": self._digest(paths.compare),
            "what codeflash found": self._digest(paths.codeflash),
            TEMPLATE_FILES: self._templates("verify"),
        }

    def _render(self, item_id: str, paths: ItemPaths, found: Fields) -> Fields:  # noqa: ARG002
        survey = self._fact(paths.survey)
        artifacts = {
            "what was detected": self._digest(paths.detect),
            "the survey": survey.fields.get("said") if survey else None,
            "the benchmark": self._digest(paths.scaffold),
            "the trees": self._digest(paths.inject),
            "the comparison": self._digest(paths.compare),
            "the project's own tests": self._digest(paths.tests),
            "the run of the body's commands": self._digest(paths.verify),
            "what codeflash found": self._digest(paths.codeflash),
        }
        comparison = self._fact(paths.compare)
        unused = comparison.fields["unused"] if comparison and comparison.fields else _MEMORY_ALONE
        return {
            **artifacts,
            "whose name the body has": self._owns_name(item_id),
            TEMPLATE_FILES: self._templates("render", without=unused),
        }

    def _owns_name(self, item_id: str) -> bool:
        """Return whether the item's body has the function's name alone; another item may have come before it."""
        return item_id in self._name_owners

    @cached_property
    def _name_owners(self) -> frozenset[str]:
        return frozenset(self._workspace.function_owners.values())

    def _detect_intact(self, paths: ItemPaths, seen: Fields) -> bool:
        """Return whether the benchmark in the user's work tree is still the one that detect saw."""
        tree, presence = self._workspace.target(paths.id).worktree, seen.get("benchmark")
        return tree is None or not presence or bool(_blob(tree / presence["path"]) == presence["worktree"])

    def _survey_intact(self, paths: ItemPaths, made: Fields) -> bool:
        """Return whether what the forge said, or why it did not, is recent, and what the survey was made from."""
        place = self._workspace.target(paths.id).place
        return not isinstance(place, GitHubRepository) or self.forge.state(str(place), paths.id) == made.get("answered")

    def _scaffold_intact(self, paths: ItemPaths, made: Fields) -> bool:
        """Return whether the bytes of the benchmark, and of the data beside it, are still those that scaffold recorded."""
        if made.get("origin") not in {"generated", "edited"}:
            return True
        files = [
            (made["source"], made["sha256"]),
            *((file["source"], file["sha256"]) for file in (made.get("data") or {}).values()),
        ]
        return all(_sha256(paths.folder / source) == sha256 for source, sha256 in files)

    def _render_intact(self, paths: ItemPaths, made: Fields) -> bool:
        settings = self._workspace.plan.items[paths.id]
        if settings["summarize"] and not settings["summary"] and not paths.summarize.exists():
            return False
        return os.path.exists(f"{paths.folder}/{made.get('body')}")  # noqa: PTH110 - asked for every item of a run

    def _templates(self, stage: str, *, without: str = "") -> list[str]:
        """Hash every template that a stage can read, those that a template includes among them; once a run."""
        key = f"{stage} {without}"
        if key not in self._templates_of:
            from .text.templating import used

            names = [name for name in TEMPLATES[stage] if name != without]
            files = {path for name in names for path in used(name, self._workspace.templates)}
            self._templates_of[key] = sorted(f"{path.name} {self._digest(path)}" for path in files)
        return self._templates_of[key]

    def _digest(self, path: Path) -> str | None:
        fact = self._fact(path)
        return fact.digest if fact else None

    def _fact(self, path: Path) -> Fact | None:
        return self._facts.of(str(path))


def artifact_of(paths: ItemPaths, stage: str) -> Path:
    """Return the artifact that a stage writes."""
    path: Path = getattr(paths, "samples" if stage == "measure" else stage)
    return path


def fields_of(artifact: Path) -> dict[str, Any]:
    """Read an artifact's fields without checking them; empty where it is missing or broken."""
    try:
        fields = json.loads((_read(artifact) or b"").partition(b"\n")[2])
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _distil(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Keep of an artifact what freshness asks; of a detection, for each use, the hash of the fields that it looks at."""
    kept = {key: fields.get(key) for key in _ASKED.get(name, ())}
    if name == "detect.json":
        kept |= {use: hash_of([_pick(fields, key) for key in names]) for use, names in _DETECTION.items()}
        kept["modules"] = _modules(fields)
        kept["changing"] = _changing(fields)
    if name == "survey.json":
        kept["said"] = hash_of([fields.get(key) for key in _SURVEY])
    if name == "compare.json":
        measured = {str(metric) for metric in _pick(fields, "changes.metric") or ()}
        kept["unused"] = _TIMED if measured and not measured & {"time", "import time"} else _MEMORY_ALONE
    return kept


def _changing(detection: dict[str, Any]) -> list[str]:
    """Spell where the functions that an item changes are, at base and at head, as `path:name`; not a file's own code."""
    functions = [each for each in detection.get("functions") or () if not str(each["name"]).startswith("<")]
    sides = [(each["path"], each["name"]) for each in functions]
    sides += [(each["base_path"] or each["path"], each["base_name"] or each["name"]) for each in functions]
    return list(dict.fromkeys(f"{path}:{name}" for path, name in sides))


def _modules(detection: dict[str, Any]) -> list[str]:
    """Return the modules whose import is timed, as measuring chooses them."""
    if target := detection.get("target"):
        return [str(target).partition(":")[0]]
    return list(dict.fromkeys(map(str, _pick(detection, "functions.module") or ())))


def _pick(fields: Any, name: str) -> Any:
    """Look up `outer.inner`; of a list, in each of its entries."""
    first, _, rest = name.partition(".")
    if isinstance(fields, list):
        return [_pick(entry, name) for entry in fields]
    found = fields.get(first) if isinstance(fields, dict) else None
    return _pick(found, rest) if rest else found


@dataclass(frozen=True, slots=True)
class _Folder:
    """The user's work tree, as it is now."""

    root: Path

    def read(self, path: str) -> bytes | None:
        return _read(self.root / path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _blob(path: Path) -> str | None:
    """Hash a file as git does (blob, SHA-1); None where there is no file."""
    content = _read(path)
    return (
        None
        if content is None
        else hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    )


def _sha256(path: Path) -> str | None:
    content = _read(path)
    return None if content is None else hashlib.sha256(content).hexdigest()


_LONGEST_VALUE = 60
_GONE = {
    "detect": "the benchmark in the work tree is another one",
    "survey": "what GitHub said is older than a day, or has changed",
    "scaffold": "the benchmark that was written is edited or gone",
    "render": "the body is gone",
}
"""What a stage's product is, where that is not as the stage left it."""


def reasons(freshness: Freshness, stage: str, item_id: str, paths: ItemPaths) -> list[str]:
    """Hold what the artifact was made from against what it would be made from now."""
    made = read_json(paths.made_from).get(stage)
    if made is None:
        return ["what it was made from is not recorded"]
    found = list(_differences(made, freshness.made_from(stage, item_id)))
    return found or [_GONE.get(stage, "its artifact is not what the stage wrote")]


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*now, *before)):
        if before.get(name) == _spelled(now.get(name)):
            continue
        if name.startswith("`") or "commit" in name or "name of" in name:
            yield f"{name} is {_shown(now.get(name))}, was {_shown(before.get(name))}"
        else:
            yield f"{name} changed"


def _spelled(value: Any) -> Any:
    """Spell a value as it comes back from JSON."""
    if isinstance(value, tuple | list):
        return [_spelled(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _spelled(each) for key, each in value.items()}
    return value


def _shown(value: Any) -> str:
    if value in (None, [], ()):
        return "not set"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return shorten(one_line(text), _LONGEST_VALUE)
