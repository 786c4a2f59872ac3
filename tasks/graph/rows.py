"""The live lines of a terminal: one for each step under way, and the number of items that are done."""

import math
import time
from collections.abc import Iterable
from typing import Any, Final, TextIO

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from .run_plan import RunPlan

WIDE: Final = 80
"""Columns from which on a line also has the step's newest message."""
NARROW: Final = 50
"""Columns below which a line has no bar."""


class Rows(Progress):
    """Lines with item, stage, bar, time left and newest message, as many of them as fit into the terminal."""

    def __init__(self, stream: TextIO, plan: RunPlan | None) -> None:
        self._plan = plan
        console = Console(file=stream, highlight=False)
        width = console.width
        name = Column(no_wrap=True, overflow="ellipsis", max_width=max(width // 3, 8))
        columns: list[ProgressColumn] = [
            TextColumn("{task.fields[item]}", markup=False, table_column=name),
            TextColumn("{task.fields[stage]}", markup=False, table_column=Column(no_wrap=True)),
        ]
        if width >= NARROW:
            columns.append(_Bar(plan, width=min(width // 6, 20)))
        columns.append(_TimeLeft(plan))
        if width >= WIDE:
            rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
            columns.append(TextColumn("{task.fields[message]}", markup=False, table_column=rest))
        super().__init__(*columns, console=console, transient=True, expand=width >= WIDE, refresh_per_second=4)

    def add(self, label: str, *, began: float) -> TaskID:
        """Add a line for a task such as `measure:tables`, or for any other step."""
        stage, _, item = label.rpartition(":")
        return self.add_task(label, item=item, stage=stage, began=began, message="")

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.tasks:
            yield self.make_tasks_table(self.tasks)
        if self._plan and self._plan.total:
            noun = "item" if self._plan.total == 1 else "items"
            yield Text(f"{self._plan.done} of {self._plan.total} {noun} done")


class _OfItem(ProgressColumn):
    """A column about an item of the run; empty for other steps."""

    def __init__(self, plan: RunPlan | None, **settings: Any) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._plan, self._settings = plan, settings

    def render(self, task: Task) -> RenderableType:
        fields = task.fields
        if self._plan is None or not fields["stage"]:
            return ""
        return self.shown(*self._plan.progress(fields["item"], fields["stage"], time.monotonic() - fields["began"]))

    def shown(self, share: float, left: float) -> RenderableType:
        raise NotImplementedError


class _Bar(_OfItem):
    def shown(self, share: float, left: float) -> RenderableType:  # noqa: ARG002
        width = self._settings["width"]
        return ProgressBar(1.0, share, width=width, style="dim", complete_style="default", finished_style="default")


class _TimeLeft(_OfItem):
    def shown(self, share: float, left: float) -> RenderableType:  # noqa: ARG002
        if left < 1:
            return ""
        return f"{math.ceil(left / 60)} min left" if left > 90 else f"{math.ceil(left)} s left"
