"""doit's console reporter with one plain message for a failure, and the table of items at the end."""

import sys
from typing import Any

from doit.exceptions import BaseFail, InvalidDodoFile, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from ..errors import PrprepError
from ..text.markdown import plain
from .console import CONSOLE
from .run_plan import RunPlan


class PlainReporter(ConsoleReporter):  # type: ignore[misc]
    """In a terminal, a line for each item that ends; elsewhere, and if asked for, a line for each task."""

    desc = "prprep: plain messages, and the table of all items at the end"
    graph: Any = None
    """The Graph whose tasks it reports on."""

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._defects = False
        self._failed: dict[str, str] = {}
        self._refused = False
        self._plan: RunPlan | None = None
        self._executed: set[str] = set()
        """Items of which a task was executed, and none failed."""

    def initialize(self, tasks: dict[str, Task], selected_tasks: list[str]) -> None:
        self.graph.selected = selected_tasks
        try:
            self.graph.begin()
        except PrprepError as error:
            self._refused = True
            # Before anything runs, doit shows this kind of error as a message and ends with exit code 3.
            raise InvalidDodoFile(plain(str(error))) from error
        if CONSOLE.is_live:
            self._plan = self.graph.plan(_with_dependencies(tasks, selected_tasks))
            CONSOLE.begin(self._plan, verbose=self.graph.verbose)

    def write(self, text: str) -> None:
        # Messages contain output of the project and of git: their escape codes must not reach the user's terminal.
        CONSOLE.print(plain(text).removesuffix("\n"), self.outstream)

    def execute_task(self, task: Task) -> None:
        _, _, item = task.name.partition(":")
        self._executed.add(item)
        if self._shows_tasks:
            super().execute_task(task)

    def add_success(self, task: Task) -> None:
        if task.actions:
            self.graph.endings[task.title()] = ("done", "")
            self._end(task)

    def skip_uptodate(self, task: Task) -> None:
        if task.actions:
            if self._shows_tasks:
                super().skip_uptodate(task)
            self._end(task)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        self.failures.append({"task": task, "exception": fail})
        self._executed.discard(task.name.partition(":")[2])
        if isinstance(fail, UnmetDependency):
            if task.actions:
                self.graph.endings[task.title()] = ("not run", f"{fail.message} failed")
                self._end(task)
            if task.actions and self._shows_tasks:
                self.write(f"!! {task.title()} (not run: {fail.message} failed)\n")
            return
        self._defects = self._defects or not isinstance(fail, TaskFailed)
        message = fail.get_msg().strip()
        self.graph.endings[task.title()] = ("failed", message)
        # An error that every item runs into is printed once, also if it names the item.
        first = self._failed.setdefault(message.replace(task.name.partition(":")[2] or "\0", ""), task.title())
        self.write(f"## {task.title()} failed\n{message if first == task.title() else f'as {first} above'}\n")
        self._end(task)

    def complete_run(self) -> None:
        CONSOLE.end()
        if self.runtime_errors:
            self.write("\n".join(self.runtime_errors) + "\n")
        if not self._refused and (result := (self.graph.ending or self.graph.summary)()):
            self.write(f"\n{result}\n")
        is_interrupted = sys.exc_info()[1] is not None  # the exit code is then that of the interrupt
        if self.failures and not (self._defects or self.runtime_errors or is_interrupted):
            # doit would exit with 2, because it counts a task skipped after a failure as an error.
            raise SystemExit(1)

    @property
    def _shows_tasks(self) -> bool:
        return not self.graph.ending and (self._plan is None or self.graph.verbose)

    def _end(self, task: Task) -> None:
        """Write the item's result once its last task has ended, unless nothing was done or a failure was shown."""
        stage, _, item = task.name.partition(":")
        if self._plan and self._plan.end(stage, item) and item in self._executed and not self.graph.ending:
            state, result = self.graph.result_of(item, self._plan.last_stage(item))
            CONSOLE.line(plain(f"{item}: {result}"), state=state)


def _with_dependencies(tasks: dict[str, Task], selected: list[str]) -> set[str]:
    """Return the names of the selected tasks and of all that they depend on."""
    names: set[str] = set()
    waiting = list(selected)
    while waiting:
        if (name := waiting.pop()) not in names and name in tasks:
            names.add(name)
            waiting += tasks[name].task_dep
    return names
