"""Answer the questions of the inventory for one optimization, from its commits and the project's files alone."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ... import git
from ...artifacts import Detection, DomainProposal
from ...benchmark_tests.search import benchmark_files, files_below, presence
from ...benchmark_tests.writing.benchmark_code import file_name
from ...errors import SourceError
from ...project.code.definitions import MODULE
from ...project.code.differences import differences
from ...project.code.sources import Sources
from ...project.code.span import span_of
from ...project.conventions import benchmark_tool, changelog, heavy_imports, pull_request_template
from ...project.dependencies import dependency_differences
from ...project.files import CommitTree
from ...project.layout import describe
from ...project.policies import contribution_rules
from .domain import propose
from .optimized import guess
from .signals import Edit

if TYPE_CHECKING:
    from ...artifacts import Commit
    from ...benchmark_tests.benchmark_file import BenchmarkFile
    from ...git import Clone, Refs
    from ...manifest.model import Optimization
    from ...project.code.differences import Difference
    from ...project.code.span import Span
    from .optimized import Guess


def detection_of(item: Optimization, *, refs: Refs, clone: Clone, benchmark: str | bool = False) -> Detection:
    """Answer the questions of the inventory from the clone and the benchmarks in the user's work tree.

    `benchmark` is the path that the manifest names, or whether it describes one.

    Raise RepositoryError and CherryPickError where there is nothing to compare, SourceError where a function that
    the manifest names is not there or a file on the way to it cannot be read.
    """
    span = span_of(item, refs, clone)
    base, head = CommitTree(clone, span.base), CommitTree(clone, span.head)
    files = _files(clone, span)
    # What binds a pull request is what the project says now, not what it said when the branch was made.
    upstream = CommitTree(clone, refs.upstream)
    template = pull_request_template(upstream)
    layout = describe(head, focus=files, runner=item.env.runner)
    base_sources, head_sources = (Sources(tree, layout.import_roots) for tree in (base, head))
    named_notes = _check_functions(item, base=base_sources, head=head_sources)
    found, notes = differences(clone, span.base, span.head, layout)
    domain = _domain(item, found, span.commits)
    worktree = git.repository_root(refs.repository) if refs.repository else None
    there, unread = benchmark_files(
        files_below(layout.benchmarks_root, clone=clone, span=span, worktree=worktree), head_sources
    )
    target, reason = _named(item) or guess(
        found, domains=domain.domains, benchmarks=there, base=base_sources, head=head_sources
    )
    detection = Detection(
        item=item.id,
        title=item.title or _title(span.commits) or item.id,
        base=span.base,
        head=span.head,
        base_ref=item.base or span.base,
        head_ref=item.head or ", ".join(item.commits),
        upstream=refs.upstream,
        upstream_ref=refs.upstream_ref,
        slug=refs.slug,
        commits=span.commits,
        picked=span.picked,
        files=tuple(map(git.printable, files)),
        functions=tuple(difference.function for difference in found),
        target=target,
        target_reason=reason,
        domain=domain,
        benchmark=None,
        layout=layout,
        dependencies=dependency_differences(base, head),
        heavy_imports=heavy_imports(head),
        changelog=changelog(head, project=layout.project),
        pull_request_template=template,
        template_text=(upstream.read(template) or b"").decode("utf-8", "replace") if template else "",
        contribution_rules=contribution_rules(upstream),
        benchmark_tool=benchmark_tool(upstream),
        notes=(*span.notes, *named_notes, *notes, *unread, *_left_empty(head)),
    )
    path = _benchmark_path(benchmark, detection, there, head_sources)
    return detection.model_copy(update={"benchmark": presence(path, clone=clone, span=span, worktree=worktree)})


# -- commits and files ------------------------------------------------------------------------------


def _files(clone: Clone, span: Span) -> tuple[str, ...]:
    changes = clone.changes(span.base, span.head)
    return tuple(sorted(path for change in changes if (path := change.head_path or change.base_path)))


def _title(commits: Sequence[Commit]) -> str:
    """Return the last commit's title, merges left out where there is another."""
    titles = [commit.title for commit in commits]
    return next((title for title in reversed(titles) if not title.startswith("Merge ")), titles[-1] if titles else "")


def _left_empty(head: CommitTree) -> Iterator[str]:
    """Tell what a tree that is checked out of the clone lacks: other repositories, and files that lie elsewhere."""
    modules = re.findall(rb"^\s*path\s*=\s*(.+?)\s*$", head.read(".gitmodules") or b"", re.MULTILINE)
    if modules:
        shown = ", ".join(git.printable(os.fsdecode(path)) for path in modules)
        yield f"The project has submodules, which are empty in the trees that are measured: {shown}."
    if b"filter=lfs" in (head.read(".gitattributes") or b""):
        yield "The project keeps files by Git LFS: in the trees that are measured there are pointers in their place."


# -- functions and domain ---------------------------------------------------------------------------


def _named(item: Optimization) -> Guess | None:
    if not item.functions:
        return None
    return item.functions[0], "the manifest names it" + (" first" if len(item.functions) > 1 else "")


def _check_functions(item: Optimization, *, base: Sources, head: Sources) -> list[str]:
    """Tell of functions that are on one side only; raise SourceError for one that is on neither."""
    notes = []
    for function in item.functions:
        before, after = base.find(function), head.find(function)
        if not before and not after:
            near = head.near_names(function) or base.near_names(function)
            now = (
                f"did you mean {' or '.join(near)}?"
                if near
                else "write it as `package.module:Qualified.name`, as Python imports it"
            )
            raise SourceError(f"{function} is neither at head nor at base", where=f"{item.id}: functions", hint=now)
        if not before or not after:
            here, lacking = ("head", "base") if after else ("base", "head")
            notes.append(f"{function} is at {here} only: a benchmark of it cannot run at {lacking}.")
    return notes


def _domain(item: Optimization, found: Sequence[Difference], commits: Sequence[Commit]) -> DomainProposal:
    if item.domain:
        return DomainProposal(domains=item.domain, reason="the manifest says so", given=True)
    messages = [f"{commit.title}\n{commit.message}" for commit in commits if not commit.title.startswith("Merge ")]
    return propose([_edit(difference) for difference in found], messages)


def _edit(difference: Difference) -> Edit:
    function, base, head = difference.function, difference.base, difference.head
    where = f"the module {function.module}" if function.name == MODULE else function.target
    return Edit(function.name, where, base.code if base else "", head.code if head else "", is_async=function.is_async)


# -- the benchmark ----------------------------------------------------------------------------------


def _benchmark_path(named: object, detection: Detection, there: Sequence[BenchmarkFile], head: Sources) -> str:
    """Return the manifest's path, else the usual one, else that of a benchmark that uses the target."""
    usual = posixpath.join(detection.layout.benchmarks_root, file_name(detection))
    if named:
        return posixpath.normpath(named) if isinstance(named, str) else usual
    if any(benchmark.path == usual for benchmark in there):
        return usual
    found = head.try_find(detection.target) if detection.target else None
    users = [benchmark.path for benchmark in there if found and benchmark.uses(found)]
    return min(users, key=lambda path: _unlikeness(path, detection), default=usual)


def _unlikeness(path: str, detection: Detection) -> tuple[bool, bool, str]:
    """Put a file of the usual name in another folder first, then one that names the function."""
    name = posixpath.basename(path)
    return name != file_name(detection), detection.function not in name, path
