"""Load the graph of one manifest into doit: in dodo.py for `doit` in a checkout, in ManifestLoader for `prprep`."""

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from doit.cmd_base import Command, TaskLoader2
from doit.exceptions import InvalidDodoFile
from doit.loader import generate_tasks
from doit.task import Task

from .. import pipeline
from ..errors import PrprepError, UsageError
from ..git.repository import is_tracked
from ..processes.cores import all_cores
from ..processes.locks import file_lock
from ..processes.progress import Report
from ..processes.scratch import remove_abandoned
from ..staleness import Staleness
from ..storage.files import fingerprint_of, read_json, write_whole
from ..storage.hashing import digest, hash_of, read_file
from ..storage.links import refuse_links_in
from ..storage.paths import MANIFEST_NAME, STATE_FOLDER, cache_folder
from ..text.markdown import plain
from ..text.messages import quoted
from ..workspace.workspace import Workspace
from .actions import Action
from .names import suggestion, unknown_word
from .reporter import PlainReporter
from .run_plan import RunPlan
from .state import ArtifactChecker, DatabaseCodec, Fresh

_BUSY = "another prprep is at work in this folder"

_FIRST_TASKS, _LAST_TASK = ("detect", "survey", "scaffold", "inject"), "render"
ITEMS_ELSEWHERE = 32
"""Tasks at the same time if other machines do the work of stages: each waits for one of them."""


