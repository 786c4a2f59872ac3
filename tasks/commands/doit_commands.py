"""doit's commands with help of our own, and a plain message for what makes doit print a traceback."""

import json
import os
import pprint
import re
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from doit import (
    cmd_clean,
    cmd_completion,
    cmd_forget,
    cmd_ignore,
    cmd_info,
    cmd_list,
    cmd_resetdep,
    cmd_run,
    cmd_strace,
)
from doit.cmd_base import Command

from ..errors import UsageError
from ..graph.loader import JSON, Graph, ManifestLoader, flag, graph_of, option
from ..graph.reporter import PlainReporter
from ..pipeline import Elsewhere
from ..processes import output
from ..storage.links import refuse_links_in

OPTION_HELP = {
    "always": "run tasks even if they are up to date",
    "continue": "go on with other items after a failure (the default), or stop at the first",
    "reporter": "how progress is printed; without it, as prprep does",
    "outfile": "write the output into this file [default: stdout]",
    "num_process": "run this many tasks at the same time, 0: one by one [default: 2, with one core or `lockstep` 0]",
    "par_type": "run them in a `process` or a `thread` each [default: thread]",
    "single": "run only these tasks, not those that they depend on",
    "failure_verbosity": "repeat at the end what failed tasks printed: 0 nothing (the default), 1 stderr, 2 both",
    "subtasks": "list the tasks of every item too",
    "quiet": "print only the names",
    "status": "print (R)un, (U)p to date or (I)gnored before each",
    "private": "list tasks that begin with _ too",
    "list_deps": "list the files that each task reads too",
    "template": "format each line, as in '{name} {doc}'",
    "sort": "the order",
    "hide_status": "do not say whether it is up to date",
    "cleandep": "clean what the tasks depend on too",
    "cleanall": "clean all tasks",
    "dryrun": "list what would be removed, without removing it",
    "cleanforget": "forget the tasks too",
    "forget_sub": "forget what the tasks depend on too",
    "forget_disable_default": "without TASK forget nothing",
    "forget_all": "forget all tasks",
    "shell": "the shell",
    "hardcode_tasks": "put the names of the tasks into the script instead of asking prprep",
    "show_all": "show files outside of this folder too",
    "keep_trace": "keep the output of strace as strace.txt",
}
"""Our text for doit's options, by their names."""


KEYS = option(
    "keys", "the folder of certificates for tls:// [default: PRPREP_KEYS, or ~/.config/prprep/keys]", "FOLDER"
)


class Run(cmd_run.Run):  # type: ignore[misc]
    """doit's `run`; with one of doit's own reporters the table goes to standard error."""

    doc_usage = "[TASK ...]"
    doc_description = (
        "TASK is a stage of all items (`measure`), a stage of one item (`measure:tables`), a pattern (`'*:tables'`) or "
        "a file that a task writes. What it depends on runs first; what is up to date is skipped."
    )
    example = "prprep run render:tables -n 2"
    cmd_options = (
        *(each for each in cmd_run.Run.cmd_options if each["name"] != "verbosity"),
        {**flag("verbose", "in a terminal, show every message and not only the newest"), "short": "v"},
        option(
            "wait-for-quiet",
            "wait this long before measuring if other programs use the machine's cores [default: 0]",
            "SECONDS",
            type=float,
            default=0.0,
        ),
        option(
            "workers",
            "send the work of stages to the workers of this scheduler, `none` to no other machine "
            "[default: `workers:` in the manifest]",
            "ADDRESS",
        ),
        KEYS,
        JSON,
    )
    answer: dict[str, Any]

    def execute(self, params: Any, args: list[str]) -> int:
        if params["wait_for_quiet"] < 0:
            raise UsageError(f"--wait-for-quiet is {params['wait_for_quiet']:g}, must be at least 0")
        if params["wait_for_quiet"]:
            from ..bench.exclusive import QUIET_VARIABLE

            os.environ[QUIET_VARIABLE] = f"{params['wait_for_quiet']:g}"
        self.loader.verbose = params["verbose"]
        if params["num_process"] < 0:
            raise UsageError(f"--process is {params['num_process']}, must be at least 0")
        if params["json"]:
            from ..json_output.document import describe_run

            describe_run(self.loader, params, self.answer)
        # Loading changes into the manifest's folder.
        keys, stages = Path(params["keys"]).absolute() if params["keys"] else None, ExitStack()
        self.loader.elsewhere = lambda graph: _remote_stages(graph, params, keys, stages)
        with stages:
            code: int = super().execute(params, args)
        reporter = params.get("reporter")
        if not (isinstance(reporter, type) and issubclass(reporter, PlainReporter)):
            graph = self.loader.graph
            output.say((graph.ending or graph.summary)())
        return code


