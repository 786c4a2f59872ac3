"""`prprep job`: measure an item on another machine; a file goes there, and one comes back."""

from pathlib import Path
from typing import Any

from doit.cmd_base import Command

from ..errors import PrprepError, UsageError
from ..graph.console import CONSOLE
from ..graph.loader import ManifestLoader, graph_of, option
from ..graph.names import suggestion
from ..jobs import process
from ..jobs.collecting import collect
from ..jobs.files import Result
from ..jobs.packing import pack
from ..jobs.running import run_job
from ..processes import secrets
from ..storage.files import write_whole
from ..storage.paths import cache_folder
from ..text import figures

ACTIONS = ("pack", "run", "collect")


class Job(Command):  # type: ignore[misc]
    doc_usage = "pack ID|run FILE|collect FILE ..."
    doc_description = (
        "`pack` writes a file with all that measuring an item needs, `run` measures it on any machine with prprep, "
        "without manifest and repository, and `collect` takes the result over as if it had been measured here. See "
        "docs/jobs.md."
    )
    example = "prprep job pack tables --output tables.job.zip"
    may_fail = True
    cmd_options = (
        *(each for each in ManifestLoader.cmd_options if each["name"] == "manifest"),
        option("output", "the file to write [default: ID.job.zip or ID.result.zip]", "FILE"),
        option("timeout", "`run` ends after so many seconds", "SECONDS", type=float, default=None),
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        action, *words = pos_args
        if action not in ACTIONS:
            raise UsageError(f"`prprep job` has no {action}", hint=suggestion(action, ACTIONS, "it has"))
        if not words or (len(words) > 1 and action != "collect"):
            form = {"pack": "one ID", "run": "one FILE", "collect": "FILE ..."}[action]
            raise UsageError(f"`prprep job {action}` needs {form}", hint="see `prprep job --help`")
        output = Path(opt_values["output"]).absolute() if opt_values["output"] else None
        if action == "pack":
            return _pack(words[0], output, opt_values["manifest"])
        if action == "run":
            return _run(Path(words[0]).absolute(), output, opt_values["timeout"])
        return _collect([Path(word).absolute() for word in words], opt_values["manifest"])


def _pack(item_id: str, output: Path | None, manifest: str) -> int:
    output = output or Path.cwd() / f"{item_id}.job.zip"
    graph = graph_of(manifest)
    graph.known(item_id)
    graph.begin()
    content = pack(graph.staleness, item_id)
    write_whole(output, content)
    CONSOLE.print(f"wrote {output} ({figures.size(len(content))})")
    return 0


def _run(file: Path, output: Path | None, timeout: float | None) -> int:
    if timeout is not None and not timeout > 0:
        raise UsageError(f"--timeout is {timeout:g}, must be more than 0")
    cache = cache_folder()
    if process.is_inside() and output:
        run_job(file, output, cache=cache, report=lambda line: print(secrets.masked(line), flush=True))
        return 0
    output = output or Path.cwd() / f"{file.name.removesuffix('.zip').removesuffix('.job')}.result.zip"
    with CONSOLE.step("job") as report:
        result = process.run(file, output, cache=cache, timeout=timeout, report=report)
    CONSOLE.print(f"wrote {output}, from {result.platform}")
    if result.error:
        error = PrprepError(result.error.what, where=result.error.where, hint=result.error.hint)
        error.exit_code = 2 if result.error.defect else 1
        raise error
    return 0


def _collect(files: list[Path], manifest: str) -> int:
    """Collect what can be collected; raise an error with the worst exit code if something cannot."""
    graph = graph_of(manifest)
    graph.begin()
    failures = []
    for file in files:
        try:
            result, members = Result.read(file)
            graph.known(result.item)
            with CONSOLE.step(f"collect:{result.item}") as report:
                collect(graph.staleness, file, result, members, report=report)
            CONSOLE.print(f"{result.item}: measured on {result.platform}; next: prprep compare:{result.item}")
        except PrprepError as error:
            failures.append(error)
    graph.workspace.run_cache.save()
    if failures:
        together = failures[0] if len(failures) == 1 else PrprepError("\n".join(map(str, failures)))
        together.exit_code = max(failure.exit_code for failure in failures)
        raise together
    return 0
