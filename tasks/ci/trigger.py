"""Decide whether a pull request is measured, and say why."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..artifacts import Commit
from ..body.commit_words import why_performance
from ..git import history
from ..ref_comparison.sides import Sides

MOST_READ = 20_000
"""Characters of a pull request's body."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """When to measure: `always`, if one of `paths` was changed, else if a speed-up is claimed."""

    always: bool
    paths: Sequence[str]

    def decide(self, sides: Sides, title: str, body: str) -> "Decision":
        base, head = sides.base.sha, sides.heads[0].sha
        if base == head:
            return Decision(measures=False, why="head has no commits that base does not have")
        if self.always:
            return Decision(measures=True, why="--always is set")
        with sides.repository.clone({base, head}) as clone:
            if self.paths:
                return _by_paths(history.matching_files(clone.path, base, head, self.paths))
            return by_claims(title, body, clone.commits(base, head))


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to measure; `why` completes "it was measured because …" or "nothing was measured: …"."""

    measures: bool
    why: str


def by_claims(title: str, body: str, commits: Sequence[Commit]) -> Decision:
    """Measure what claims a speed-up in the words by which `prprep init` finds commits."""
    described = Commit(sha="", title=title, message=f"{title}\n\n{body[:MOST_READ]}")
    if reason := why_performance(described):
        return Decision(measures=True, why=f"it claims a speed-up: {reason}")
    for commit in commits:
        if reason := why_performance(commit):
            return Decision(measures=True, why=f"commit {commit.sha[:12]} claims a speed-up: {reason}")
    why = "neither title, body nor commits claim a speed-up (--always or --paths measures more)"
    return Decision(measures=False, why=why)


def _by_paths(changed: Sequence[str]) -> Decision:
    if not changed:
        return Decision(measures=False, why="it changes none of the files that --paths names")
    return Decision(measures=True, why=f"it changes {changed[0]}")
