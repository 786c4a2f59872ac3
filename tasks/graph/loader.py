"""Hand the graph of one manifest to doit: to `doit` in a checkout by dodo.py, to `prprep` anywhere else."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.cmd_base import TaskLoader2
from doit.exceptions import InvalidDodoFile
from doit.loader import generate_tasks

from .. import pipeline
from ..errors import PrprepError, UsageError
from ..processes.locks import file_lock
from ..processes.scratch import remove_abandoned
from ..storage.files import fingerprint_of, write_whole
from ..storage.hashing import digest, hash_of
from ..storage.paths import MANIFEST_NAME, STATE_FOLDER, cache_folder
from ..text.markdown import plain
from ..workspace.workspace import Workspace
from .actions import Action
from .names import demand_item, matches, unknown_word
from .reporter import PlainReporter
from .state import ArtifactChecker, Fresh, Ledger

if TYPE_CHECKING:
    from doit.cmd_base import Command
    from doit.task import Task

    from ..processes.progress import Report
    from ..staleness import Staleness

_BUSY = "another prprep is at work in this folder"

# Item by item from measuring on, so that the first bodies are there long before the last comparison ends.
DEFAULT_TASKS = ["detect", "survey", "scaffold", "inject", "render", "report"]


class Graph:
    """The tasks of one manifest; `before` names tasks of the caller that make the repository.

    With `refresh`, or PRPREP_REFRESH in the environment, forges are asked again whatever is kept of their answers.
    """

    def __init__(self, manifest: Path, *, before: tuple[str, ...] = (), refresh: bool = False) -> None:
        self.manifest = manifest
        self._not_before = time.time() if refresh or os.environ.get("PRPREP_REFRESH") else 0.0
        self._before = before
        self._workspace: Workspace | None = None
        self._state = manifest.parent / STATE_FOLDER
        self._log = self._state / "defect.log"
        self._locks = ExitStack()
        self._began = False
        self.ending: Callable[[], str] | None = None
        """What a run shows at its end in place of the table of all items; its tasks are then not told one by one."""

    @property
    def workspace(self) -> Workspace:
        if self._workspace is None:
            self._workspace = Workspace.open(self.manifest, repository_may_be_missing=bool(self._before))
        return self._workspace

    @cached_property
    def staleness(self) -> Staleness:
        return pipeline.staleness_of(self.workspace, not_before=self._not_before)

    @property
    def database(self) -> Path:
        """What doit records, as JSON."""
        return self._state / "doit.json"

    def config(self) -> dict[str, Any]:
        """Return doit's settings: artifacts say what is fresh, and one item's failure leaves the others going."""
        if not (self._state / ".gitignore").exists():
            # The state stays out of `git status` in whatever repository the manifest lies.
            write_whole(self._state / ".gitignore", "*\n")
        _drop_unreadable(self.database)
        return {
            "dep_file": str(self.database),
            "backend": "json",
            "codec_cls": Ledger,
            "check_file_uptodate": ArtifactChecker,
            "reporter": self._reporter(),
            "continue": True,
            "par_type": "thread",
            "verbosity": 2,
            "default_tasks": [*self._before, *DEFAULT_TASKS],
        }

    def tasks(self) -> Iterator[dict[str, Any]]:
        """Generate doit's tasks; a wrong manifest is told in full and nothing runs."""
        try:
            pass
        except PrprepError as error:
            raise InvalidDodoFile(plain(str(error))) from None
        # Tens of thousands of tasks live until the end: looking through them for garbage again and again finds none.
        gc.set_threshold(200_000, 50, 50)
        for task in pipeline.tasks(self.staleness, partial(Action, begin=self.begin, log=self._log), Fresh):
            if self._before and task["basename"] == "detect" and task["name"]:
                task["task_dep"] = list(self._before)
            yield task

    def preparation(self, make: Callable[[], None], *, inputs: Sequence[Path], product: Path) -> dict[str, Any]:
        """Return the task that makes the repository from `inputs`; the refs are asked again after it."""
        stamp = self._state / f"{product.name}.json"

        def made_from() -> str:
            return hash_of([str(digest(path)) for path in inputs])

        def perform(report: Report) -> None:
            fingerprint = made_from()
            report(f"making {product.name}")
            from ..artifacts import Stamp

            make()
            Stamp().write(stamp, fingerprint)
            self.workspace.refs_moved()

        return {
            "actions": [Action(perform, product.name, begin=self.begin, log=self._log)],
            "file_dep": [str(path) for path in inputs],
            "targets": [str(product)],
            "uptodate": [Fresh(lambda: product.exists() and fingerprint_of(stamp) == made_from())],
        }

    def begin(self) -> None:
        """Take the folder for this run, until the process ends."""
        if not self._began:
            self._locks.enter_context(file_lock(self._state / "lock", busy=_BUSY))
            self._began = True
            remove_abandoned(cache_folder())

    def summary(self) -> str:
        """Write the report anew, whatever ran, and give its table."""
        table = pipeline.summary(self.staleness)
        self.workspace.run_cache.save()
        return table

    def known(self, item_id: str, *, prefix: str = "") -> str:
        """Return the item's id; raise UsageError if the manifest has no such item."""
        return demand_item(item_id, self.workspace.plan.items, manifest=self.manifest.name, prefix=prefix)

    def _reporter(self) -> type[PlainReporter]:
        summary, quiet = (self.ending, True) if self.ending else (self.summary, False)
        return type(
            "Reporter",
            (PlainReporter,),
            {"begin": staticmethod(self.begin), "summary": staticmethod(summary), "quiet": quiet},
        )


