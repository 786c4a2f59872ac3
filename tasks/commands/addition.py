"""Add one optimization to a manifest that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import git
from ..errors import ManifestError, RepositoryError, UsageError
from ..init.candidate import Lead
from ..init.draft import repository_of
from ..init.ids import Ids
from ..init.items import entry_of
from ..init.manifest_text import item_lines, spelled
from ..manifest.insertion import inserted
from ..manifest.reader import parse, shown_path
from ..storage.files import write_whole
from ..text.messages import nearest, quoted
from ..workspace.repository import Named, Target

if TYPE_CHECKING:
    from ..git import Refs
    from ..init.items import Entry
    from ..init.repository import Repository
    from ..workspace.workspace import Workspace


def run(workspace: Workspace, ref: str, item_id: str | None) -> Entry:
    """Write the manifest anew with an item for `ref`, a branch, tag or commit of the manifest's repository.

    Raise UsageError for a ref that is not there, an id that is taken and an optimization that is listed already,
    RepositoryError where nothing can be compared.
    """
    path, top = workspace.paths.manifest, workspace.plan.top
    target = Target(Named(top["repo"], top["upstream"], top["slug"]), folder=workspace.folder, cache=workspace.cache)
    known = tuple(workspace.plan.items)
    if item_id and item_id.lower() in {each.lower() for each in known}:
        raise UsageError(
            f"there is an optimization {quoted(item_id)} already",
            where=shown_path(path),
            hint="give another one: --id ID",
        )
    with target.clone({ref}) as clone:
        repository = repository_of(target, clone, target.upstream())
        entry = entry_of(repository, _lead(repository, ref), Ids(known), item_id=item_id)
        if entry.problem:
            raise RepositoryError(
                entry.problem,
                where=ref,
                hint="name what holds the change and goes onto upstream, or onto what was before it",
            )
        if same := _listed(workspace, repository, entry):
            what = f"{quoted(ref)} is in the manifest already, as {same}"
            raise UsageError(what, where=shown_path(path), hint=f"see `prprep inventory {same}`")
    _write(workspace, entry)
    return entry


def _lead(repository: Repository, ref: str) -> Lead:
    clone = repository.clone
    found = clone.resolve([ref])[ref]
    if found is None:
        several = clone.with_prefix(ref) if len(ref) >= 4 and set(ref) <= set("0123456789abcdef") else ()
        if several:
            raise UsageError(
                f"{quoted(ref)} may be several commits",
                hint=f"give more digits: {', '.join(sha[:16] for sha in several)}",
            )
        meant = nearest(ref, git.ref_names(repository.place))
        raise UsageError(
            f"{quoted(ref)} names no branch, tag or commit",
            hint=f"did you mean {meant}?" if meant else "fetch it, or correct it",
        )
    if ref in git.branch_names(repository.place):
        return Lead("prprep add", branch=ref, standing="kept")
    return Lead("prprep add", commits=(found,), standing="kept")


def _listed(workspace: Workspace, repository: Repository, entry: Entry) -> str | None:
    """Return the item that is about the same commits."""
    clone, own = repository.clone, [str(entry.values.get("head", "")), *entry.values.get("commits", ())]
    new = {sha for sha in clone.resolve([name for name in own if name]).values() if sha}
    for item_id in workspace.plan.items:
        refs: Refs = workspace.refs(item_id)
        if refs.address == repository.refs.address and new == ({refs.head} if refs.head else set(refs.picks)):
            return item_id
    return None


def _write(workspace: Workspace, entry: Entry) -> None:
    path = workspace.paths.manifest
    raw = path.read_bytes()
    mark = "\ufeff" if raw.startswith(b"\xef\xbb\xbf") else ""
    values = {key: value for key, value in entry.values.items() if key != "id"}
    text = mark + inserted(raw.decode("utf-8-sig"), spelled(entry.id), item_lines(values, entry.remarks))
    _, mistakes = parse(text.encode(), path)
    if mistakes:
        raise ManifestError(shown_path(path), mistakes)
    write_whole(path.resolve(), text)
