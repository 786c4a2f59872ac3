"""Every command of prprep: its group on the help page, what it does, and its class, imported when it runs."""

from typing import Any

from doit.plugin import PluginEntry

MOST_USED, TASKS, OTHER = "Most used", "Tasks and their state", "Other"


class Entry(PluginEntry):  # type: ignore[misc]
    """A command that is imported when it runs; `location` is module and class in this package."""

    def __init__(self, group: str, name: str, purpose: str, location: str) -> None:
        super().__init__("COMMAND", name, f"{__name__}.{location}")
        self.group, self.purpose = group, purpose

    def load(self) -> Any:
        command = super().load()
        return type(command.__name__, (command,), {"name": self.name, "doc_purpose": self.purpose})


ENTRIES = (
    Entry(MOST_USED, "init", "draft prprep.yaml from notes, results, commits and branches", "init:Init"),
    Entry(MOST_USED, "try", "compare refs, or the work tree, without a manifest", "try_refs:Try"),
    Entry(MOST_USED, "doctor", "check what measuring needs, without measuring", "doctor:Doctor"),
    Entry(MOST_USED, "run", "bring everything up to date, or only the tasks named", "doit_commands:Run"),
    Entry(MOST_USED, "status", "show the state of every item, and what is stale", "status:Status"),
    Entry(MOST_USED, "explain", "say why an item is stale, or what failed", "explain:Explain"),
    Entry(MOST_USED, "inventory", "show files, commit, domain and pull request of every item", "inventory:Inventory"),
    Entry(MOST_USED, "add", "add an optimization to prprep.yaml", "add:Add"),
    Entry(MOST_USED, "branch", "build the branch of a pull request, audit it and measure it", "branch:Branch"),
    Entry(MOST_USED, "open", "push the branch and open the pull request, after asking", "open:Open"),
    Entry(TASKS, "list", "list the tasks", "doit_commands:ListTasks"),
    Entry(TASKS, "info", "show what a task reads and writes, and whether it is up to date", "doit_commands:Info"),
    Entry(TASKS, "clean", "remove what tasks wrote; files that you edited stay", "doit_commands:Clean"),
    Entry(TASKS, "forget", "have tasks run again", "doit_commands:Forget"),
    Entry(TASKS, "ignore", "have tasks skipped until they are forgotten", "doit_commands:Ignore"),
    Entry(TASKS, "reset-dep", "undo `forget`", "doit_commands:ResetDep"),
    Entry(OTHER, "report", "write the report, open it in a browser, or watch a run in it", "report:Report"),
    Entry(OTHER, "bisect", "show the effect of each commit of an optimization", "bisect:Bisect"),
    Entry(OTHER, "ci", "measure a pull request in CI, with a summary and a comment", "ci:CI"),
    Entry(OTHER, "job", "measure an item on another machine", "job:Job"),
    Entry(OTHER, "workers", "set up a cluster: certificates, and the scheduler", "workers:Workers"),
    Entry(OTHER, "worker", "work for a scheduler, one job at a time", "worker:Worker"),
    Entry(OTHER, "lint", "check benchmark files of any project", "lint:Lint"),
    Entry(OTHER, "cache", "show what the cache folder holds, or prune it", "cache:Cache"),
    Entry(OTHER, "agent-guide", "print how a coding agent uses prprep, as a skill", "agent_guide:AgentGuide"),
    Entry(OTHER, "schema", "print the JSON Schema of prprep.yaml, or of --json", "schema:Schema"),
    Entry(OTHER, "tabcompletion", "print a completion script for bash or zsh", "doit_commands:TabCompletion"),
    Entry(OTHER, "dumpdb", "print what doit has recorded of each task", "doit_commands:DumpDatabase"),
    Entry(OTHER, "strace", "list the files that a task opens, with strace", "doit_commands:Strace"),
    Entry(OTHER, "help", "show the help of prprep, a command or a task", "help:Help"),
)