class Graph:
    """The tasks of one manifest; `before` names tasks of the caller that create the repository.

    With `refresh`, or PRPREP_REFRESH in the environment, cached responses of GitHub are not used.
    """

    def __init__(self, manifest: Path, *, before: tuple[str, ...] = (), refresh: bool = False) -> None:
        self.manifest = manifest
        self._not_before = time.time() if refresh or os.environ.get("PRPREP_REFRESH") else 0.0
        self._before = before
        self._state = manifest.parent / STATE_FOLDER
        refuse_links_in(self._state, manifest.parent)
        self.database = self._state / "doit.json"
        self._action = partial(Action, begin=self.begin, log=self._state / "defect.log")
        self._locks = ExitStack()
        self._began = False
        self.elsewhere: pipeline.Elsewhere | None = None
        """What does the work of stages, if a run does not do all of it in this process."""
        self.ending: Callable[[], str] | None = None
        """What a run prints at its end instead of the table of all items; it then does not list its tasks."""
        self.selected: Sequence[str] = ()
        """The tasks that a run was started with; a stage is all items."""
        self.verbose = False
        """Whether a terminal shows every message of a run."""
        self.endings: dict[str, tuple[Literal["done", "failed", "not run"], str]] = {}
        """How tasks that were not up to date ended, in a run, and the message of a failure."""

    @cached_property
    def workspace(self) -> Workspace:
        return Workspace.open(self.manifest, repository_may_be_missing=bool(self._before))

    @cached_property
    def staleness(self) -> Staleness:
        return pipeline.staleness_of(self.workspace, not_before=self._not_before)

    def config(self) -> dict[str, Any]:
        """Return doit's settings: artifacts decide what is fresh, and a failure does not stop other items."""
        if not (self._state / ".gitignore").exists():
            if is_tracked(self._state):
                what = f"git tracks files in {STATE_FOLDER}, which prprep would overwrite"
                raise UsageError(what, where=str(self._state), hint="move them, or remove them from git")
            # `git status` does not show the state in the repository of the manifest.
            write_whole(self._state / ".gitignore", "*\n")
        with suppress(FileNotFoundError):
            try:
                read_file(self.database).decode("utf-8")
            except UnicodeDecodeError:
                self.database.unlink()  # doit decodes it before DatabaseCodec, which copes with everything else
        return {
            "dep_file": str(self.database),
            "backend": "json",
            "codec_cls": DatabaseCodec,
            "check_file_uptodate": ArtifactChecker,
            "reporter": type("Reporter", (PlainReporter,), {"graph": self}),
            "continue": True,
            "par_type": "thread",
            "num_process": self._tasks_at_a_time(),
            "verbosity": 2,
            "default_tasks": [*self._before, *_FIRST_TASKS, *self._last_tasks(), "report"],
        }

    def _tasks_at_a_time(self) -> int:
        """Set up one item while another is measured (`processes.beside`); 0 is one task after the other.

        Items in lockstep are prepared before the first of them is measured.
        """
        with suppress(PrprepError):
            if len(all_cores()) > 1 and not any(each["lockstep"] for each in self.workspace.plan.items.values()):
                return 2
        return 0

    def _last_tasks(self) -> list[str]:
        """Return the last task of each item: doit runs them one after the other, each after its own dependencies.

        So the first bodies are written long before the last comparison ends. If `render` were selected for all items,
        doit would run the dependencies of all of them first.
        """
        try:
            return [f"{_LAST_TASK}:{item_id}" for item_id in self.workspace.plan.items]
        except PrprepError:
            return [_LAST_TASK]  # `tasks` reports it

    def tasks(self) -> Iterator[dict[str, Any]]:
        """Generate doit's tasks; raise InvalidDodoFile with all mistakes of a wrong manifest."""
        try:
            staleness = self.staleness
        except PrprepError as error:
            raise InvalidDodoFile(plain(str(error))) from error
        # Tens of thousands of tasks live until the end: searching them for garbage again and again is wasted time.
        gc.set_threshold(200_000, 50, 50)
        for task in pipeline.tasks(staleness, self._action, Fresh, elsewhere=self.elsewhere):
            if self._before and task["basename"] == "detect" and task["name"]:
                task["task_dep"] = list(self._before)
            yield task

    def preparation(self, create: Callable[[], None], *, inputs: Sequence[Path], product: Path) -> dict[str, Any]:
        """Return the task that creates the repository from `inputs`; refs are resolved again after it."""
        stamp = self._state / f"{product.name}.json"

        def made_from() -> str:
            return hash_of([str(digest(path)) for path in inputs])

        def perform(report: Report) -> None:
            from ..artifacts import Stamp

            fingerprint = made_from()
            report(f"creating {product.name}")
            create()
            Stamp().write(stamp, fingerprint)
            self.workspace.refs_moved()

        return {
            "actions": [self._action(perform, product.name)],
            "file_dep": [str(path) for path in inputs],
            "targets": [str(product)],
            "uptodate": [Fresh(lambda: product.exists() and fingerprint_of(stamp) == made_from())],
        }

    def begin(self) -> None:
        """Lock the folder for this run, until the process ends."""
        if not self._began:
            self._locks.enter_context(file_lock(self._state / "lock", busy=_BUSY))
            self._began = True
            remove_abandoned(cache_folder())
            pipeline.check_report(self.workspace)

    def summary(self, *, draws: bool = True) -> str:
        """Update the report, whatever ran, and return its table; without `draws`, not report.html."""
        table = pipeline.summary(self.staleness, draws=draws)
        self.workspace.run_cache.save()
        return table

    def plan(self, tasks: Iterable[str]) -> RunPlan:
        items = self.workspace.plan.items
        return RunPlan(tasks, {item_id: read_json(self.workspace.paths.item(item_id).times) for item_id in items})

    def result_of(self, item_id: str, last_stage: str) -> tuple[str, str]:
        """Return the state of an item after `last_stage` of a run, and the result as a line of text."""
        if last_stage != pipeline.NAMES[-1]:
            return "", f"{last_stage} done"
        return pipeline.result_of(self.staleness, item_id)

    def selected_items(self) -> list[str]:
        """Return the items that a run was about, all if it was not only about some."""
        ids = dict.fromkeys(task.partition(":")[2] for task in self.selected)
        return list(ids if ids and "" not in ids else self.workspace.plan.items)

    def known(self, item_id: str, *, prefix: str = "") -> str:
        """Return the item's id; raise UsageError if the manifest has no such item."""
        if item_id in self.workspace.plan.items:
            return item_id
        hint = suggestion(item_id, self.workspace.plan.items, "its optimizations", prefix=prefix)
        raise UsageError(f"{self.manifest.name} has no optimization {quoted(item_id)}", hint=hint)

    def known_or_all(self, item_ids: Sequence[str]) -> list[str]:
        return [self.known(item_id) for item_id in item_ids] or list(self.workspace.plan.items)


