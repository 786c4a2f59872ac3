"""Detect one optimization's commits, functions, domain, benchmark and layout, from its commits and files alone."""

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ...artifacts import Commit, Detection, DomainProposal
from ...benchmark_tests.benchmark_file import BenchmarkFile
from ...benchmark_tests.search import benchmark_files, files_below, presence
from ...benchmark_tests.writing.benchmark_code import benchmark_path
from ...body import commit_words, titles
from ...body.claims import without_claims
from ...errors import SourceError
from ...git import Clone, FileChange, Refs, printable, project_remote, repository_root
from ...git.history import recent_titles
from ...manifest.model import Domain, Optimization
from ...project.absent import absence
from ...project.code.definitions import MODULE
from ...project.code.differences import Difference, differences
from ...project.code.sources import Sources
from ...project.code.span import span_of
from ...project.conventions import benchmark_tool, changelog, pull_request_template
from ...project.dependencies import dependency_differences
from ...project.files import CommitTree
from ...project.layout import describe
from ...project.policies import contribution_rules
from ...project.submodules import submodules
from ...staleness import StageInputs
from . import BENCHMARK, REFS
from .compiled import compiled_sources, cython_differences
from .domain import Edit, propose
from .optimized import Guess, changed_definition, guess
from .submodules import MovedSubmodules, check_submodules, moved_submodules, submodule_notes

_MOST_LISTED: Final = 5


def run(inputs: StageInputs) -> None:
    """Read the item's commits, write detect.json; raise RepositoryError, CherryPickError and SourceError."""
    refs = inputs.value(REFS)
    wanted = [sha for sha in (refs.upstream, refs.base, refs.head, *refs.picks) if sha]
    with inputs.clone(*wanted) as clone:
        detection = detection_of(inputs.settings, refs=refs, clone=clone, benchmark=inputs.value(BENCHMARK))
    inputs.report(f"{detection.target or 'no function found'}: {detection.target_reason}")
    inputs.write(detection)


def detection_of(item: Optimization, *, refs: Refs, clone: Clone, benchmark: str | bool = False) -> Detection:
    """Read the clone and the benchmarks in the user's work tree.

    `benchmark` is the path that the manifest names, or whether it describes one.

    Raise RepositoryError or CherryPickError if there is nothing to compare, SourceError if a function that the manifest
    names does not exist or a file on the way to it cannot be parsed.
    """
    span = span_of(item, refs, clone)
    base, head, upstream = (CommitTree(clone, commit) for commit in (span.base, span.head, refs.upstream))
    changes = clone.changes(span.base, span.head)
    files = tuple(sorted(path for change in changes if (path := change.head_path or change.base_path)))
    layout = describe(
        head,
        focus=files,
        runner=item.env.runner,
        benchmark=benchmark if isinstance(benchmark, str) else "",
        functions=item.functions,
    )
    base_sources, head_sources = (Sources(tree, layout.import_roots) for tree in (base, head))
    one_sided = _check_functions(item, base=base_sources, head=head_sources)
    changed, notes = differences(clone, span.base, span.head, layout)
    domain = _domain(item, changed, span.commits)
    worktree = repository_root(refs.repository) if refs.repository else None
    in_root = files_below(layout.benchmarks_root, clone=clone, span=span, worktree=worktree)
    benchmarks, unread = benchmark_files(in_root, head_sources)
    moved = moved_submodules(clone, span)
    if not changed:
        check_submodules(moved, files)
    target, reason = _named(item, changed, head_sources) or _guessed(
        changed, changes, moved, domains=domain.domains, benchmarks=benchmarks, base=base_sources, head=head_sources
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
        files=tuple(map(printable, files)),
        functions=tuple(difference.function for difference in changed),
        target=target,
        target_reason=reason,
        domain=domain,
        benchmark=None,
        layout=layout,
        dependencies=dependency_differences(base, head),
        changelog=changelog(head, project=layout.project),
        notes=(
            *span.notes,
            *_other_remote(refs),
            *one_sided,
            *notes,
            *submodule_notes(moved, head),
            *unread,
            *_missing_files(head),
        ),
        **_rules(upstream, clone),
    )
    path = _benchmark_path(benchmark, detection, benchmarks, head_sources)
    return detection.model_copy(update={"benchmark": presence(path, clone=clone, span=span, worktree=worktree)})


def _rules(upstream: CommitTree, clone: Clone) -> dict[str, Any]:
    """Return the fields on what the project asks of a pull request now, not when its branch was created."""
    template = pull_request_template(upstream)
    return {
        "pull_request_template": template,
        "template_text": (upstream.read(template) or b"").decode("utf-8", "replace") if template else "",
        "contribution_rules": contribution_rules(upstream),
        "benchmark_tool": benchmark_tool(upstream),
        "has_conventional_titles": titles.is_conventional(recent_titles(clone.path, upstream.commit, titles.NEWEST)),
    }


def _title(commits: Sequence[Commit]) -> str:
    """Return the title of the last commit that describes the change, without the amounts that it claims."""
    described = commit_words.about_the_change(commits)
    performance = [commit for commit in described if commit_words.why_performance(commit)]
    last_first = reversed(performance or described or tuple(commits))
    titles = [commit_words.IN_PULL_REQUEST.sub("", commit.title) for commit in last_first]
    return next(filter(None, map(without_claims, titles)), "")


