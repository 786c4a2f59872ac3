"""Find the two commits that are compared, and the commits of the optimization between them."""

from dataclasses import dataclass, replace

from ...artifacts import Commit
from ...errors import CherryPickError, RepositoryError
from ...git import Clone, Refs
from ...manifest.model import Optimization
from ...text.messages import quoted


@dataclass(frozen=True, slots=True)
class Span:
    """Base and head as full SHAs; `picked` are the commits that were cherry-picked onto base to make head."""

    base: str
    head: str
    commits: tuple[Commit, ...]
    picked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def span_of(item: Optimization, refs: Refs, clone: Clone) -> Span:
    """Find the span of an item.

    The default base is the merge base of upstream and head, or head's first parent if upstream contains head. Listed
    commits are cherry-picked onto the merge base of upstream and the first commit's parent. Raise RepositoryError if a
    commit does not exist, the histories have nothing in common, or nothing changed and the item does not name both
    sides; CherryPickError on a conflict.
    """
    _check_commits(item, refs, clone)
    span = _picked(item, refs, clone) if refs.picks else _between(item, refs, clone)
    if clone.tree_of(span.base) != clone.tree_of(span.head):
        return span
    if not (item.base and item.head):
        what = f"nothing changed between base ({span.base[:12]}) and head ({span.head[:12]})"
        raise RepositoryError(what, where=item.id, hint="name the commits that hold the change as `head` or `commits`")
    note = "Base and head have the same files: this comparison shows only the noise of the machine."
    return replace(span, notes=(*span.notes, note))


def _check_commits(item: Optimization, refs: Refs, clone: Clone) -> None:
    named = [("base", item.base, refs.base), ("head", item.head, refs.head)]
    if len(refs.picks) != len(item.commits):
        resolved = clone.resolve(item.commits)
        named += [("commits", ref, resolved[ref]) for ref in item.commits]
    for key, ref, sha in named:
        if ref and not sha:
            what = f"`{key}` names {quoted(ref)}, but the repository has no such branch, tag or commit"
            raise RepositoryError(what, where=item.id, hint=clone.way_out("correct it in the manifest, or fetch it"))
    if not refs.head and not refs.picks:
        what = "this optimization has neither `head` nor `commits`"
        raise RepositoryError(what, where=item.id, hint="name what holds the change")


def _picked(item: Optimization, refs: Refs, clone: Clone) -> Span:
    first = refs.picks[0]
    parent = _first_parent(clone, first)
    base = refs.base or (parent and clone.merge_base(refs.upstream, parent))
    if not base:
        what = f"commit {first[:12]} and {refs.upstream_ref} have no commit in common that could be the base"
        raise RepositoryError(
            what, where=item.id, hint=clone.way_out("name the commit to pick them onto: `base: COMMIT`")
        )
    commits = tuple(map(clone.commit, refs.picks))
    try:
        head = clone.cherry_pick(base, refs.picks)
    except CherryPickError as error:
        error.where = error.where or item.id
        raise
    return Span(base, head, commits, picked=refs.picks)


def _between(item: Optimization, refs: Refs, clone: Clone) -> Span:
    head = refs.head or ""
    if base := refs.base:
        notes = _notes_on_base(item, base, head, clone)
    else:
        base, notes = _default_base(item, refs, clone)
    return Span(base, head, clone.commits(base, head), notes=notes)


def _default_base(item: Optimization, refs: Refs, clone: Clone) -> tuple[str, tuple[str, ...]]:
    head = refs.head or ""
    base = clone.merge_base(refs.upstream, head)
    if base is None:
        what = f"{refs.upstream_ref} and {item.head} have no common history"
        raise RepositoryError(
            what, where=item.id, hint=clone.way_out("name the commit before the change: `base: COMMIT`")
        )
    if base != head:
        return base, ()
    parent = _first_parent(clone, head)
    if parent is None:
        what = f"{item.head} is the first commit of the repository: there is nothing to compare it with"
        if clone.is_shallow:
            what = f"the history of the clone ends at {item.head}: there is nothing to compare it with"
        hint = clone.way_out("name the commit that holds the change: `head: COMMIT`")
        raise RepositoryError(what, where=item.id, hint=hint)
    note = (
        f"{refs.upstream_ref} contains {item.head} already, so it is compared with its first parent; "
        "name `base` if the optimization has more commits."
    )
    return parent, (note,)


def _notes_on_base(item: Optimization, base: str, head: str, clone: Clone) -> tuple[str, ...]:
    """Say what the manifest's base means for the comparison; raise RepositoryError if it comes after head."""
    common = clone.merge_base(base, head)
    if common == head and base != head:
        what = f"`base` ({item.base}) comes after `head` ({item.head})"
        hint = "name the commit before the change as `base` and the one with it as `head`"
        raise RepositoryError(what, where=item.id, hint=hint)
    if common is None:
        history = "common history in this shallow clone" if clone.is_shallow else "common history"
        return (f"{item.base} and {item.head} have no {history}; their files are compared.",)
    if missing := len(clone.commits(head, base)):
        return (f"{item.base} has {missing} commit(s) that {item.head} lacks; their effect is in the comparison too.",)
    return ()


def _first_parent(clone: Clone, commit: str) -> str | None:
    name = f"{commit}^1"
    return clone.resolve([name])[name]
