"""Check a manifest against its repository: refs and functions that do not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from pathlib import Path

from .. import git
from ..errors import Problem, RepositoryError, SourceError
from ..manifest.document import Loc
from ..manifest.model import Optimization
from ..manifest.reader import LoadedManifest
from ..text.messages import nearest, quoted
from ..text.target_names import benchmark_file

Lookup = Callable[[Optimization, str], tuple[bool, tuple[str, ...]]]
"""Returns whether an item's function is at head or base, and if not, functions with similar names.

Raises SourceError if the repository has it in another way, such as in a submodule.
"""

_MOST_SUGGESTIONS = 20
"""If more refs are wrong, it is the repository that is wrong; and looking for similar names takes long."""


def check(loaded: LoadedManifest, repository: Path, exists: Lookup, items: Collection[str]) -> list[Problem]:
    """Return a problem for each ref of the items that does not resolve, and for each function that is nowhere.

    Refs are resolved in one git process.
    """
    uses = list(_refs(loaded, items))
    try:
        commits = git.resolve(repository, sorted({ref for _, ref in uses}))
    except RepositoryError as error:
        return [loaded.document.problem(error.what, loaded.repository_loc(items), suggestion=error.hint)]
    missing = {ref for _, ref in uses if commits.get(ref) is None}
    names = git.ref_names(repository) if missing else ()
    shallow = bool(missing) and git.is_shallow(repository)
    suggestions = {ref: _suggestion(ref, names, shallow=shallow) for ref in sorted(missing)[:_MOST_SUGGESTIONS]}
    problems = [_no_commit(loaded, loc, ref, suggestions.get(ref, "")) for loc, ref in uses if ref in missing]
    return [*problems, *_missing_functions(loaded, missing, exists, items)]


def function_lookup(clone: git.Clone, refs: Callable[[str], git.Refs]) -> Lookup:
    """Return a lookup of functions in the files of an item's commits, which `refs` returns by the item's id.

    A file that is not valid Python counts as having the function: the stage that needs it says what is wrong.
    """
    from ..project.absent import Absence, absence
    from ..project.code.sources import Sources
    from ..project.files import CommitTree
    from ..project.layout import describe

    tree = cache(lambda commit: CommitTree(clone, commit))

    def exists(item: Optimization, function: str) -> tuple[bool, tuple[str, ...]]:
        sides = _sides(clone, refs(item.id))
        changes = clone.changes(sides[1], sides[0]) if len(sides) > 1 else ()
        # What differs between head and base decides which of several projects is meant.
        focus = tuple(path for change in changes for path in (change.head_path, change.base_path) if path)
        benchmark = benchmark_file(item.benchmark)[0] if isinstance(item.benchmark, str) else ""
        near: list[str] = []
        elsewhere: list[Absence] = []
        for commit in sides:
            try:
                layout = describe(tree(commit), focus=focus, benchmark=benchmark, functions=item.functions)
                sources = Sources(tree(commit), layout.import_roots)
                if sources.find(function):
                    return True, ()
                near += filter(sources.find, sources.near_names(function))
            except SourceError:
                return True, ()
            module = function.partition(":")[0]
            absent = None if near or sources.path_of(module) else absence(module, sources.tree, sources.roots)
            if absent and absent.is_compiled:
                return True, ()
            elsewhere += [absent] if absent else []
        if elsewhere and not near:
            raise SourceError(elsewhere[0].cause, hint=elsewhere[0].hint)
        return False, tuple(dict.fromkeys(near))

    return exists


def _items(loaded: LoadedManifest, items: Collection[str]) -> Iterator[tuple[Optimization, Loc]]:
    for item, loc in zip(loaded.manifest.optimizations, loaded.item_locs, strict=True):
        if item.id in items:
            yield item, loc


def _refs(loaded: LoadedManifest, items: Collection[str]) -> Iterator[tuple[Loc, str]]:
    """Yield every ref of the manifest; the top level's upstream applies to the top level's repository only."""
    own_items = [
        item for item, _ in _items(loaded, items) if item.repo in (None, loaded.manifest.repo) and not item.upstream
    ]
    if loaded.manifest.upstream and own_items:
        yield ("upstream",), loaded.manifest.upstream
    for item, loc in _items(loaded, items):
        for key, ref in (("upstream", item.upstream), ("base", item.base), ("head", item.head)):
            if ref:
                yield (*loc, key), ref
        for index, ref in enumerate(item.commits):
            yield (*loc, "commits", index), ref


def _no_commit(loaded: LoadedManifest, loc: Loc, ref: str, suggestion: str) -> Problem:
    key = next(part for part in reversed(loc) if isinstance(part, str))
    verb = "holds" if loaded.document.is_list(loc[:-1]) else "is"
    message = f"`{key}` {verb} {quoted(ref)}, but the repository has no such branch, tag or commit"
    return loaded.document.problem(message, loc, suggestion=suggestion)


def _suggestion(ref: str, names: Sequence[str], *, shallow: bool) -> str:
    remote = next((name for name in names if name.endswith(f"/{ref}")), None)
    if meant := remote or nearest(ref, names):
        return f"did you mean {meant}?"
    if shallow:
        return git.SHALLOW
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", ref):
        return "fetch it, if another repository has it"
    return "it may be ambiguous: give more digits" if re.fullmatch(r"[0-9a-f]{4,39}", ref) else ""


def _missing_functions(
    loaded: LoadedManifest, missing: set[str], exists: Lookup, items: Collection[str]
) -> Iterator[Problem]:
    """Look up the functions of the items whose refs all resolve."""
    for item, loc in _items(loaded, items):
        functions = () if missing & {item.base, item.head, *item.commits} else item.functions
        for index, function in enumerate(functions):
            why, hint = "which is neither at head nor at base", ""
            try:
                is_there, near = exists(item, function)
                hint = f"did you mean {near[0]}?" if near else ""
            except SourceError as error:
                is_there, why, hint = False, f"but {error.what}", error.hint
            if not is_there:
                at = (*loc, "functions", index)
                verb = "holds" if loaded.document.is_list(at[:-1]) else "is"
                message = f"`functions` {verb} {quoted(function)}, {why}"
                yield loaded.document.problem(message, at, suggestion=hint)


def _sides(clone: git.Clone, refs: git.Refs) -> tuple[str, ...]:
    """Return the commits that may hold an item's functions: head, base, and those to be picked."""
    base = refs.base or (clone.merge_base(refs.upstream, refs.head) if refs.head else refs.upstream)
    return tuple(dict.fromkeys(commit for commit in (refs.head, base, *refs.picks) if commit))
