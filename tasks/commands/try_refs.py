"""`prprep try`: compare refs without a manifest, and print a table."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..graph.loader import Graph, option
from ..ref_comparison.described import described
from ..ref_comparison.manifest import Entry, RefComparison, defaults_of
from ..ref_comparison.options import MEASURED, repository_of, settings_of
from ..ref_comparison.sides import Sides
from ..ref_comparison.table import result
from ..storage.paths import MANIFEST_NAME
from ..text.tables import terminal_width
from ..workspace.repository import Repository
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
    draws = False  # nobody looks at the report of this folder
    own_options = (
        *MEASURED,
        option("repo", "a path or an address [default: the repository around this folder]", "PATH"),
        option("save", "add the comparison to prprep.yaml under this id; the file is created if need be", "ID"),
    )

    def execute(self, params: Any, args: list[str]) -> int:
        benchmarks = [word for word in args if _BENCHMARK.fullmatch(word)]
        settings = settings_of(params, benchmarks)
        repository, manifest = repository_of(params["repo"], Path.cwd())
        sides = Sides.of(repository, [word for word in args if word not in benchmarks])
        comparison = RefComparison(sides, (settings,), defaults_of(manifest) if manifest else {})
        entry = None
        if params["save"]:
            entry = Entry.of(comparison, params["save"], manifest.path if manifest else _new_manifest(repository))
        params["manifest"] = str(comparison.write())

        def ending(graph: Graph) -> str:
            graph.summary(draws=False)  # The report says what failed, too.
            return result(comparison, graph.staleness, terminal_width())

        describe = partial(described, comparison, params["manifest"])
        # All heads are prepared before the first is measured: what is ready then is timed in the same turns.
        tasks = [f"{stage}:{item_id}" for stage in ("lint", "compare") for item_id in comparison.heads]
        code = self.run_tasks(params, tasks, ending, describe=describe)
        if entry and code == 0:
            print(f"\n{entry.save()}")
        return code


def _new_manifest(repository: Repository) -> Path:
    if repository.worktree is None:
        raise UsageError("--save needs a work tree to write prprep.yaml to", hint="run it in a clone")
    return repository.worktree / MANIFEST_NAME
