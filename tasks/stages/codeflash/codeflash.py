"""Compare the two trees with the package `codeflash` as well, if an item says `engine: codeflash`.

If codeflash fails, the item still gets its verdict: that comes from prprep's own measurement.
"""

import shlex
from collections.abc import Iterator, Sequence

from ...artifacts import CodeflashRun
from ...bench import trees
from ...bench.exclusive import cache_lock, exclusive
from ...bench.setup import BenchmarkSetup, ItemArtifacts, dry_run, metrics_of
from ...environments.venvs import package_differences
from ...errors import PrprepError
from ...git import Clone
from ...processes.progress import Note
from ...processes.real_paths import real_path
from ...staleness import StageInputs
from ...storage.hashing import hash_of
from . import command, findings, reading
from .environment import CodeflashLayer, build_layer
from .running import CodeflashOutcome, CodeflashRequest, compare


def run(inputs: StageInputs) -> None:
    """Run codeflash; write an empty artifact if the item does not ask for it."""
    item = inputs.settings
    if item.engine != "codeflash":
        inputs.write(CodeflashRun(item=inputs.item_id))
        return
    # A benchmark that fails or cannot be built is not codeflash's fault: measuring fails with the same message.
    setup = dry_run(item, ItemArtifacts.read(inputs), inputs)
    with inputs.clone() as clone:
        request = _request(setup, clone, inputs)
        try:
            artifact = _compared(request, setup, clone, inputs)
        except PrprepError as error:
            inputs.report(Note(f"codeflash compare was not run: {error.what}"))
            why = "; ".join(text.splitlines()[0] for text in (error.what, error.hint) if text)
            artifact = CodeflashRun(item=item.id, asked=True, findings=(f"codeflash compare was not run: {why}",))
    inputs.write(artifact)


def _request(setup: BenchmarkSetup, clone: Clone, inputs: StageInputs) -> CodeflashRequest:
    artifacts, item = setup.artifacts, setup.item
    injection, detection = artifacts.injection, artifacts.detection
    return CodeflashRequest(
        base=trees.commit_of(clone, injection.base),
        head=trees.commit_of(clone, injection.head),
        files=trees.contents(injection, artifacts.scaffolding, clone, folder=inputs.folder, worktree=inputs.worktree),
        benchmark=injection.benchmark,
        layout=detection.layout,
        metrics=metrics_of(item, artifacts),
        timeout=item.timeout,
        functions=detection.functions,
        passed=item.env.passed,
        confined=item.sandbox == "bwrap",
    )


def _compared(request: CodeflashRequest, setup: BenchmarkSetup, clone: Clone, inputs: StageInputs) -> CodeflashRun:
    cache, report, head = inputs.cache, inputs.report, setup.sides["head"]
    layer = build_layer(head.environment, head.tree, request.layout, cache=cache, report=report)
    folder = real_path(cache / "codeflash") / hash_of([str(clone.path), setup.item.id, request.base, request.head])
    with exclusive(cache_lock(cache), report):
        report(f"codeflash {layer.version} compares base and head")
        outcome = compare(request, clone, venv=layer.venv, folder=folder)
    differing = package_differences(
        setup.sides["base"].environment.packages, head.environment.packages, own=request.layout.distribution
    )
    artifact = artifact_of(setup.item.id, request, outcome, layer, differing=differing)
    for finding in artifact.findings:
        report(finding)
    return artifact.model_copy(update={"repairs": (*artifact.repairs, *setup.repairs)})


def artifact_of(
    item: str,
    request: CodeflashRequest,
    outcome: CodeflashOutcome,
    layer: CodeflashLayer,
    *,
    differing: Sequence[str] = (),
) -> CodeflashRun:
    report = reading.read(outcome.markdown or "")
    flags = shlex.join(outcome.flags)
    return CodeflashRun(
        item=item,
        asked=True,
        version=layer.version,
        command=f"codeflash compare {request.base} {request.head} {flags}".strip(),
        flags=flags,
        variables=command.assigned(outcome.variables),
        configuration=outcome.configuration,
        markdown=(outcome.markdown or "") if report.tests else "",
        figures=report.figures,
        findings=findings.findings(request, outcome, report),
        notes=(*findings.notes(request, outcome, report, differing=differing), *layer.notes),
        repairs=tuple(_repairs(outcome)),
    )


def _repairs(outcome: CodeflashOutcome) -> Iterator[str]:
    if outcome.configuration:
        lines = ", ".join(line for line in outcome.configuration.splitlines() if "=" in line)
        yield f"codeflash got the configuration that it needs, in a copy of the repository only: {lines}"
    if "PYTHONMALLOC" in outcome.variables:
        yield "codeflash ran with PYTHONMALLOC=malloc: otherwise its memory figures depend on pymalloc's arenas"
