"""`prprep ci`: measure a pull request in CI."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..artifacts import Verdict
from ..ci.event import Event
from ..ci.outputs import output_folder, warn, write_folder, write_for_github
from ..ci.posting import post
from ..ci.result import MOST_BENCHMARKS, MeasuredBenchmark, Outcome, Result, benchmarks_of, read_result
from ..ci.trigger import Decision, Trigger
from ..errors import PrprepError, UsageError
from ..graph.loader import Graph, flag, option
from ..graph.names import suggestion
from ..processes.real_paths import expanded
from ..ref_comparison.described import described
from ..ref_comparison.manifest import RefComparison, defaults_of
from ..ref_comparison.options import MEASURED, repository_of, settings_of
from ..ref_comparison.sides import Sides
from ..ref_comparison.table import result as table_of
from ..storage.paths import ItemPaths
from ..text.markdown import one_line
from ..text.messages import quoted
from ..text.tables import terminal_width
from ..workspace.repository import Repository
from .selected_tasks import SelectedTasks

_NO_PERMISSION = (
    "give the job `permissions: {pull-requests: write}` and a GH_TOKEN; "
    "for pull requests of forks, post from a second workflow (docs/ci.md)"
)
_Measured = tuple[tuple[MeasuredBenchmark, ...], dict[str, ItemPaths], int]


class CI(SelectedTasks):
    doc_usage = "[FILE.py::test ...]"
    doc_description = (
        "On GitHub the pull request is that of the workflow's event, elsewhere --base and --head name it; its merge "
        "base is compared with its head. Without --always or --paths, only pull requests that claim a speed-up are "
        "measured. The exit code does not depend on the verdict, unless --fail-on names it. The `defaults` of a "
        "prprep.yaml apply."
    )
    example = "prprep ci --output results --fail-on regressed"
    visible = frozenset()
    draws = False  # nobody looks at the report of this folder
    may_fail = True
    own_options = (
        option("base", "the branch to merge into [default: the event's, else upstream]", "REF"),
        option("head", "what to measure [default: the event's, else HEAD]", "REF"),
        option("title", "the title of the pull request [default: the event's]", "TEXT"),
        # doit has an option `always`, which makes it run every task again.
        {**flag("always", "measure every pull request"), "name": "every"},
        option("paths", "measure those that change matching files; repeatable", "GLOB", type=list, default=[]),
        *MEASURED,
        option("output", "write summary, result and samples into this folder", "FOLDER"),
        option("fail-on", "exit with 1 on this verdict; repeatable, or with commas", "VERDICT", type=list, default=[]),
        flag("comment", "write a comment on the pull request, or update the one that prprep wrote"),
        option("post", "only write the comment about the result in this folder, which `prprep ci` wrote", "FOLDER"),
    )

    def execute(self, params: Any, args: list[str]) -> int:
        failing, event = _verdicts(params["fail_on"]), Event.of(os.environ)
        if params["post"]:
            _comment(read_result(Path(expanded(params["post"])).absolute()), event)
            return 0
        if len(args) > MOST_BENCHMARKS:
            what = f"{len(args)} benchmarks are named, a result has at most {MOST_BENCHMARKS}"
            raise UsageError(what, hint="measure the others in a second job, or name files instead of tests")
        folder = output_folder(params["output"], Path.cwd()) if params["output"] else None
        benchmarks = [settings_of(params, [word] if word else []) for word in args or [""]]
        repository, manifest = repository_of("", Path.cwd())
        change = _Change.of(params, repository, event)
        result, compared, code = change.result(), dict[str, ItemPaths](), 0
        if change.decision.measures:
            comparison = RefComparison(change.sides, benchmarks, defaults_of(manifest) if manifest else {})
            measured, compared, code = self._measure(params, comparison)
            result = change.result(measured)
        else:
            print(f"nothing was measured: {one_line(change.decision.why)}", flush=True)
        if folder:
            write_folder(folder, result, compared)
        write_for_github(result, folder, os.environ)
        if params["comment"]:
            _comment(result, event)
        return _exit_code(result, failing, code)

    def _measure(self, params: dict[str, Any], comparison: RefComparison) -> _Measured:
        """Return the results of the benchmarks, their artifacts, and doit's exit code."""

        def ending(graph: Graph) -> str:
            graph.summary(draws=False)  # The report says what failed, too.
            return table_of(comparison, graph.staleness, terminal_width())

        params["manifest"] = str(comparison.write())
        describe = partial(described, comparison, params["manifest"])
        try:
            code = self.run_tasks(params, [f"compare:{each}" for each in comparison.items], ending, describe=describe)
        except SystemExit as failed:  # how failed tasks end doit
            code = failed.code if isinstance(failed.code, int) else 1
        graph: Graph = self.loader.graph
        paths = {item_id: graph.workspace.paths.item(item_id) for item_id in comparison.items}
        return benchmarks_of(comparison, graph.staleness), paths, code


@dataclass(frozen=True, slots=True)
class _Change:
    """What may be measured, and why; `repository` and `number` are the pull request's, "" and None elsewhere."""

    sides: Sides
    decision: Decision
    repository: str
    number: int | None

    @classmethod
    def of(cls, params: Mapping[str, Any], repository: Repository, event: Event | None) -> "_Change":
        pull = event.pull_request if event else None
        if event and not pull and not params["base"]:
            hint = "use `on: pull_request`, or name the refs: prprep ci --base REF --head REF"
            raise UsageError("this workflow was not started by a pull request", hint=hint)
        base, head = (pull.base.sha, pull.head.sha) if pull else ("", "HEAD")
        sides = Sides.from_merge_base(repository, params["base"] or base, params["head"] or head)
        title, body = (pull.title, pull.body or "") if pull else ("", "")
        decision = Trigger(params["every"], params["paths"]).decide(sides, params["title"] or title, body)
        return cls(sides, decision, event.slug if event else "", pull.number if pull else None)

    def result(self, benchmarks: tuple[MeasuredBenchmark, ...] = ()) -> Result:
        return Result(
            repository=self.repository,
            number=self.number,
            base=self.sides.base.sha,
            head=self.sides.heads[0].sha,
            why=self.decision.why,
            benchmarks=benchmarks,
        )


def _exit_code(result: Result, failing: frozenset[str], code: int) -> int:
    """Return doit's code, or 1, if a benchmark failed, 1 for a verdict of --fail-on, else 0."""
    if result.outcome is Outcome.FAILED:
        return code or 1
    return int(any(each.outcome in failing for each in result.benchmarks))


def _verdicts(words: Sequence[str]) -> frozenset[str]:
    verdicts = [each.strip() for word in words for each in word.split(",")]
    for verdict in verdicts:
        if verdict not in set(Verdict):
            raise UsageError(f"--fail-on is {quoted(verdict)}", hint=suggestion(verdict, list(Verdict), "its values"))
    return frozenset(verdicts)


def _comment(result: Result, event: Event | None) -> None:
    """Write the comment; a missing permission is a warning, since the result does not depend on it."""
    if event is None:
        raise UsageError("only workflows of GitHub can write comments", hint="leave --comment and --post out")
    try:
        print(post(result, event) or "no comment: nothing was measured, and there is no older result", flush=True)
    except PrprepError as error:
        if re.search("HTTP 40[134]|not accessible|not logged in", error.what):
            error.hint = _NO_PERMISSION
        warn(error, os.environ)
