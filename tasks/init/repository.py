"""The repository that candidates are checked against; every answer is computed once."""

from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from .. import git
from ..artifacts import ChangedFunction, Commit, Layout
from ..errors import SourceError
from ..git import Clone, Refs
from ..project.code.differences import differences
from ..project.code.modules import is_own_module, is_test, module_of
from ..project.code.sources import Sources
from ..project.files import CommitTree
from ..project.layout import describe
from . import extract
from .history import BranchCommits

_MOST_COMMITS: Final = 500
"""Newest commits of one branch."""
_RECENT: Final = 30
"""Newest commits of upstream, which count if nothing is ahead of it."""
_COMPILED: Final = (".pyx", ".pxd", ".c", ".cc", ".cpp", ".h", ".hpp", ".rs")


class RepositoryHistory:
    """The private clone of a repository, with its upstream and HEAD; `refs` has no commits of an item."""

    def __init__(self, clone: Clone, refs: Refs, *, head: str, branch: str) -> None:
        self.clone, self.refs, self.head, self.branch = clone, refs, head, branch
        self.is_upstream = cache(lambda commit: clone.merge_base(refs.upstream, commit) == commit)
        self.functions = cache(self._functions)
        self.layout = cache(self._layout)

    # -- commits and branches -----------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The user's repository if there is one, else the clone."""
        return self.refs.repository or self.clone.path

    def ahead(self, name: str, tip: str, *, is_current: bool = False) -> BranchCommits:
        """Return the newest commits that a branch is ahead of upstream, without merges."""
        base = self.clone.merge_base(self.refs.upstream, tip)
        commits = self.clone.commits(base, tip)[-_MOST_COMMITS:] if base else ()
        return BranchCommits(name, self._without_merges(commits), is_current)

    def commits_of(self, branch: str) -> set[str]:
        """Return the newest commits that a branch is ahead of upstream; none if there is no such branch."""
        tip = self.clone.resolve([branch])[branch]
        return {commit.sha for commit in self.ahead(branch, tip).commits} if tip else set()

    @cached_property
    def current(self) -> BranchCommits:
        return self.ahead(self.branch, self.head, is_current=True)

    @cached_property
    def recent(self) -> tuple[Commit, ...]:
        """The newest commits of HEAD and its first parents, oldest first, also those of upstream."""
        shas = [self.head]
        while len(shas) < _RECENT and (sha := self.parent(shas[-1])):
            shas.append(sha)
        return self._without_merges(tuple(map(self.clone.commit, reversed(shas))))

    @cached_property
    def optimization_branches(self) -> tuple[BranchCommits, ...]:
        """The other branches named after performance work that are ahead of upstream."""
        names = [name for name in git.branch_names(self.path) if extract.OPTIMIZATION_BRANCH.match(name)]
        tips = self.clone.resolve([f"refs/{kind}/{name}" for kind in ("heads", "remotes") for name in names])
        branches: dict[str, BranchCommits] = {}
        for name in names:
            tip = tips[f"refs/heads/{name}"] or tips[f"refs/remotes/{name}"]
            if name != self.branch and tip and tip not in branches and (branch := self.ahead(name, tip)).commits:
                branches[tip] = branch
        return tuple(branches.values())

    def parent(self, commit: str) -> str | None:
        return next(iter(self.clone.parents(commit)), None)

    def _without_merges(self, commits: tuple[Commit, ...]) -> tuple[Commit, ...]:
        return tuple(commit for commit in commits if len(self.clone.parents(commit.sha)) < 2)

    # -- what commits change ------------------------------------------------------------------------

    def files(self, base: str, head: str) -> tuple[str, ...]:
        changes = self.clone.changes(base, head)
        return tuple(path for change in changes if (path := change.head_path or change.base_path))

    def changes_code(self, base: str, head: str) -> bool:
        """Return whether a module of the project changes, or a source file of a compiled one."""
        files = self.files(base, head)
        layout = self.layout(head, files)
        return any(layout is None or _is_code(path, layout) for path in files if path.endswith((".py", *_COMPILED)))

    def _functions(self, base: str, head: str) -> tuple[ChangedFunction, ...]:
        """Return the changed functions; none if the project's files cannot be read."""
        layout = self.layout(head, self.files(base, head))
        with suppress(SourceError):
            changed, _ = differences(self.clone, base, head, layout) if layout else ((), ())
            return tuple(difference.function for difference in changed)
        return ()

    def functions_of(self, commit: str) -> tuple[ChangedFunction, ...]:
        parent = self.parent(commit)
        return self.functions(parent, commit) if parent else ()

    def sources(self, commit: str, focus: tuple[str, ...]) -> Sources | None:
        layout = self.layout(commit, focus)
        return Sources(CommitTree(self.clone, commit), layout.import_roots) if layout else None

    def _layout(self, commit: str, focus: tuple[str, ...]) -> Layout | None:
        with suppress(SourceError):
            return describe(CommitTree(self.clone, commit), focus=focus)
        return None


def _is_code(path: str, layout: Layout) -> bool:
    if is_test(path, layout):
        return False
    return path.endswith(_COMPILED) or is_own_module(module_of(path, layout.import_roots) or "", layout)
