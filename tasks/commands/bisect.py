"""`prprep bisect`: the effect of each commit of an optimization."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ..artifacts import Commit, Comparison, Detection, Failure, Injection, Scaffolding
from ..bench import trees
from ..body.effects import effect
from ..body.reproduction import manifest_text
from ..body.views import leading
from ..environments.interpreters import resolve_path
from ..errors import SourceError, UsageError
from ..git import Clone
from ..graph.loader import Graph, graph_of
from ..json_output.document import name_manifest
from ..json_output.items import comparison_alone, items_of
from ..project.code.differences import differences
from ..ref_comparison.table import is_compared
from ..staleness import Staleness
from ..storage.files import write_whole
from ..storage.links import refuse_links_in
from ..storage.paths import MANIFEST_NAME, ItemPaths
from ..text.markdown import one_line, shorten
from ..text.tables import terminal_width, text_table
from ..workspace.workspace import Workspace
from .selected_tasks import SelectedTasks

NEEDED = ("detect", "record", "scaffold", "inject", "lint", "measure", "codeflash", "compare")
"""What `prprep compare:ID` brings up to date."""
HEADER = ("Commit", "Title", "Effect", "")
_BAR = 20
_LONGEST_TITLE = 50
_LONGEST_REASON = 100
_PREFIX = "commit-"


class Bisect(SelectedTasks):
    doc_usage = "ID"
    doc_description = (
        "It compares every commit of the optimization that changes one of its functions with the commit before it, by "
        "the same benchmark. What is known is not measured again."
    )
    example = "prprep bisect tables"
    visible = frozenset({"manifest"})
    draws = False  # nobody looks at the report of this folder

    def execute(self, params: Any, args: list[str]) -> int:
        graph = graph_of(params["manifest"])
        steps = Steps.of(graph.workspace, graph.staleness, graph.known(args[0]))
        if len(steps.commits) < 2:
            print(steps.table({next(iter(steps.commits)): steps.together}, {}, terminal_width()))
            name_manifest(self.answer, graph)
            (item,) = items_of(graph.staleness, args)
            self.answer["items"] = (comparison_alone(str(graph.manifest), item),)
            return 0
        params["manifest"] = str(steps.folder / MANIFEST_NAME)
        describe = partial(comparison_alone, params["manifest"])
        tasks = [f"compare:{name}" for name in steps.commits]
        return self.run_tasks(params, tasks, partial(result, steps), describe=describe)


@dataclass(frozen=True, slots=True)
class Steps:
    """The commits to compare, by the ids of their items in `folder`; `together` is the result of all."""

    folder: Path
    commits: dict[str, Commit]
    together: Comparison

    @classmethod
    def of(cls, workspace: Workspace, staleness: Staleness, item_id: str) -> "Steps":
        """Find the commits and write the manifest; raise UsageError if the item is not measured, or there are none."""
        paths = workspace.paths.item(item_id)
        for stage in NEEDED:
            if not staleness.is_fresh(stage, item_id) or not paths.artifact(stage).exists():
                hint = f"run `prprep compare:{item_id}` first, or `prprep explain {item_id}` to see why"
                raise UsageError(f"{stage} is not up to date", where=item_id, hint=hint)
        detection = paths.read(Detection)
        wanted = {detection.upstream, detection.head, *detection.picked}
        with workspace.repository(item_id).clone(wanted) as clone:
            comparison = paths.read(Comparison)
            commits = list(_changing(clone, detection, _reached(detection, comparison)))
            if not commits:
                raise UsageError("none of its commits changes a function", where=item_id, hint="see `prprep inventory`")
            names = _names(clone, detection)
            steps = cls(paths.state / "bisect", {names[commit.sha]: commit for commit in commits}, comparison)
            if len(commits) > 1:
                refuse_links_in(paths.state, paths.folder)
                steps.write(workspace, item_id, clone)
        return steps

    def write(self, workspace: Workspace, item_id: str, clone: Clone) -> None:
        """Write a manifest with an item for each commit, in a tree of head that has the benchmark's files."""
        paths, item = workspace.paths.item(item_id), workspace.items[item_id]
        detection, scaffolding = paths.read(Detection), paths.read(Scaffolding)
        repository = workspace.repository(item_id)
        contents = trees.contents(
            paths.read(Injection), scaffolding, clone, folder=workspace.folder, worktree=repository.worktree
        )
        tree = trees.with_files(clone, detection.head, contents, cache=workspace.cache)
        manifest: dict[str, Any] = yaml.safe_load(manifest_text(item, detection, scaffolding))
        (entry,) = manifest["optimizations"]
        # Functions are detected for each commit: those of the whole optimization may not exist in each.
        entry = {key: value for key, value in entry.items() if key not in {"functions", "commits"}}
        if item.env.python:
            entry.setdefault("env", {})["python"] = resolve_path(item.env.python, workspace.folder)
        manifest["repo"], manifest["upstream"] = str(tree), detection.base
        manifest["optimizations"] = [
            {**entry, "id": name, "base": clone.parents(commit.sha)[0], "head": commit.sha}
            for name, commit in self.commits.items()
        ]
        text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
        write_whole(self.folder / MANIFEST_NAME, text)

    def table(self, comparisons: dict[str, Comparison], failures: dict[str, str], width: int) -> str:
        """Return a row for each commit with its effect, or why there is none, and one for all together."""
        largest = max((abs(_log(each)) for each in (*comparisons.values(), self.together)), default=0.0)
        rows = [
            (
                name.removeprefix(_PREFIX),
                shorten(one_line(commit.title), _LONGEST_TITLE),
                _shown(comparisons[name]) if name in comparisons else failures.get(name, "not measured"),
                _bar(_log(comparisons[name]), largest) if name in comparisons else "",
            )
            for name, commit in self.commits.items()
        ]
        rows.append(("together", "", _shown(self.together), _bar(_log(self.together), largest)))
        return text_table(HEADER, rows, width)


