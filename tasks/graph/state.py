"""Let artifacts, not doit's database, decide what is fresh.

doit writes its database when a run ends, so a killed run loses what it did, and a failure upstream that passes later
makes everything downstream stale. An artifact has the fingerprint of its inputs, and these classes make doit trust that
alone. The database only records what a user told doit to forget or ignore.
"""

import inspect
import json
from collections.abc import Callable
from typing import Any

from doit.dependency import Dependency, FileChangedChecker, UptodateCalculator
from doit.task import Task

FORGOTTEN = "forgotten"


class ArtifactChecker(FileChangedChecker):  # type: ignore[misc]
    """Report no file as changed or missing: the fingerprint covers the content of every input."""

    CheckerError = OSError

    def exists(self, file_path: str) -> bool:  # noqa: ARG002 - the signature is doit's
        return True

    def info(self, file_path: str) -> None:  # noqa: ARG002
        return None

    def check_modified(self, file_path: str, file_stat: object, state: object) -> bool:  # noqa: ARG002
        return False

    def get_state(self, dep: str, current_state: object) -> bool:  # noqa: ARG002
        return True


class DatabaseCodec:
    """doit's database as JSON; a corrupt one is replaced, and forgotten tasks are marked."""

    def __init__(self) -> None:
        self._tasks_before: set[str] = set()

    def decode(self, text: str) -> dict[str, Any]:
        """Read the database; a corrupt one counts as empty."""
        try:
            tasks = json.loads(text)
        except ValueError:
            return {}
        if not isinstance(tasks, dict) or not all(isinstance(entry, dict) for entry in tasks.values()):
            return {}
        self._tasks_before = set(tasks)
        return tasks

    def encode(self, tasks: dict[str, Any]) -> str:
        """Write the database, with a mark for every task that a command such as `forget` removed.

        A run removes failed tasks as well; they are stale by their fingerprints and need no mark.
        """
        for entry in tasks.values():
            if "checker:" in entry:
                entry.pop(FORGOTTEN, None)
        forgotten = set() if Fresh.was_called else self._tasks_before - tasks.keys()
        return json.dumps({**tasks, **{name: {FORGOTTEN: True} for name in forgotten}})


class Fresh(UptodateCalculator):  # type: ignore[misc]
    """Tell doit whether a task is up to date, and update the database to match."""

    was_called = False
    # doit inspects the signature at every call, which takes longer than most calls.
    __signature__ = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("task", "values")]
    )

    def __init__(self, is_fresh: Callable[[], bool]) -> None:
        super().__init__()
        self._is_fresh = is_fresh
        self._dependency: Dependency | None = None

    def setup(self, dep_manager: Dependency, tasks_dict: dict[str, Task]) -> None:
        super().setup(dep_manager, tasks_dict)
        self._dependency = dep_manager

    def __call__(self, task: Task, values: dict[str, Any]) -> bool:  # noqa: ARG002
        Fresh.was_called = True
        assert self._dependency is not None  # noqa: S101 - doit calls setup first
        if self._dependency._get(task.name, FORGOTTEN) or not self._known_fresh():  # noqa: SLF001 - what UptodateCalculator hands out
            return False
        if not self._dependency._get(task.name, "checker:"):  # noqa: SLF001
            self._dependency.save_success(task)
        return True

    def _known_fresh(self) -> bool:
        try:
            return self._is_fresh()
        except OSError:
            return False  # the stage runs, meets the same, and says so

    def __repr__(self) -> str:
        return "the artifact was written from these inputs, and is unchanged"

    def __getstate__(self) -> dict[str, Any]:
        # The database is open in the main process only; worker processes run actions alone.
        return {**self.__dict__, "_dependency": None, "get_val": None, "tasks_dict": None}
