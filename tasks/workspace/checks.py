"""Hold a manifest against its repository: refs and functions that it names and that are not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from .. import git
from ..errors import Problem, RepositoryError, SourceError
from ..manifest.document import Loc
from ..manifest.model import Optimization
from ..manifest.reader import LoadedManifest
from ..text.messages import nearest, quoted

# Whether an item's function is at head or at base, and if not, functions with names like it.
Exists = Callable[["Optimization", str], tuple[bool, tuple[str, ...]]]

# Where more refs than this are wrong, it is the repository that is wrong, and looking for likenesses takes long.
_MOST_GUESSES = 20


def check(
    loaded: LoadedManifest,
    repository: Path | None,
    *,
    clone: git.Clone | None = None,
    exists: Exists | None = None,
    items: Collection[str] | None = None,
) -> list[Problem]:
    """Return the refs that name no commit, and, where `exists` is given, the functions that are not there.

    Refs are resolved in one git process, in the user's repository or, where that is an address, in its clone; `items` are
    those that are about it, all where it is None.
    """
    uses = list(_refs(loaded, items))
    try:
        commits, names = _asked(repository, clone, sorted({ref for _, ref in uses}))
    except RepositoryError as error:
        return [loaded.document.problem(error.what, loaded.repository_loc(items or ()), suggestion=error.hint)]
    missing = {ref for _, ref in uses if commits.get(ref) is None}
    guesses = {ref: _meant(ref, names()) for ref in sorted(missing)[:_MOST_GUESSES]}
    problems = [_no_commit(loaded, loc, ref, guesses.get(ref, "")) for loc, ref in uses if ref in missing]
    return [*problems, *(_missing_functions(loaded, missing, exists, items) if exists else ())]


def function_lookup(clone: git.Clone, refs: Callable[[str], git.Refs]) -> Exists:
    """Return the question whether a function of an item is there, answered from the files of its commits.

    `refs` gives an item's commits by its id. Where a file cannot be read as Python the answer is yes: the
    stage that needs the function says why.
    """
    from ..project.code.sources import Sources
    from ..project.files import CommitTree
    from ..project.layout import describe

    tree = cache(lambda commit: CommitTree(clone, commit))

    def exists(item: Optimization, function: str) -> tuple[bool, tuple[str, ...]]:
        sides = _sides(clone, refs(item.id))
        focus = _changed(clone, sides)
        near: list[str] = []
        for commit in sides:
            try:
                sources = Sources(tree(commit), describe(tree(commit), focus=focus).import_roots)
                if sources.find(function):
                    return True, ()
                near += filter(sources.find, sources.near_names(function))
            except SourceError:
                return True, ()
        return False, tuple(dict.fromkeys(near))

    return exists


def _asked(
    repository: Path | None, clone: git.Clone | None, refs: Sequence[str]
) -> tuple[Mapping[str, str | None], Callable[[], tuple[str, ...]]]:
    """Resolve refs, and give the question for the names of all branches and tags."""
    if repository is not None:
        return git.resolve(repository, refs), cache(lambda: git.ref_names(repository))
    if clone is not None:
        return clone.resolve(refs), cache(lambda: git.ref_names(clone.path))
    return dict.fromkeys(refs, ""), tuple


def _items(loaded: LoadedManifest, items: Collection[str] | None) -> Iterator[tuple[Optimization, Loc]]:
    for item, place in zip(loaded.manifest.optimizations, loaded.item_locs, strict=True):
        if items is None or item.id in items:
            yield item, place


def _refs(loaded: LoadedManifest, items: Collection[str] | None) -> Iterator[tuple[Loc, str]]:
    """Yield every ref of the manifest with its place; the top level's upstream belongs to the repository named beside it."""
    its_own = [
        item for item, _ in _items(loaded, items) if item.repo in (None, loaded.manifest.repo) and not item.upstream
    ]
    if loaded.manifest.upstream and its_own:
        yield ("upstream",), loaded.manifest.upstream
    for item, place in _items(loaded, items):
        for key, ref in (("upstream", item.upstream), ("base", item.base), ("head", item.head)):
            if ref:
                yield (*place, key), ref
        for index, ref in enumerate(item.commits):
            yield (*place, "commits", index), ref


def _no_commit(loaded: LoadedManifest, loc: Loc, ref: str, suggestion: str) -> Problem:
    key = next(part for part in reversed(loc) if isinstance(part, str))
    verb = "holds" if loaded.document.is_list(loc[:-1]) else "is"
    message = f"`{key}` {verb} {quoted(ref)}, but the repository has no such branch, tag or commit"
    return loaded.document.problem(message, loc, suggestion=suggestion)


def _meant(ref: str, names: Sequence[str]) -> str:
    """Say which branch or tag was probably meant, or where a commit may be."""
    remote = next((name for name in names if name.endswith(f"/{ref}")), None)
    if meant := remote or nearest(ref, names):
        return f"did you mean {meant}?"
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", ref):
        return "fetch it, if another repository has it"
    return "more digits may be needed to tell it from others" if re.fullmatch(r"[0-9a-f]{4,39}", ref) else ""


def _missing_functions(
    loaded: LoadedManifest, missing: set[str], exists: Exists, items: Collection[str] | None
) -> Iterator[Problem]:
    """Look for the functions of the items whose refs are all there."""
    for item, place in _items(loaded, items):
        if missing & {item.base, item.head, *item.commits}:
            continue
        for index, function in enumerate(item.functions):
            there, near = exists(item, function)
            if not there:
                loc = (*place, "functions", index)
                verb = "holds" if loaded.document.is_list(loc[:-1]) else "is"
                message = f"`functions` {verb} {quoted(function)}, which is neither at head nor at base"
                yield loaded.document.problem(message, loc, suggestion=f"did you mean {near[0]}?" if near else "")


def _sides(clone: git.Clone, refs: git.Refs) -> tuple[str, ...]:
    """Return the commits in which an item's functions may be: head, base, and those to be picked."""
    base = refs.base or (clone.merge_base(refs.upstream, refs.head) if refs.head else refs.upstream)
    return tuple(dict.fromkeys(commit for commit in (refs.head, base, *refs.picks) if commit))


def _changed(clone: git.Clone, sides: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files that differ between the first two sides: they tell which project of several is meant."""
    if len(sides) < 2:
        return ()
    return tuple(
        path for change in clone.changes(sides[1], sides[0]) for path in (change.head_path, change.base_path) if path
    )
