"""Pack everything that a stage needs for an item, so that another machine can do its work."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..artifacts import SIDES, Detection, Injection, Scaffolding
from ..bench import trees
from ..environments.interpreters import is_path
from ..errors import JobError
from ..git import Clone
from ..git.bundles import Bundle
from ..processes import secrets
from ..staleness import Stage, StageInputs, Staleness
from ..storage.hashing import hash_of, read_bytes
from .files import COMMITS, MEASURE, STAGES, Job, hashes

NEEDED: Final = ("detect", "record", "scaffold", "inject")
"""The stages before `measure` that decide what is measured."""
FILES: Final = "files/"
"""The folder of the benchmark and the files it needs, by their paths in both trees."""
TEMPLATES: Final = "templates/"
SOURCES: Final = "sources/"
"""The folder of files that no commit holds, by their SHA-256."""


@dataclass(frozen=True, slots=True)
class PreparedJob:
    """A job whose commits are not packed yet."""

    job: Job
    files: Mapping[str, bytes]
    commits: tuple[str, ...]
    outline: Bundle
    open_clone: Callable[[], Clone]

    def archive(self, bundle: Bundle | None = None) -> bytes:
        """Return the bytes of the job; without a bundle it can run where its commits came before."""
        files = {**self.files, COMMITS: (bundle or self.outline).content}
        return self.job.model_copy(update={"files": hashes(files)}).archive(files)

    def bundle(self, present: Iterable[str] = ()) -> Bundle:
        """Pack the commits, without what comes with those that are `present` already."""
        with self.open_clone() as clone:
            return clone.bundle(*self.commits, present=tuple(present))


def pack(staleness: Staleness, item_id: str) -> bytes:
    """Return the job of measuring an item, the same bytes for the same item and commits.

    Raises JobError if the item is not ready to be measured, or if only this machine can measure it.
    """
    _refuse_paths(staleness, item_id)
    require_prepared(staleness, item_id)
    prepared = prepare(staleness, staleness.inputs(STAGES[MEASURE], item_id), STAGES[MEASURE])
    return prepared.archive(prepared.bundle())


def prepare(staleness: Staleness, inputs: StageInputs, stage: Stage) -> PreparedJob:
    """Return the job of a stage; raise JobError if only this machine can do it."""
    item_id = inputs.item_id
    _refuse_paths(staleness, item_id)
    item, paths = staleness.workspace.items[item_id], staleness.workspace.paths.item(item_id)
    read = tuple(dict.fromkeys(name for uses in stage.uses for name in uses.artifacts))
    detection = paths.read(Detection)
    injection = paths.read(Injection) if Injection.STAGE in read else None
    scaffolding = paths.read(Scaffolding) if Scaffolding.STAGE in read else None
    named = _named(detection, injection, scaffolding)
    with inputs.clone(*named) as clone:
        commits = _commits(detection, injection, clone, named)
        contents = dict(_files(stage, inputs, injection, scaffolding, clone))
        outline = clone.bundle_outline(*commits)
    artifacts = {name: read_bytes(paths.artifact(name)) for name in read}
    fingerprint = staleness.fingerprint(stage, item_id)
    included = None if _fills_templates(stage) else _nested(_settings(stage))
    job = Job(
        stage=stage.name,
        version=stage.version,
        item=item_id,
        fingerprint=fingerprint,
        made_from=staleness.made_from(stage, item_id),
        files={},
        settings=item.model_dump(mode="json", by_alias=True, include=included),
        confidence=item.confidence,
        negligible=item.negligible,
        seed=int(hash_of([fingerprint])[:8], 16),
        history=outline.history,
        shallow=outline.shallow,
    )
    _refuse_secrets(item_id, {"its settings": job.model_dump_json().encode(), **contents})
    files = {f"{name}.json": content for name, content in artifacts.items() if content is not None}
    return PreparedJob(job, {**files, **contents}, tuple(sorted(commits)), outline, lambda: inputs.clone(*named))


def require_prepared(staleness: Staleness, item_id: str) -> None:
    """Raise JobError unless the item could be measured now, without any other stage."""
    if staleness.waits(item_id):
        raise JobError("it waits for a person", where=item_id, hint="`prprep status` says for what")
    for stage in NEEDED:
        if not staleness.is_fresh(stage, item_id):
            raise JobError(f"{stage} is not up to date", where=item_id, hint=f"run `prprep inject:{item_id}` first")


def _refuse_paths(staleness: Staleness, item_id: str) -> None:
    python = staleness.item(item_id).settings["env"]["python"]
    if python and is_path(python):
        what = f"`env: python` is {python}, a path that other machines need not have"
        raise JobError(what, where=item_id, hint="name a version: `env: {python: '3.12'}`")


def _settings(stage: Stage) -> Iterator[str]:
    for uses in stage.uses:
        yield from uses.settings


def _nested(names: Iterable[str]) -> dict[str, Any]:
    """Return `env.python` as `{"env": {"python": True}}`, as pydantic wants it."""
    nested: dict[str, Any] = {}
    for name in names:
        outer, _, inner = name.partition(".")
        nested[outer] = {**nested.get(outer, {}), inner: True} if inner else True
    return nested


def _named(detection: Detection, injection: Injection | None, scaffolding: Scaffolding | None) -> set[str]:
    """Return the commits that an item names, which the clone may have to fetch."""
    named = {detection.base, *detection.picked}
    for spec in (injection.base, injection.head) if injection else ():
        named |= {spec.commit, *spec.picks}
    named |= {scaffolding.source} if scaffolding and scaffolding.origin in SIDES else set()
    return named if detection.picked else named | {detection.head}


def _commits(detection: Detection, injection: Injection | None, clone: Clone, named: set[str]) -> set[str]:
    """Return the commits that are checked out or read, and with those that are cherry-picked their parents."""
    if detection.picked:
        clone.cherry_pick(detection.base, detection.picked)  # a clone may have lost this head
    picks = {*detection.picked, *((*injection.base.picks, *injection.head.picks) if injection else ())}
    return {*named, detection.head, *(parent for pick in picks for parent in clone.parents(pick))}


def _files(
    stage: Stage, inputs: StageInputs, injection: Injection | None, scaffolding: Scaffolding | None, clone: Clone
) -> Iterator[tuple[str, bytes]]:
    """Yield what the stage reads besides artifacts and commits."""
    if _fills_templates(stage):
        for path in sorted(inputs.templates.glob("*.j2")) if inputs.templates else ():
            yield TEMPLATES + path.name, path.read_bytes()
        if scaffolding:
            yield from _sources(scaffolding, inputs.folder)
    elif injection and scaffolding:
        folder, worktree = inputs.folder, inputs.worktree
        for path, content in trees.contents(injection, scaffolding, clone, folder=folder, worktree=worktree).items():
            yield FILES + path, content


def _fills_templates(stage: Stage) -> bool:
    """Return whether a stage fills templates, which may show any setting of the item."""
    return any(uses.templates for uses in stage.uses)


def _sources(scaffolding: Scaffolding, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the benchmark and its data files if no commit holds them."""
    files = [(each.source, each.sha256) for each in scaffolding.data.values()]
    if scaffolding.origin not in SIDES:
        files.append((scaffolding.source, scaffolding.sha256))
    for source, sha256 in files:
        if (content := read_bytes(folder / source)) is not None:
            yield SOURCES + sha256, content


def _refuse_secrets(item_id: str, texts: Mapping[str, bytes]) -> None:
    known = secrets.current()
    for name, content in texts.items():
        if known.are_in(content.decode(errors="surrogateescape")):
            what = f"a secret of this environment is in {name.removeprefix(FILES)}, and would be in the job"
            raise JobError(what, where=item_id, hint="take it out; `env: {pass: [NAME]}` lets the other machine set it")
