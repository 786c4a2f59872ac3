"""Have the package `codeflash` compare the two trees as well, where an item asks for it by `engine: codeflash`.

Whatever goes wrong with it, the item goes on with what prprep itself measures: that gives the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import CodeflashRun
from ...bench import domains, machine, trees
from ...environments.venvs import package_differences
from ...errors import PrprepError
from ...git import Clone
from ...processes.progress import Note, Report, silent
from ...storage.hashing import hash_of

if TYPE_CHECKING:
    from ...bench.setup import BenchmarkSetup
    from ...manifest.model import Optimization
    from ...storage.paths import ItemPaths
    from .environment import Layered
    from .reading import Reading
    from .running import Asked, Ran


def run(
    item: Optimization,
    *,
    paths: ItemPaths,
    worktree: Path | None,
    cache: Path,
    address: str,
    fingerprint: str,
    report: Report = silent,
) -> None:
    """Read detect.json, scaffold.json and inject.json; write codeflash.json, an empty one where the item does not ask for this."""
    if item.engine != "codeflash":
        CodeflashRun(item=item.id).write(paths.codeflash, fingerprint)
        return
    from ...bench.setup import dry_run

    # A benchmark that does not pass, or cannot be built, is no matter of codeflash's: measuring tells it in the same words.
    setup = dry_run(item, paths=paths, worktree=worktree, cache=cache, address=address, report=report)
    with Clone.open(address, cache, report=report) as clone:
        asked = _asked(item, setup, clone, paths=paths, worktree=worktree)
        try:
            found = _compared(asked, setup, clone, cache=cache, report=report)
        except PrprepError as error:
            report(Note(f"codeflash compare was not run: {error.what}"))
            found = CodeflashRun(item=item.id, asked=True, findings=(_not_run(error),))
    found.write(paths.codeflash, fingerprint)


def _asked(
    item: Optimization, setup: BenchmarkSetup, clone: Clone, *, paths: ItemPaths, worktree: Path | None
) -> Asked:
    from .running import Asked

    made = setup.artifacts
    contents = trees.contents(made.injection, made.scaffolding, clone, folder=paths.folder, worktree=worktree)
    return Asked(
        base=trees.commit_of(clone, made.injection.base),
        head=trees.commit_of(clone, made.injection.head),
        files=contents,
        benchmark=made.injection.benchmark,
        layout=made.detection.layout,
        metrics=domains.metrics_for(made.detection.domain.domains, item.metrics),
        timeout=item.timeout,
        functions=made.detection.functions,
        passed=item.env.passed,
        confined=item.sandbox == "bwrap",
    )


def _compared(asked: Asked, setup: BenchmarkSetup, clone: Clone, *, cache: Path, report: Report) -> CodeflashRun:
    from .environment import layered
    from .running import Place, compare

    ground = setup.sides["head"]
    layer = layered(ground.environment, ground.tree, asked.layout, cache=cache, report=report)
    folder = cache.absolute() / "codeflash" / hash_of([str(clone.path), setup.item.id, asked.base, asked.head])
    with machine.exclusive(machine.lock_path(cache), report):
        report(f"codeflash {layer.version} compares base and head")
        ran = compare(asked, Place(folder, layer.venv), clone)
    differing = package_differences(setup.sides["base"].environment.packages, ground.environment.packages)
    found = told(setup.item.id, asked, ran, layer, differing=differing)
    for finding in found.findings:
        report(finding)
    return found.model_copy(update={"repairs": (*found.repairs, *setup.repairs)})


def told(item: str, asked: Asked, ran: Ran, layer: Layered, *, differing: Sequence[str] = ()) -> CodeflashRun:
    """Put what codeflash said, and what is to be said of that, into the artifact."""
    from . import command, findings, reading

    read: Reading = reading.read(ran.markdown or "")
    flags = command.spelled(ran.flags)
    return CodeflashRun(
        item=item,
        asked=True,
        version=layer.version,
        command=f"codeflash compare {asked.base} {asked.head} {flags}".strip(),
        flags=flags,
        variables=command.assigned(ran.variables),
        configuration=ran.configuration,
        markdown=(ran.markdown or "") if read.tests else "",
        figures=read.figures,
        findings=findings.findings(asked, ran, read),
        notes=(*findings.notes(asked, ran, read, differing=differing), *layer.notes),
        repairs=_repairs(ran),
    )


def _repairs(ran: Ran) -> tuple[str, ...]:
    told = []
    if ran.configuration:
        lines = ", ".join(line for line in ran.configuration.splitlines() if "=" in line)
        told.append(f"codeflash got the configuration that it needs, in a copy of the repository alone: {lines}")
    if "PYTHONMALLOC" in ran.variables:
        told.append("codeflash ran with PYTHONMALLOC=malloc: its memory figures hang on pymalloc's arenas otherwise")
    return tuple(told)


def _not_run(error: PrprepError) -> str:
    told = (text.splitlines()[0] for text in (error.what, error.hint) if text)
    return f"codeflash compare was not run: {'; '.join(told)}"
