"""Pack everything that measuring an item needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..artifacts import Detection, Injection, Scaffolding
from ..bench import trees
from ..bench.setup import ItemArtifacts
from ..environments.interpreters import is_path
from ..errors import JobError
from ..git import Clone
from ..processes import secrets
from ..stages.measure import STAGE, STOPPING_RULE
from ..staleness import Staleness
from ..storage.hashing import hash_of
from .files import COMMITS, Job, hashes

NEEDED: Final = ("detect", "record", "scaffold", "inject")
"""The stages before `measure` that decide what is measured."""
ARTIFACTS: Final = (Detection, Scaffolding, Injection)
FILES: Final = "files/"
"""The folder of the benchmark and the files it needs, by their paths in both trees."""


def pack(staleness: Staleness, item_id: str) -> bytes:
    """Return a job, the same bytes for the same item and commits.

    Raises JobError if the item is not ready to be measured, or if only this machine can measure it.
    """
    workspace = staleness.workspace
    item, paths = workspace.items[item_id], workspace.paths.item(item_id)
    if item.env.python and is_path(item.env.python):
        what = f"`env: python` is {item.env.python}, a path that other machines need not have"
        raise JobError(what, where=item_id, hint="name a version: `env: {python: '3.12'}`")
    require_prepared(staleness, item_id)
    inputs = staleness.inputs(STAGE, item_id)
    artifacts = ItemArtifacts.read(paths)
    with inputs.clone(*_named(artifacts)) as clone:
        commits = _commits(artifacts, clone)
        contents = trees.contents(
            artifacts.injection, artifacts.scaffolding, clone, folder=workspace.folder, worktree=inputs.worktree
        )
        bundle = clone.bundle(*commits)
    files = {f"{model.STAGE}.json": paths.artifact(model.STAGE).read_bytes() for model in ARTIFACTS}
    files |= {FILES + path: content for path, content in contents.items()} | {COMMITS: bundle.content}
    confidence, negligible = inputs.value(STOPPING_RULE)
    fingerprint = staleness.fingerprint(STAGE, item_id)
    job = Job(
        item=item_id,
        fingerprint=fingerprint,
        made_from=staleness.made_from(STAGE, item_id),
        files=hashes(files),
        settings=item.model_dump(mode="json", by_alias=True, include=_nested(_settings())),
        confidence=confidence,
        negligible=negligible,
        seed=int(hash_of([fingerprint])[:8], 16),
        history=bundle.history,
        shallow=bundle.shallow,
    )
    _refuse_secrets(item_id, {"its settings": job.model_dump_json().encode(), **contents})
    return job.archive(files)


def require_prepared(staleness: Staleness, item_id: str) -> None:
    """Raise JobError unless the item could be measured now, without any other stage."""
    if staleness.waits(item_id):
        raise JobError("it waits for a person", where=item_id, hint="`prprep status` says for what")
    for stage in NEEDED:
        if not staleness.is_fresh(stage, item_id):
            raise JobError(f"{stage} is not up to date", where=item_id, hint=f"run `prprep inject:{item_id}` first")


def _settings() -> Iterator[str]:
    for uses in STAGE.uses:
        yield from uses.settings


def _nested(names: Iterable[str]) -> dict[str, Any]:
    """Return `env.python` as `{"env": {"python": True}}`, as pydantic wants it."""
    nested: dict[str, Any] = {}
    for name in names:
        outer, _, inner = name.partition(".")
        nested[outer] = {**nested.get(outer, {}), inner: True} if inner else True
    return nested


def _named(artifacts: ItemArtifacts) -> set[str]:
    """Return the commits that an item names, which the clone may have to fetch."""
    detection, scaffolding, injection = artifacts.detection, artifacts.scaffolding, artifacts.injection
    specs = injection.base, injection.head
    named = {detection.base, *detection.picked, *(sha for spec in specs for sha in (spec.commit, *spec.picks))}
    named |= {scaffolding.source} if scaffolding.origin in {"base", "head"} else set()
    return named if detection.picked else named | {detection.head}


def _commits(artifacts: ItemArtifacts, clone: Clone) -> set[str]:
    """Return the commits that are checked out or read, and with those that are cherry-picked their parents."""
    detection, injection = artifacts.detection, artifacts.injection
    if detection.picked:
        clone.cherry_pick(detection.base, detection.picked)  # a clone may have lost this head
    picks = {*detection.picked, *injection.base.picks, *injection.head.picks}
    return {*_named(artifacts), detection.head, *(parent for pick in picks for parent in clone.parents(pick))}


def _refuse_secrets(item_id: str, texts: Mapping[str, bytes]) -> None:
    known = secrets.current()
    for name, content in texts.items():
        if known.are_in(content.decode(errors="surrogateescape")):
            what = f"a secret of this environment is in {name}, and would be in the job"
            raise JobError(what, where=item_id, hint="take it out; `env: {pass: [NAME]}` lets the other machine set it")
