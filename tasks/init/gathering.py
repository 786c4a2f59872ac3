"""Collect the candidates of all sources, one for each optimization."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from ..artifacts import Commit
from ..text.figures import counted
from . import handoff, history, tables
from .candidate import Candidate, Unresolved, combined
from .functions import is_named
from .ids import CONVENTIONAL_PREFIX
from .notes import NoteFile
from .repository import RepositoryHistory

_HEX = re.compile(r"[0-9a-f]{4,40}")
_AMBIGUOUS_SHA = re.compile(r"(?<![\w#/.@,-])(?:[0-9]{7,40}|[a-f]{7,40})(?![\w/%-]|[.,]\d)")
_SMALL_WORDS = frozenset({"the", "of", "in", "for", "to", "and", "on", "by", "from", "with", "an", "is"})
_SIMILAR_TITLES = 0.75


@dataclass(frozen=True, slots=True)
class Gathered:
    """Candidates, each for another optimization; `sources` say what was read and how much each had."""

    candidates: tuple[Candidate, ...]
    sources: tuple[str, ...]
    reverted: Mapping[str, str]


def gather(repository: RepositoryHistory, notes: Sequence[NoteFile], requested: Sequence[Candidate] = ()) -> Gathered:
    """Read notes, results, log and branches, and combine candidates with the same commits, branch or function.

    `requested` are the user's own, which come first: the commits of a branch among them are no candidates of their own,
    nor is what upstream has already.
    """
    sources = [f"{len(requested)} on the command line"] if requested else []
    noted = [_resolved(repository, candidate) for candidate in requested]
    branches = {candidate.branch for candidate in noted if candidate.branch}
    whole = {sha for branch in branches for sha in repository.commits_of(branch)}
    for file in notes:
        read = tables.candidates_of_results if file.is_table else handoff.candidates
        candidates = read(_with_whole_shas(repository, file.text), file.path)
        noted += [_resolved(repository, candidate) for candidate in candidates]
        sources.append(f"{file.path} ({_counted(candidates)})")
    found = _from_git(repository, noted, sources, merged=not requested)
    from_git = [each for each in found if each.branch in branches or not whole.issuperset(each.commits)]
    all_candidates = _combine_same([*noted, *from_git])
    commits = (*repository.recent, *repository.current.commits)
    return Gathered(tuple(_with_commits(repository, all_candidates)), tuple(sources), history.reverted(commits))


def _with_whole_shas(repository: RepositoryHistory, text: str) -> str:
    """Complete short SHA-1s that have only digits or only letters, which would be read as numbers and words."""
    words = {match[0] for match in _AMBIGUOUS_SHA.finditer(text)}
    commits = repository.clone.resolve(sorted(words)) if words else {}
    whole = {word: sha for word, sha in commits.items() if sha and sha.startswith(word)}  # no tag of that name
    return _AMBIGUOUS_SHA.sub(lambda match: whole.get(match[0], match[0]), text)


def _counted(candidates: Sequence[Candidate]) -> str:
    kept = sum(candidate.outcome == "kept" for candidate in candidates)
    count = counted(len(candidates), "optimization")
    return f"{count}, {kept} kept" if kept < len(candidates) else count


def _from_git(
    repository: RepositoryHistory, noted: Sequence[Candidate], sources: list[str], *, merged: bool
) -> Iterator[Candidate]:
    """Yield the candidates of the current branch, or those `merged` into upstream if it has no others, and branches."""
    current, branches = repository.current, repository.optimization_branches
    commits = [candidate.commits for candidate in noted if candidate.commits]
    name, upstream = current.name or "HEAD", repository.refs.upstream_ref
    if current.commits:
        sources.append(f"{counted(len(current.commits), 'commit')} of {name} since {upstream}")
        yield from history.candidates_of_branch(current, branches, commits)
    elif merged:
        recent = repository.recent
        last = f"the last {len(recent)} commits" if len(recent) > 1 else "the only commit"
        sources.append(f"{last} of {name}, already in {upstream}")
        yield from history.candidates_of_commits(recent, f"git log of {name}")
    if branches:
        listed = ", ".join(branch.name for branch in branches)
        sources.append(f"{counted(len(branches), 'branch', 'branches')}: {listed}")
    for branch in branches:
        others = [current, *(other for other in branches if other is not branch)]
        yield from history.candidates_of_branch(branch, others, commits)


def _resolved(repository: RepositoryHistory, candidate: Candidate) -> Candidate:
    """Replace commits by their full SHA-1, and warn of missing and ambiguous ones."""
    clone, branch = repository.clone, candidate.branch
    resolved = clone.resolve([*candidate.commits, *([branch] if branch else [])])
    warnings = list(candidate.warnings)
    unresolved: Unresolved = ""
    for name in (name for name in candidate.commits if not resolved[name]):
        if matches := clone.with_prefix(name) if _HEX.fullmatch(name) else ():
            unresolved = unresolved or "ambiguous"
            warnings.append(f"commit {name} is ambiguous: {' or '.join(sha[:12] for sha in matches)}")
        else:
            unresolved = "missing"
            warnings.append(f"commit {name} is not in the repository")
    if branch and not resolved[branch]:
        unresolved, branch = "missing", ""
        warnings.append(f"branch {candidate.branch} is not in the repository")
    commits = dict.fromkeys(sha for name in candidate.commits if (sha := resolved[name]))
    return replace(candidate, commits=tuple(commits), branch=branch, warnings=tuple(warnings), unresolved=unresolved)


def _combine_same(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Combine candidates for the same optimization; the order stays."""
    result: list[Candidate] = []
    for candidate in candidates:
        same = [other for other in result if _is_same(other, candidate)]
        # A branch with several optimizations of the notes says nothing about any of them.
        if len(same) < 2 or not candidate.is_from_git:
            position = result.index(same[0]) if same else len(result)
            result = [other for other in result if other not in same]
            result.insert(position, reduce(combined, [*same, candidate]))
    return result


