"""Bring together what all sources say, so that each optimization is one lead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import handoff, history, results
from .candidate import Lead, together
from .functions import is_named

if TYPE_CHECKING:
    from ..artifacts import Commit
    from .notes import Note
    from .repository import Repository

_HEX = re.compile(r"[0-9a-f]{4,40}")


@dataclass(frozen=True, slots=True)
class Gathered:
    """Leads, each of another optimization; `sources` says what was looked at, and what it held."""

    leads: tuple[Lead, ...]
    sources: tuple[str, ...]
    reverted: Mapping[str, str]


def gather(repository: Repository, notes: Sequence[Note], named: Sequence[Lead] = ()) -> Gathered:
    """Read notes, results, the log and branches, and merge what is about the same commits, branch or function.

    `named` are leads of the user's own, which go before all others.
    """
    told, sources = [*named], [f"{len(named)} of the command line"] if named else []
    for note in notes:
        found = (results if note.is_table else handoff).leads(note.text, note.path)
        told += found
        sources.append(f"{note.path} ({len(found)} optimization{'s' if len(found) != 1 else ''}{_kept(found)})")
    told = [_resolved(repository, lead) for lead in told]
    seen = tuple(_of_git(repository, told, sources))
    merged = _merged([*told, *seen])
    commits = (*repository.recent, *repository.current.commits)
    return Gathered(tuple(_located(repository, merged)), tuple(sources), history.reverted(commits))


def _kept(found: Sequence[Lead]) -> str:
    count = sum(lead.standing == "kept" for lead in found)
    return f", {count} kept" if found and count < len(found) else ""


def _of_git(repository: Repository, told: Sequence[Lead], sources: list[str]) -> Iterable[Lead]:
    current, branches = repository.current, repository.named_branches
    named = [lead.commits for lead in told if lead.commits]
    name = current.name or "HEAD"
    if current.commits:
        several = "s" if len(current.commits) > 1 else ""
        sources.append(f"{len(current.commits)} commit{several} of {name} since {repository.refs.upstream_ref}")
        yield from history.of_branch(current, branches, named)
    else:
        last = f"the last {len(repository.recent)} commits" if len(repository.recent) > 1 else "the one commit"
        sources.append(f"{last} of {name}, which {repository.refs.upstream_ref} has already")
        yield from history.of_commits(repository.recent, f"git log of {name}")
    if branches:
        sources.append(
            f"{len(branches)} branch{'es' if len(branches) > 1 else ''}: {', '.join(branch.name for branch in branches)}"
        )
    for branch in branches:
        yield from history.of_branch(branch, [current, *(other for other in branches if other is not branch)], named)


def _resolved(repository: Repository, lead: Lead) -> Lead:
    """Return commits by their full SHA-1, and say which of them are not there or may be several."""
    found = repository.clone.resolve(lead.commits)
    commits, notes = [], list(lead.notes)
    for name in lead.commits:
        if sha := found[name]:
            commits.append(sha)
            continue
        several = repository.clone.with_prefix(name) if _HEX.fullmatch(name) else ()
        several_told = f"commit {name} is not clear: {', '.join(sha[:12] for sha in several)} begin with it"
        notes.append(several_told if several else f"commit {name} is not in the repository")
    branch = lead.branch
    if branch and not repository.clone.resolve([branch])[branch]:
        notes.append(f"branch {branch} is not in the repository")
        branch = ""
    return replace(lead, commits=tuple(dict.fromkeys(commits)), branch=branch, notes=tuple(notes))


def _merged(leads: Sequence[Lead]) -> list[Lead]:
    """Put together leads that share a commit or a branch, in the order in which they came."""
    merged: list[Lead] = []
    for lead in leads:
        same = [other for other in merged if _same(other, lead)]
        if not same:
            merged.append(lead)
            continue
        first, *others = same
        if len(same) > 1 and lead.source.startswith(("branch", "git log")):
            # A branch that holds several optimizations of the notes says nothing of any of them.
            continue
        whole = first
        for other in (*others, lead):
            whole = together(whole, other)
        merged[merged.index(first)] = whole
        merged = [other for other in merged if other not in others]
    return merged


def _same(first: Lead, second: Lead) -> bool:
    if set(first.commits) & set(second.commits):
        return True
    if first.branch and first.branch == second.branch and not (first.commits and second.commits):
        return True
    named = set(first.functions) & set(second.functions)
    return bool(named) and not (first.refers and second.refers) and first.standing == second.standing


def _located(repository: Repository, leads: Sequence[Lead]) -> Iterable[Lead]:
    """Look for the commits of kept optimizations that name none: by their title, or by a function that a commit changes."""
    commits = repository.current.commits or repository.recent
    taken = {sha for lead in leads if not _only_git(lead) for sha in lead.commits}
    found: dict[int, list[Commit]] = {}
    for place, lead in enumerate(leads):
        if (
            lead.standing == "kept"
            and not lead.refers
            and not any("is not in the repository" in note for note in lead.notes)
        ):
            free = [commit for commit in commits if commit.sha not in taken]
            found[place] = _by_title(lead, free) or _by_function(repository, lead, free)
            taken |= {commit.sha for commit in found[place]}
    claimed = {commit.sha for several in found.values() for commit in several}
    for place, lead in enumerate(leads):
        if several := found.get(place):
            note = "the notes name no commit; found by " + (
                "its title" if _by_title(lead, several) else "the function that it changes"
            )
            yield replace(lead, commits=tuple(commit.sha for commit in several), notes=(*lead.notes, note))
        elif not (_only_git(lead) and claimed & set(lead.commits)):
            yield lead


def _only_git(lead: Lead) -> bool:
    return lead.source.startswith(("git log", "branch "))


def _by_title(lead: Lead, commits: Sequence[Commit]) -> list[Commit]:
    wanted = _words(lead.title)
    same = [commit for commit in commits if len(wanted) > 1 and _likeness(wanted, _words(commit.title)) >= 0.75]
    return same if len(same) == 1 else []


def _by_function(repository: Repository, lead: Lead, commits: Sequence[Commit]) -> list[Commit]:
    if not lead.functions:
        return []
    return [
        commit
        for commit in commits
        if any(
            is_named(changed, function)
            for changed in repository.functions_of(commit.sha)
            for function in lead.functions
        )
    ]


def _words(title: str) -> set[str]:
    bare = re.sub(r"^\w+(\([^)]*\))?!?:\s*|\(#\d+\)", "", title.lower())
    return set(re.findall(r"[a-z0-9_]{2,}", bare)) - {
        "the",
        "of",
        "in",
        "for",
        "to",
        "and",
        "on",
        "by",
        "from",
        "with",
        "an",
        "is",
    }


def _likeness(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second) if first and second else 0.0
