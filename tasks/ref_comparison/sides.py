"""Find out which commits are to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from .. import git
from ..errors import RepositoryError, UsageError
from ..git import Clone
from ..git.work_tree import commit_work_tree
from ..processes.real_paths import real_path
from ..storage.hashing import short_hash
from ..text.messages import nearest, quoted
from ..workspace.repository import Repository, RepositoryKey

WORK_TREE = "."
"""How the user names the work tree with its uncommitted changes."""
_HEAD = "HEAD"
_SEE = "`git branch --all` and `git log` show what exists"
_NOT_FETCHED = "it is not in this clone: fetch it (in CI: `fetch-depth: 0` of actions/checkout)"


@dataclass(frozen=True, slots=True)
class NamedCommit:
    name: str
    sha: str

    def __str__(self) -> str:
        name = "the work tree" if self.name == WORK_TREE else self.name
        return self.sha[:12] if self.sha.startswith(name) else f"{name} ({self.sha[:12]})"


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared with what, and the repository that has all of these commits.

    That is the user's, or one of prprep's own that borrows its objects and has a commit of the work tree too.
    """

    repository: Repository
    base: NamedCommit
    heads: tuple[NamedCommit, ...]
    base_is_named: bool

    @classmethod
    def of(cls, repository: Repository, words: Sequence[str]) -> "Sides":
        """Resolve `[BASE] [HEAD ...]`; raise UsageError for a ref that does not exist, or for equal commits."""
        holding, commits = repository, _resolved(repository, words)
        if WORK_TREE in words:
            holding, commits[WORK_TREE] = _with_work_tree(repository)
        # Only heads may be named twice: a base that is also a head is a mistake, e.g. of a script's variables.
        named = [NamedCommit(word, commits[word]) for word in (*words[:1], *dict.fromkeys(words[1:]))]
        with holding.clone({commit.sha for commit in named}) as clone:
            is_base = len(named) > 1 or (bool(named) and _is_ancestor(clone, named[0], commits[_HEAD]))
            heads = tuple(named[1:] if is_base else named) or (NamedCommit(_HEAD, commits[_HEAD]),)
            base = named[0] if is_base else _merge_base(clone, heads[0], _upstream(repository))
        if same := next((head for head in heads if head.sha == base.sha), None):
            raise _nothing_to_compare(base, same)
        return cls(holding, base, heads, is_base)

    @classmethod
    def from_merge_base(cls, repository: Repository, base: str, head: str) -> "Sides":
        """Resolve a head, and its merge base with a ref, upstream if that is ""; both may be the same commit.

        Raise RepositoryError if the history is not complete.
        """
        if repository.local and git.is_shallow(repository.local):
            what = "this checkout is shallow, so the merge base is unknown"
            hint = "fetch the whole history: `fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` on GitLab"
            raise RepositoryError(what, where=repository.address, hint=hint)
        base = base or repository.upstream()
        commits = _resolved(repository, (base, head))
        named = NamedCommit(head, commits[head])
        with repository.clone(set(commits.values())) as clone:
            merge_base = _merge_base(clone, named, NamedCommit(base, commits[base]))
            return cls(repository, merge_base, (named,), base_is_named=False)


def _resolved(repository: Repository, words: Sequence[str]) -> dict[str, str]:
    commits = repository.resolve({*words, _HEAD} - {WORK_TREE})
    if commits[_HEAD] is None:
        raise RepositoryError("this repository has no commits yet", where=repository.address, hint="commit something")
    for word, commit in commits.items():
        if commit is None:
            names = git.ref_names(repository.local) if repository.local else ()
            meant = nearest(word, names)
            hint = f"did you mean {meant}?" if meant else _NOT_FETCHED if git.is_sha(word) else _SEE
            raise UsageError(f"{quoted(word)} is not a branch, tag or commit", hint=hint)
    return {word: commit for word, commit in commits.items() if commit}


def _with_work_tree(repository: Repository) -> tuple[Repository, str]:
    """Commit the work tree in a repository of prprep's own; return both."""
    if repository.local is None:
        raise UsageError(f"{repository.address} has no work tree", hint="name two refs")
    store = repository.cache / "work-trees" / f"{short_hash(str(real_path(repository.local)).encode(), size=10)}.git"
    commit = commit_work_tree(repository.local, store)
    key = RepositoryKey(str(store), None, repository.slug)
    return Repository(key, folder=repository.local, cache=repository.cache), commit


def _is_ancestor(clone: Clone, commit: NamedCommit, head: str) -> bool:
    """Return whether a single ref is the base: HEAD is compared with what it comes from, else the ref with its base."""
    return commit.name != WORK_TREE and commit.sha != head and clone.merge_base(commit.sha, head) == commit.sha


def _upstream(repository: Repository) -> NamedCommit | str:
    """Return upstream with its commit, or its name alone if there is none."""
    upstream = repository.upstream()
    commit = repository.resolve({upstream})[upstream]
    return NamedCommit(upstream, commit) if commit else upstream


def _merge_base(clone: Clone, head: NamedCommit, other: NamedCommit | str) -> NamedCommit:
    name, commit = (other.name, other.sha) if isinstance(other, NamedCommit) else (other, None)
    base = clone.merge_base(commit, head.sha) if commit else None
    if base is None:
        what = f"{head} has no commit in common with {name}"
        raise RepositoryError(what, where=clone.address, hint=clone.way_out("name a base: `prprep try BASE HEAD`"))
    return NamedCommit(name if base == commit else f"the merge base with {name}", base)


def _nothing_to_compare(base: NamedCommit, head: NamedCommit) -> UsageError:
    if head.name == WORK_TREE:
        return UsageError(f"the work tree has no changes compared with {base}", hint="name another base")
    hint = "name two refs, or `.` for the work tree with its uncommitted changes: `prprep try .`"
    return UsageError(f"{base} and {head} are the same commit", hint=hint)