def option(long: str, text: str, metavar: str, short: str = "", **more: Any) -> dict[str, Any]:
    """Return an option with a value as doit wants it; its name is `long` with underscores."""
    name = long.replace("-", "_")
    return {"name": name, "short": short, "long": long, "default": "", "help": text, "metavar": metavar, **more}


def flag(long: str, text: str) -> dict[str, Any]:
    return {"name": long.replace("-", "_"), "long": long, "type": bool, "default": False, "help": text}


JSON = flag("json", "print one JSON document instead, see docs/json.md")


class ManifestLoader(TaskLoader2):  # type: ignore[misc]
    """Load the graph of the manifest that `-m` names, else of the nearest prprep.yaml upwards."""

    cmd_options = (
        option("manifest", f"the manifest [default: {MANIFEST_NAME} in this folder or the nearest above]", "FILE", "m"),
        flag("refresh", "ask GitHub again, however recent its answers are"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.graph: Graph
        self.ending: Callable[[Graph], str] | None = None
        """What the command prints at its end, if not the table of all items."""
        self.verbose = False
        self.elsewhere: Callable[[Graph], pipeline.Elsewhere | None] | None = None
        """Returns what does the work of the graph's stages, if the command uses other machines."""
        self.answer: dict[str, Any] = {}
        """What is known of the document that `--json` writes."""

    def setup(self, opt_values: dict[str, Any]) -> None:
        try:
            self.graph = graph_of(opt_values["manifest"], refresh=opt_values["refresh"])
        except PrprepError as error:
            raise InvalidDodoFile(plain(str(error))) from error
        self.answer["manifest"] = str(self.graph.manifest)
        self.graph.verbose = self.verbose
        self.graph.ending = partial(self.ending, self.graph) if self.ending else None

    def load_doit_config(self) -> dict[str, Any]:
        config = self.graph.config()
        try:
            self.graph.elsewhere = self.elsewhere(self.graph) if self.elsewhere else None
        except PrprepError as error:
            raise InvalidDodoFile(plain(str(error))) from error
        return config | ({"num_process": ITEMS_ELSEWHERE} if self.graph.elsewhere else {})

    def load_tasks(self, cmd: Command, pos_args: list[str]) -> list[Task]:
        tasks: list[Task] = generate_tasks("prprep", self.graph.tasks(), None)
        if pos_args and "TASK" in cmd.doc_usage:
            self._check_tasks(pos_args, tasks, cmd.name)
        return tasks

    def _check_tasks(self, words: list[str], tasks: list[Task], command: str) -> None:
        """Raise UsageError for a word that is no task; doit has patterns in `run` and `clean`, files in `run`."""
        names = {task.name for task in tasks}
        files = {target for task in tasks for target in task.targets} if command == "run" else set()
        for word in words:
            is_pattern = command in {"run", "clean"} and "*" in word
            if word in names or word in files or (is_pattern and any(fnmatchcase(name, word) for name in names)):
                continue
            stage, _, item = word.partition(":")
            if item and stage in pipeline.NAMES and "*" not in item:
                self.graph.known(item, prefix=f"{stage}:")
            raise unknown_word(word, self.cmd_names if command == "run" else ())


def graph_of(named: str, *, refresh: bool = False) -> Graph:
    """Change into the folder of the manifest named, else of the nearest one, and return its graph."""
    manifest = find_manifest(named, Path.cwd())
    os.chdir(manifest.parent)
    return Graph(manifest, refresh=refresh)


def find_manifest(named: str, folder: Path) -> Path:
    """Return the manifest's absolute path; raise UsageError if there is none."""
    if named:
        path = Path(named).absolute()
        path = path / MANIFEST_NAME if path.is_dir() else path
        if path.is_file():
            return path
        raise UsageError("no such manifest", where=named, hint="give the path of a file: prprep -m FILE")
    for parent in (folder, *folder.parents):
        if (parent / MANIFEST_NAME).is_file():
            return parent / MANIFEST_NAME
    hint = "`prprep init` drafts one from the repository and its notes; or name yours: prprep -m FILE"
    raise UsageError(f"no {MANIFEST_NAME} in this folder or above it", where=str(folder), hint=hint)