def _other_remote(refs: Refs) -> Iterator[str]:
    """Yield a note if upstream is a branch of the user's fork, which may be older than the project's."""
    project = project_remote(refs.repository) if refs.repository else None
    if project not in {None, "origin"} and refs.upstream_ref.removeprefix("refs/remotes/").startswith("origin/"):
        yield (
            f"Pull requests go to the remote `{project}`, but prprep starts from `{refs.upstream_ref}` of the fork, "
            f"which may be older: run `git fetch {project}`, and write its branch as `upstream: {project}/BRANCH`."
        )


def _missing_files(head: CommitTree) -> Iterator[str]:
    """Yield a note on what a checkout of the clone lacks: submodules, and files in Git LFS."""
    if modules := submodules(head):
        paths = ", ".join(printable(module.path) for module in modules)
        yield f"The project has submodules, which are empty in the measured trees: {paths}."
    if b"filter=lfs" in (head.read(".gitattributes") or b""):
        yield "The project uses Git LFS: the measured trees contain pointers instead of these files."


# -- functions and domain ---------------------------------------------------------------------------


def _named(item: Optimization, changed: Sequence[Difference], head: Sources) -> Guess | None:
    if not item.functions:
        return None
    more = " first" if len(item.functions) > 1 else ""
    named = item.functions[0]
    return changed_definition(named, changed, head) or (named, f"the manifest names it{more}")


def _guessed(
    changed: Sequence[Difference],
    changes: Sequence[FileChange],
    moved: MovedSubmodules,
    *,
    domains: Sequence[Domain],
    benchmarks: Sequence[BenchmarkFile],
    base: Sources,
    head: Sources,
) -> Guess:
    """Guess the target; say what changed if no Python function of the project did."""
    is_in_python = any(each.function.name != MODULE for each in changed)
    in_cython = () if is_in_python else tuple(cython_differences(changes, base, head))
    target, reason = guess((*changed, *in_cython), domains=domains, benchmarks=benchmarks, base=base, head=head)
    compiled = () if target and is_in_python else compiled_sources(changes)
    listed = ", ".join(map(printable, compiled[:_MOST_LISTED]))
    if any(each.function.target == target for each in in_cython):
        return target, f"{reason}, in compiled source: {listed}"
    if compiled:
        what = "no Python function of the project changed, but compiled source did"
        if changed:
            what = f"{reason}; compiled source changed too"
        hint = "name its benchmark as `benchmark:`, and the function that it calls as `functions:`"
        return target, f"{what}: {listed}; {hint}"
    submodule = f", but the submodule {printable(next(iter(moved)))} did" if moved and not changed else ""
    return target, f"{reason}{submodule}"


def _check_functions(item: Optimization, *, base: Sources, head: Sources) -> list[str]:
    """Return a note on each function that exists on one side only; raise SourceError for one that exists on neither."""
    notes = []
    for function in item.functions:
        at_base, at_head = base.find(function), head.find(function)
        if not at_base and not at_head:
            similar = head.near_names(function) or base.near_names(function)
            module = function.partition(":")[0]
            absent = None if similar or head.path_of(module) else absence(module, head.tree, head.roots)
            if absent and absent.is_compiled:
                notes.append(f"{absent.cause}: whether both sides have {function} is not known.")
                continue
            if absent:
                raise SourceError(absent.cause, where=f"{item.id}: functions", hint=absent.hint)
            raise SourceError(
                f"{function} is neither at head nor at base",
                where=f"{item.id}: functions",
                hint=f"did you mean {' or '.join(similar)}?"
                if similar
                else "write it as `package.module:Qualified.name`, as Python imports it",
            )
        if not at_base or not at_head:
            side, other = ("head", "base") if at_head else ("base", "head")
            notes.append(f"{function} exists only at {side}: a benchmark of it cannot run at {other}.")
    return notes


def _domain(item: Optimization, changed: Sequence[Difference], commits: Sequence[Commit]) -> DomainProposal:
    if item.domain:
        return DomainProposal(domains=item.domain, reason="the manifest says so", given=True)
    described = (commit for commit in commits if not commit_words.MERGE.search(commit.title))
    messages = [f"{commit.title}\n{commit.message}" for commit in described]
    return propose([_edit(difference) for difference in changed], messages)


def _edit(difference: Difference) -> Edit:
    function, base, head = difference.function, difference.base, difference.head
    where = f"the module {function.module}" if function.name == MODULE else function.target
    return Edit(function.name, where, base.code if base else "", head.code if head else "", is_async=function.is_async)


# -- the benchmark ----------------------------------------------------------------------------------


def _benchmark_path(setting: object, detection: Detection, benchmarks: Sequence[BenchmarkFile], head: Sources) -> str:
    """Return the manifest's path, else the default one, else that of a benchmark that uses the target."""
    default = benchmark_path(detection, head.tree)
    if setting:
        return posixpath.normpath(setting) if isinstance(setting, str) else default
    definition = head.try_find(detection.target) if detection.target else None
    if definition is None or any(benchmark.path == default for benchmark in benchmarks):
        return default

    def rank(path: str) -> tuple[bool, bool, str]:
        """Put the default name in another folder first, then a name that contains the function's."""
        name = posixpath.basename(path)
        return name != posixpath.basename(default), detection.function not in name, path

    return min((file.path for file in benchmarks if file.uses(definition)), key=rank, default=default)
