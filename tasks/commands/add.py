"""`prprep add`: add one optimization to the manifest."""

from typing import Any

from doit.cmd_base import Command

from ..errors import ManifestError, RepositoryError, UsageError
from ..graph.loader import JSON, ManifestLoader, graph_of, option
from ..init.candidate import Candidate
from ..init.draft import history_of, requested_candidates
from ..init.ids import Ids
from ..init.items import ProposedItem, propose
from ..init.manifest_text import item_lines, yaml_scalar
from ..init.repository import RepositoryHistory
from ..json_output.document import Answer, name_manifest
from ..json_output.items import items_of
from ..manifest.insertion import inserted
from ..manifest.reader import parse, shown_path
from ..processes.real_paths import real_path
from ..storage.files import write_whole
from ..text.messages import quoted
from ..workspace.repository import Repository, RepositoryKey
from ..workspace.workspace import Workspace


class Add(Command):  # type: ignore[misc]
    doc_usage = "REF"
    doc_description = "REF is a branch, tag or commit. The rest of the manifest stays as it is, comments included."
    example = "prprep add perf/faster-parsing --id parsing"
    cmd_options = (
        *ManifestLoader.cmd_options,
        option("id", "its id [default: derived from the branch, or from the commit's title]", "ID"),
        JSON,
    )
    answer: Answer

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        graph = graph_of(opt_values["manifest"])
        name_manifest(self.answer, graph)
        item = add(graph.workspace, pos_args[0], opt_values["id"] or None)
        print(f"added to {graph.manifest.name}:\n\n  id: {item.id}")
        print("\n".join(f"  {line}" for line in item_lines(item.values, item.remarks)))
        print("".join(f"\n  note: {warning}" for warning in item.warnings))
        print(f"next: prprep render:{item.id}")
        self.answer["items"] = tuple(items_of(graph_of(str(graph.manifest)).staleness, [item.id]))
        return 0


def add(workspace: Workspace, ref: str, item_id: str | None) -> ProposedItem:
    """Add an item for `ref`, a branch, tag or commit of the manifest's repository.

    Raise UsageError if the ref does not exist, the id is taken or the optimization is in the manifest already,
    RepositoryError if it cannot be compared.
    """
    path, top = workspace.paths.manifest, workspace.plan.top
    repository = Repository(
        RepositoryKey(top["repo"], top["upstream"], top["slug"]), folder=workspace.folder, cache=workspace.cache
    )
    ids = tuple(workspace.plan.items)
    if item_id and item_id.lower() in {other.lower() for other in ids}:
        what = f"the id {quoted(item_id)} is taken"
        raise UsageError(what, where=shown_path(path), hint="choose another one: --id ID")
    with repository.clone({ref}) as clone:
        history = history_of(repository, clone, repository.upstream())
        item = propose(history, _candidate(history, ref), Ids(ids), item_id=item_id)
        if item.problem:
            hint = "name a change that applies to upstream, or to the commit before it"
            raise RepositoryError(item.problem, where=ref, hint=hint)
        if same := _listed(workspace, history, item):
            what = f"{quoted(ref)} is in the manifest already, as {same}"
            raise UsageError(what, where=shown_path(path), hint=f"see `prprep inventory {same}`")
    _write(workspace, item)
    return item


def _candidate(history: RepositoryHistory, ref: str) -> Candidate:
    clone = history.clone
    resolved = clone.resolve([ref])
    is_short_sha = len(ref) >= 4 and set(ref) <= set("0123456789abcdef")
    if resolved[ref] is None and is_short_sha and (matches := clone.with_prefix(ref)):
        hint = f"give more digits: {', '.join(sha[:16] for sha in matches)}"
        raise UsageError(f"the commit {quoted(ref)} is ambiguous", hint=hint)
    (candidate,) = requested_candidates(history.path, resolved, "prprep add", "fetch it, or correct it")
    return candidate


def _listed(workspace: Workspace, history: RepositoryHistory, item: ProposedItem) -> str | None:
    """Return the item of the manifest with the same commits."""
    refs = [str(item.values.get("head", "")), *item.values.get("commits", ())]
    commits = {sha for sha in history.clone.resolve([ref for ref in refs if ref]).values() if sha}
    for item_id in workspace.plan.items:
        other = workspace.refs(item_id)
        is_same_repository = other.address == history.refs.address
        if is_same_repository and commits == ({other.head} if other.head else set(other.picks)):
            return item_id
    return None


def _write(workspace: Workspace, item: ProposedItem) -> None:
    path = workspace.paths.manifest
    content = path.read_bytes()
    byte_order_mark = "\ufeff" if content.startswith(b"\xef\xbb\xbf") else ""
    lines = item_lines(item.values, item.remarks)
    text = byte_order_mark + inserted(content.decode("utf-8-sig"), yaml_scalar(item.id), lines)
    _, mistakes = parse(text.encode(), path)
    if mistakes:
        raise ManifestError(shown_path(path), mistakes)
    write_whole(real_path(path), text)