def _is_same(first: Candidate, second: Candidate) -> bool:
    if set(first.commits) & set(second.commits):
        return True
    if first.branch and first.branch == second.branch and not (first.commits and second.commits):
        return True
    have_refs = first.has_refs and second.has_refs
    return not have_refs and first.outcome == second.outcome and bool(set(first.functions) & set(second.functions))


def _with_commits(repository: RepositoryHistory, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Look for the commits of kept optimizations without any: by their title, or by a changed function."""
    commits = repository.current.commits or repository.recent
    taken = {sha for candidate in candidates if not candidate.is_from_git for sha in candidate.commits}
    assigned: set[str] = set()
    completed = list(candidates)
    for index, candidate in enumerate(candidates):
        if candidate.outcome == "kept" and not candidate.has_refs and candidate.unresolved != "missing":
            free = [commit for commit in commits if commit.sha not in taken | assigned]
            by_title = _by_title(candidate, free)
            own = by_title or _by_function(repository, candidate, free)
            if shas := tuple(commit.sha for commit in own):
                how = "title" if by_title else "changed function"
                warnings = (*candidate.warnings, f"the notes name no commit; found by its {how}")
                completed[index] = replace(candidate, commits=shas, warnings=warnings)
                assigned.update(shas)
    return [each for each in completed if not (each.is_from_git and assigned & set(each.commits))]


def _by_title(candidate: Candidate, commits: Sequence[Commit]) -> list[Commit]:
    """Return the only commit with a similar title, if there is one."""
    wanted = _significant_words(candidate.title)
    similar = [each for each in commits if _are_similar(wanted, _significant_words(each.title))]
    return similar if len(similar) == 1 else []


def _by_function(repository: RepositoryHistory, candidate: Candidate, commits: Sequence[Commit]) -> list[Commit]:
    def changes_it(commit: Commit) -> bool:
        functions = candidate.functions
        return any(is_named(each, name) for name in functions for each in repository.functions_of(commit.sha))

    return list(filter(changes_it, commits))


def _significant_words(title: str) -> set[str]:
    return set(re.findall(r"[a-z0-9_]{2,}", CONVENTIONAL_PREFIX.sub("", title.lower()))) - _SMALL_WORDS


def _are_similar(first: set[str], second: set[str]) -> bool:
    return len(first) > 1 and len(first & second) >= _SIMILAR_TITLES * len(first | second)
