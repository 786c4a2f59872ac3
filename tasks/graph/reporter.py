"""doit's console reporter with one plain message for a failure, and the table of items at the end."""

import sys
from typing import Any

from doit.exceptions import BaseFail, InvalidDodoFile, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from ..errors import PrprepError
from ..text.markdown import plain


class PlainReporter(ConsoleReporter):  # type: ignore[misc]
    desc = "prprep: plain messages, and the table of all items at the end"
    graph: Any = None
    """The Graph whose tasks it reports on."""

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._defects = False
        self._failed: dict[str, str] = {}
        self._refused = False

    def initialize(self, tasks: dict[str, Task], selected_tasks: list[str]) -> None:  # noqa: ARG002
        self.graph.selected = selected_tasks
        try:
            self.graph.begin()
        except PrprepError as error:
            self._refused = True
            # Before anything runs, doit shows this kind of error as a message and ends with exit code 3.
            raise InvalidDodoFile(plain(str(error))) from error

    def write(self, text: str) -> None:
        # Messages contain output of the target and of git: their escape codes must not reach the user's terminal.
        super().write(plain(text))

    def execute_task(self, task: Task) -> None:
        if not self.graph.ending:
            super().execute_task(task)
            self.outstream.flush()

    def add_success(self, task: Task) -> None:
        if task.actions:
            self.graph.endings[task.title()] = ("done", "")

    def skip_uptodate(self, task: Task) -> None:
        if task.actions and not self.graph.ending:
            super().skip_uptodate(task)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        self.failures.append({"task": task, "exception": fail})
        if isinstance(fail, UnmetDependency):
            if task.actions:
                self.graph.endings[task.title()] = ("not run", f"{fail.message} failed")
            if task.actions and not self.graph.ending:
                self.write(f"!! {task.title()} (not run: {fail.message} failed)\n")
            return
        self._defects = self._defects or not isinstance(fail, TaskFailed)
        message = fail.get_msg().strip()
        self.graph.endings[task.title()] = ("failed", message)
        # An error that every item runs into is printed once, also if it names the item.
        first = self._failed.setdefault(message.replace(task.name.partition(":")[2] or "\0", ""), task.title())
        self.write(f"## {task.title()} failed\n{message if first == task.title() else f'as {first} above'}\n")

    def complete_run(self) -> None:
        if self.runtime_errors:
            self.write("\n".join(self.runtime_errors) + "\n")
        if not self._refused and (result := (self.graph.ending or self.graph.summary)()):
            self.write(f"\n{result}\n")
        is_interrupted = sys.exc_info()[1] is not None  # the exit code is then that of the interrupt
        if self.failures and not (self._defects or self.runtime_errors or is_interrupted):
            # doit would exit with 2, because it counts a task skipped after a failure as an error.
            raise SystemExit(1)