def _remote_stages(graph: Graph, params: Any, keys: Path | None, stages: ExitStack) -> Elsewhere | None:
    """Return what sends work to the workers that a run names, None if it names none."""
    named = params["workers"] or graph.workspace.plan.top["workers"]
    if not named or named == "none":
        return None
    from ..cluster.addresses import Address
    from ..cluster.coordinator import Cluster
    from ..cluster.keys import keys_folder
    from ..cluster.remote import RemoteStages

    if params["par_type"] == "process" and "par_type" in params._non_default_keys:  # noqa: SLF001 - as doit asks
        raise UsageError("--workers needs threads", hint="leave out `--parallel-type process`")
    cluster = Cluster(Address.of(named), keys or keys_folder())
    stages.callback(cluster.close)
    return RemoteStages(cluster, lambda: graph.staleness)


class ListTasks(cmd_list.List):  # type: ignore[misc]
    doc_usage = "[TASK ...]"
    doc_description = "Without --all only the stages are listed; --status shows what a run would do."
    example = "prprep list --all --status"
    only_prints = True


class Info(cmd_info.Info):  # type: ignore[misc]
    doc_usage = "TASK"
    doc_description = "The exit code is 1 if the task is not up to date; `prprep explain ID` says why."
    example = "prprep info measure:tables"
    only_prints = True


class Clean(cmd_clean.Clean):  # type: ignore[misc]
    doc_usage = "[TASK ...]"
    doc_description = "Without TASK it cleans all tasks."
    example = "prprep clean 'measure:*' --dry-run"

    def clean_tasks(self, tasks: Any, dryrun: bool, cleanforget: bool) -> None:  # noqa: FBT001 - doit's signature
        """Refuse links before anything is removed: doit would print a traceback for each task."""
        paths = self.loader.graph.workspace.paths
        for item_id in self.loader.graph.workspace.plan.items:
            refuse_links_in(paths.item(item_id).state, paths.folder)
        super().clean_tasks(tasks, dryrun, cleanforget)


class Forget(cmd_forget.Forget):  # type: ignore[misc]
    doc_usage = "[TASK ...]"
    doc_description = "The next run executes them, and what depends on them if their results change."
    example = "prprep forget measure:tables"


class Ignore(cmd_ignore.Ignore):  # type: ignore[misc]
    doc_usage = "TASK ..."
    doc_description = "Tasks that depend on an ignored one are skipped too. `prprep forget TASK` takes it back."
    example = "prprep ignore codeflash"


class ResetDep(cmd_resetdep.ResetDep):  # type: ignore[misc]
    doc_usage = "[TASK ...]"
    doc_description = "A task whose inputs changed stays stale."
    example = "prprep reset-dep measure:tables"


_WORDS = {
    "ID": "$(prprep list --quiet --all detect 2>/dev/null | sed -n s/^detect://p)",
    "HEAD": "$(git for-each-ref --format='%(refname:short)' 2>/dev/null)",
    "REF": "$(git for-each-ref --format='%(refname:short)' 2>/dev/null)",
}
"""What the shell runs to complete an argument of a command, by its name in `doc_usage`."""


class TabCompletion(cmd_completion.TabCompletion):  # type: ignore[misc]
    """doit's scripts complete tasks and commands; these also items and refs."""

    doc_usage = ""
    doc_description = "Source the script in your shell's start-up file. It completes commands, tasks, items and refs."
    example = "prprep tabcompletion --shell zsh > _prprep"
    only_prints = True

    @classmethod
    def _bash_cmd_args(cls, cmd: Command) -> str:
        if not (words := _completed(cmd)):
            return str(super()._bash_cmd_args(cmd))
        return str(cmd_completion.bash_subcmd_arg.format(cmd_name=cmd.name, completion=f'-f -W "{words}"'))

    @classmethod
    def _zsh_arg_list(cls, cmd: Command) -> list[str]:
        words = _completed(cmd)
        return [*super()._zsh_arg_list(cmd), *([f'"*::argument:({words})"'] if words else [])]


def _completed(command: Command) -> str:
    return next((words for name, words in _WORDS.items() if name in re.findall(r"\w+", command.doc_usage)), "")


class DumpDatabase(Command):  # type: ignore[misc]
    """Print doit's database, which is JSON here: doit's own command reads only dbm."""

    doc_description = (
        "The artifacts decide what is up to date; the database adds what you told prprep to forget or ignore."
    )
    example = "prprep dumpdb"
    only_prints = True
    cmd_options = ManifestLoader.cmd_options

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        graph = graph_of(opt_values["manifest"])
        try:
            tasks = json.loads(graph.database.read_text(encoding="utf-8"))
        except FileNotFoundError:
            print("nothing is recorded yet")
            return 0
        except ValueError:
            raise UsageError("the database is corrupt; the next run replaces it", where=str(graph.database)) from None
        for name, entry in tasks.items():
            print(f"{name} -> {pprint.pformat(entry, indent=4, width=100)}")
        return 0


class Strace(cmd_strace.Strace):  # type: ignore[misc]
    doc_usage = "TASK"
    doc_description = "It follows the shell commands of a task; prprep's stages are Python, so it shows little."
    example = "prprep strace detect:tables"

    def execute(self, params: Any, args: list[str]) -> int:
        if not shutil.which("strace"):
            raise UsageError("strace is not installed")
        code: int = super().execute(params, args)
        return code
