"""Have the package `codeflash` compare the two trees as well, where an item asks for it by `engine: codeflash`.

Whatever goes wrong with it, the item goes on with what prprep itself measures: that gives the verdict.
"""

from collections.abc import Sequence

from ...artifacts import CodeflashRun
from ...bench import machine, trees
from ...bench.setup import BenchmarkSetup
from ...environments.venvs import package_differences
from ...errors import PrprepError
from ...git import Clone
from ...processes.progress import Note
from ...staleness import StageInputs
from ...storage.hashing import hash_of
from .environment import Layered
from .reading import Reading
from .running import Asked, Ran


def run(inputs: StageInputs) -> None:
    """Run codeflash; write an empty artifact if the item does not ask for it."""
    item = inputs.settings
    if item.engine != "codeflash":
        inputs.write(CodeflashRun(item=inputs.item_id))
        return
    from ...bench.setup import ItemArtifacts, dry_run

    # A benchmark that does not pass, or cannot be built, is not codeflash's fault: measuring fails with the same message.
    setup = dry_run(item, ItemArtifacts.read(inputs), inputs)
    with inputs.clone() as clone:
        asked = _asked(setup, clone, inputs)
        try:
            run = _compared(asked, setup, clone, inputs)
        except PrprepError as error:
            inputs.report(Note(f"codeflash compare was not run: {error.what}"))
            run = CodeflashRun(item=item.id, asked=True, findings=(_not_run(error),))
    inputs.write(run)


def _asked(setup: BenchmarkSetup, clone: Clone, inputs: StageInputs) -> Asked:
    from ...bench.setup import metrics_of
    from .running import Asked

    made, item = setup.artifacts, setup.item
    contents = trees.contents(made.injection, made.scaffolding, clone, folder=inputs.folder, worktree=inputs.worktree)
    return Asked(
        base=trees.commit_of(clone, made.injection.base),
        head=trees.commit_of(clone, made.injection.head),
        files=contents,
        benchmark=made.injection.benchmark,
        layout=made.detection.layout,
        metrics=metrics_of(item, made.detection),
        timeout=item.timeout,
        functions=made.detection.functions,
        passed=item.env.passed,
        confined=item.sandbox == "bwrap",
    )


def _compared(asked: Asked, setup: BenchmarkSetup, clone: Clone, inputs: StageInputs) -> CodeflashRun:
    from .environment import layered
    from .running import Place, compare

    cache, report, ground = inputs.cache, inputs.report, setup.sides["head"]
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