def result(steps: Steps, graph: Graph) -> str:
    graph.summary(draws=False)  # The report says what failed, too.
    comparisons, failures = {}, {}
    for name in steps.commits:
        paths = graph.workspace.paths.item(name)
        if is_compared(graph.staleness, name):
            comparisons[name] = paths.read(Comparison)
        elif paths.failure.exists():
            failures[name] = _why(paths)
    return steps.table(comparisons, failures, terminal_width())


def _reached(detection: Detection, comparison: Comparison) -> set[str]:
    """Return the names, at base and at head, of the changed functions that the benchmark executes, else of all."""
    reached = {share.function for share in comparison.functions if share.changed}
    functions = [each for each in detection.functions if each.target in reached] or detection.functions
    return {name for function in functions for name in (function.name, function.at_base[1])}


def _changing(clone: Clone, detection: Detection, names: set[str]) -> Iterator[Commit]:
    """Yield the commits that change a function of one of these names, oldest first, without merges."""
    for commit in clone.commits(detection.base, detection.head):
        parents = clone.parents(commit.sha)
        if len(parents) != 1:
            continue
        try:
            changed, _ = differences(clone, parents[0], commit.sha, detection.layout)
        except SourceError:
            yield commit  # it cannot be read, so nothing says that it does not
            continue
        if not names or any(each.function.name in names and not each.function.only_moved for each in changed):
            yield commit


def _names(clone: Clone, detection: Detection) -> dict[str, str]:
    """Map commits to the ids of their items; one that prprep picked is named after the user's commit."""
    chain = [commit.sha for commit in clone.commits(detection.base, detection.head)]
    known = detection.picked if len(chain) == len(detection.picked) else chain
    return {sha: f"{_PREFIX}{name[:12]}" for sha, name in zip(chain, known, strict=True)}


def _why(paths: ItemPaths) -> str:
    failure = Failure.read(paths.failure)
    what = failure.message.splitlines()[0].rpartition(": ")[2]
    return f"{failure.stage} failed: {shorten(one_line(what), _LONGEST_REASON)}"


def _shown(comparison: Comparison) -> str:
    change = leading(comparison)
    return f"{comparison.verdict}: {effect(change)}" if change else comparison.verdict


def _log(comparison: Comparison) -> float:
    change = leading(comparison)
    return math.log(change.interval.ratio) if change and 0 < change.interval.ratio < math.inf else 0.0


def _bar(log: float, largest: float) -> str:
    """Draw a factor on a logarithmic scale: bars of steps that follow each other are as long as that of all."""
    length = round(abs(log) / largest * _BAR) if largest else 0
    return ("-" if log < 0 else "+") * length
