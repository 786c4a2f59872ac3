"""A base class for commands that run some tasks and print a result of their own."""

from collections.abc import Callable, Sequence
from typing import Any

from doit.cmd_run import Run
from doit.cmdparse import CmdOption

from ..graph.loader import JSON, Graph
from ..json_output.document import Answer, as_it_is, describe_run
from ..json_output.models import Item

VISIBLE = frozenset({"manifest", "refresh", "num_process"})


class SelectedTasks(Run):  # type: ignore[misc]
    """A run of some tasks; of doit's options only those in `visible` can be set, and `own_options`."""

    own_options: tuple[dict[str, Any], ...] = ()
    visible: frozenset[str] = VISIBLE
    draws = True
    """Whether report.html is written, too."""
    answer: Answer

    def get_options(self) -> list[CmdOption]:
        options: list[CmdOption] = super().get_options()
        for option in options:
            if option.name not in self.visible:
                option.short = option.long = option.inverse = ""
        return [*options, *map(CmdOption, (*self.own_options, JSON))]

    def run_tasks(
        self,
        params: Any,
        tasks: Sequence[str],
        result: Callable[[Graph], str],
        *,
        describe: Callable[[Item], Item] = as_it_is,
    ) -> int:
        """Bring tasks up to date, print `result` instead of the table of all items, and return the exit code.

        `describe` changes what the JSON document says about an item.
        """
        self.loader.ending = result
        if params["json"]:
            describe_run(self.loader, params, self.answer, describe=describe, draws=self.draws)
        code: int = super().execute(params, list(tasks))
        return code
