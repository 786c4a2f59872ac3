"""`prprep try`: compare refs without a manifest, and print a table."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .. import git
from ..errors import RepositoryError, UsageError
from ..graph.loader import Graph, find_manifest, flag, option
from ..json_output.items import comparison_alone
from ..json_output.models import Item, NamedCommit
from ..manifest.reader import LoadedManifest, read
from ..processes.real_paths import expanded, real_path
from ..ref_comparison.manifest import Entry, RefComparison, defaults_of
from ..ref_comparison.sides import Sides
from ..ref_comparison.table import NO_BENCHMARK, result
from ..storage.paths import MANIFEST_NAME, cache_folder
from ..text.tables import terminal_width
from ..workspace.repository import Repository, RepositoryKey
from .selected_tasks import SelectedTasks

_BENCHMARK = re.compile(r"[^:]*\.py(::.+)?")


class Try(SelectedTasks):
    doc_usage = "[BASE] [HEAD ...] [FILE.py::test]"
    doc_description = (
        "HEAD is what is checked out unless it is given; `.` is the work tree with its uncommitted changes. BASE is "
        "the merge base of upstream and HEAD unless it is given. The benchmark is the test that is named, else one "
        "that is found or written. Nothing is written into the repository, and nothing is measured twice. The "
        "`defaults` of a prprep.yaml apply."
    )
    example = "prprep try main . tests/benchmarks/test_parse.py::test_parse"
    visible = frozenset()
    own_options = (
        option("call", "measure this expression instead of a test", "CODE"),
        option("setup", "statements that run once before --call, and are not timed", "CODE"),
        option("function", "what became faster, as package.module:name [default: found from the diff]", "NAME"),
        flag("memory", "measure peak memory, too"),
        option("budget", "seconds of samples for one benchmark [default: 20]", "SECONDS", type=float, default=None),
        option("repo", "a path or an address [default: the repository around this folder]", "PATH"),
        option("save", "add the comparison to prprep.yaml under this id; the file is created if need be", "ID"),
    )

    def execute(self, params: Any, args: list[str]) -> int:
        benchmarks = [word for word in args if _BENCHMARK.fullmatch(word)]
        settings = settings_of(params, benchmarks)
        repository, manifest = repository_of(params["repo"], Path.cwd())
        sides = Sides.of(repository, [word for word in args if word not in benchmarks])
        comparison = RefComparison(sides, settings, defaults_of(manifest) if manifest else {})
        entry = None
        if params["save"]:
            entry = Entry.of(comparison, params["save"], manifest.path if manifest else _new_manifest(repository))
        params["manifest"] = str(comparison.write())

        def ending(graph: Graph) -> str:
            graph.summary()  # The report says what failed, too.
            return result(comparison, graph.staleness, terminal_width())

        describe = partial(described, comparison, params["manifest"])
        code = self.run_tasks(params, [f"compare:{item_id}" for item_id in comparison.heads], ending, describe=describe)
        if entry and code == 0:
            print(f"\n{entry.save()}")
        return code


def described(comparison: RefComparison, manifest: str, item: Item) -> Item:
    """Name the commits as the user does, and say what to do without a benchmark."""
    sides = {"base": comparison.sides.base, "head": comparison.heads[item.id]}
    commits = {side: NamedCommit(ref=each.name, sha=each.sha) for side, each in sides.items()}
    alone = comparison_alone(manifest, item).model_copy(update=commits)
    if not (item.benchmark and item.benchmark.needs):
        return alone
    return alone.model_copy(update={"reasons": (*item.reasons, NO_BENCHMARK.format(item.benchmark.source))})


def settings_of(params: Mapping[str, Any], benchmarks: Sequence[str]) -> dict[str, Any]:
    """Return the settings of an item from the command line; raise UsageError if they contradict each other."""
    if len(benchmarks) > 1:
        raise UsageError(f"only one benchmark can be named, not {len(benchmarks)}: {', '.join(benchmarks)}")
    if benchmarks and params["call"]:
        raise UsageError(f"--call and {benchmarks[0]} exclude each other", hint="leave one of them out")
    if params["setup"] and not params["call"]:
        raise UsageError("--setup needs --call", hint="pass the expression to measure: --call CODE")
    code = {key: params[key] for key in ("setup", "call") if params[key]}
    settings = {
        "benchmark": benchmarks[0] if benchmarks else code,
        "functions": params["function"],
        "metrics": ["time", "memory"] if params["memory"] else None,
        "budget": params["budget"],
    }
    return {key: value for key, value in settings.items() if value not in (None, "", {})}


def repository_of(repo: str, folder: Path) -> tuple[Repository, LoadedManifest | None]:
    """Return the repository, `repo` or the one around `folder`, and the manifest there, if it has one about it.

    Raise RepositoryError if there is none, ManifestError if the manifest is wrong.
    """
    cache = cache_folder()
    if git.is_address(repo):
        return Repository(RepositoryKey(repo, None, None), folder=folder, cache=cache), None
    named = folder / expanded(repo)
    found = git.find(named)
    if found is None:
        hint = "change into a repository, or pass one: `prprep try --repo PATH`"
        raise RepositoryError("this is not a git repository", where=str(named), hint=hint)
    manifest = _manifest_about(found.root, folder)
    upstream, slug = (manifest.manifest.upstream, manifest.manifest.slug) if manifest else (None, None)
    return Repository(RepositoryKey(str(found.root), upstream, slug), folder=folder, cache=cache), manifest


def _manifest_about(root: Path, folder: Path) -> LoadedManifest | None:
    try:
        path = find_manifest("", folder)
    except UsageError:
        return None
    manifest = read(path)
    repo = manifest.manifest.repo
    is_about = not git.is_address(repo) and real_path(path.parent / expanded(repo)) == real_path(root)
    return manifest if is_about else None


def _new_manifest(repository: Repository) -> Path:
    if repository.worktree is None:
        raise UsageError("--save needs a work tree to write prprep.yaml to", hint="run it in a clone")
    return repository.worktree / MANIFEST_NAME