def _drop_unreadable(database: Path) -> None:
    """Delete a database that is no text: doit decodes it before its codec, which bears everything else, sees it."""
    try:
        database.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except ValueError:
        database.unlink()


class ManifestLoader(TaskLoader2):  # type: ignore[misc]
    """Load the graph of the manifest that `-m` names, else of the nearest prprep.yaml upwards."""

    cmd_options = (
        {
            "name": "manifest",
            "short": "m",
            "long": "manifest",
            "type": str,
            "default": "",
            "metavar": "FILE",
            "help": f"the manifest [default: {MANIFEST_NAME} in this folder or the nearest one above]",
        },
        {
            "name": "refresh",
            "long": "refresh",
            "type": bool,
            "default": False,
            "help": "ask GitHub again, however recent its answers are",
        },
    )

    def __init__(self) -> None:
        super().__init__()
        self.graph: Graph | None = None
        self.ending: Callable[[Graph], str] | None = None
        """What the command that runs shows at its end, where that is not the table of all items."""

    def setup(self, opt_values: dict[str, Any]) -> None:
        try:
            self.graph = graph_of(opt_values["manifest"], refresh=opt_values["refresh"])
        except UsageError as error:
            raise InvalidDodoFile(plain(str(error))) from None
        self.graph.ending = partial(self.ending, self.graph) if self.ending else None

    def load_doit_config(self) -> dict[str, Any]:
        return self._graph.config()

    def load_tasks(self, cmd: Command, pos_args: list[str]) -> list[Task]:
        tasks: list[Task] = generate_tasks("prprep", self._graph.tasks(), None)
        if pos_args and "TASK" in cmd.doc_usage:
            self._demand_tasks(pos_args, tasks, targets=cmd.name == "run")
        return tasks

    def _demand_tasks(self, words: list[str], tasks: list[Task], *, targets: bool) -> None:
        """Raise UsageError for a word that is no task, nor, with `targets`, a file that a task writes."""
        names = {task.name for task in tasks}
        files = {target for task in tasks for target in task.targets} if targets else set()
        for word in words:
            if not matches(word, names) and word not in files:
                stage, _, item = word.partition(":")
                if item and stage in pipeline.NAMES and "*" not in item:
                    self._graph.known(item, prefix=f"{stage}:")
                raise unknown_word(word, self.cmd_names if targets else ())

    @property
    def _graph(self) -> Graph:
        assert self.graph is not None  # noqa: S101 - doit calls setup first
        return self.graph


def graph_of(named: str, *, refresh: bool = False) -> Graph:
    """Return the graph of the manifest that is named, else of the nearest one; from its folder, as tasks are run."""
    manifest = find_manifest(named, Path.cwd())
    os.chdir(manifest.parent)
    return Graph(manifest, refresh=refresh)


def find_manifest(named: str, folder: Path) -> Path:
    """Return the manifest's absolute path; raise UsageError where there is none."""
    if named:
        path = Path(named).absolute()
        path = path / MANIFEST_NAME if path.is_dir() else path
        if path.is_file():
            return path
        raise UsageError(
            "there is no such manifest", where=named, hint="give the path of a file as in `prprep -m FILE`"
        )
    for place in (folder, *folder.parents):
        if (place / MANIFEST_NAME).is_file():
            return place / MANIFEST_NAME
    raise UsageError(
        f"no {MANIFEST_NAME} in this folder or above it",
        where=str(folder),
        hint="`prprep init` drafts one from the repository and its notes; or name yours: prprep -m FILE",
    )
