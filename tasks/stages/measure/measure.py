"""Measure base and head in lockstep pairs, each in its own tree and environment."""

import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...artifacts import SIDES, Injection, Load, Module, Provenance, Samples, Side
from ...bench import domains, machine, measuring
from ...bench.cache import keep_within_limit
from ...bench.request import MeasurementResult, Request, Role
from ...bench.setup import BenchmarkSetup, ItemArtifacts, Sampling, SideEnvironment
from ...bench.time.export import write_benchmark_json
from ...environments.venvs import package_differences
from ...manifest.model import Optimization
from ...staleness import StageInputs
from ...storage.paths import ItemPaths
from . import STOPPING_RULE


def run(inputs: StageInputs) -> None:
    """Take the samples; write profiles and pytest-benchmark's JSON next to them."""
    before, item = machine.load(), inputs.settings
    sampling = Sampling(item.budget, *inputs.value(STOPPING_RULE))
    setup = BenchmarkSetup(item, ItemArtifacts.read(inputs), inputs, sampling)
    measured, request = setup.repaired(measuring.measure, seed=random.SystemRandom().getrandbits(32))
    load = Load(before=before, after=machine.load(), cores=machine.cores(), preempted=measured.preempted)
    samples = samples_of(item, setup.artifacts.injection, measured, environments_by_side=setup.sides, request=request)
    samples = samples.model_copy(update={"load": load, "repairs": (*samples.repairs, *setup.repairs)})
    _export(samples, inputs.state)
    inputs.write(samples)
    keep_within_limit(inputs.cache, inputs.report)


def clean(paths: ItemPaths) -> None:
    """Remove what measuring wrote next to the samples."""
    shutil.rmtree(paths.profiles, ignore_errors=True)
    for side in SIDES:
        (paths.state / f"{side}.benchmark.json").unlink(missing_ok=True)


def samples_of(
    item: Optimization,
    injection: Injection,
    measured: MeasurementResult,
    *,
    environments_by_side: Mapping[Role, SideEnvironment],
    request: Request,
) -> Samples:
    """Put the measurements and their provenance into the artifact."""
    git_trees: dict[Side, str] = {"base": injection.base.tree, "head": injection.head.tree}
    base, head = (
        _provenance(environments_by_side[side], tree=git_trees[side], modules=measured.modules.get(side, ()))
        for side in SIDES
    )
    return Samples(
        item=item.id,
        benchmark=injection.benchmark,
        benchmark_sha256=injection.benchmark_sha256,
        platform=machine.platform_description(base.python),
        base=base,
        head=head,
        measurements=measured.measurements,
        outputs=measured.outputs,
        tests=measured.tests,
        functions=measured.functions,
        profiled=measured.profiled,
        unreached=measured.unreached,
        sites=measured.sites,
        imported=measured.imported,
        repairs=injection.repairs,
        notes=(*measured.notes, *_environment_notes(environments_by_side)),
        flags=domains.flags_for(request.metrics, item.timeout),
    )


def _provenance(side: SideEnvironment, *, tree: str, modules: tuple[Module, ...]) -> Provenance:
    environment = side.environment
    return Provenance(
        commit=side.commit,
        tree=tree,
        python=environment.python_version,
        environment=environment.key,
        packages=environment.packages,
        modules=modules,
    )


def _environment_notes(environments_by_side: Mapping[Role, SideEnvironment]) -> Iterator[str]:
    """Yield differences between the environments, and deviations from what the project's files ask for."""
    base, head = (environments_by_side[side].environment for side in SIDES)
    if base.python_version != head.python_version:
        yield f"Base ran on Python {base.python_version}, head on Python {head.python_version}."
    if differing := package_differences(base.packages, head.packages):
        yield f"The environments differ, as the commits ask for it: {', '.join(differing)}."
    yield from (note for note in base.notes if note in head.notes)
    yield from (f"base: {note}" for note in base.notes if note not in head.notes)
    yield from (f"head: {note}" for note in head.notes if note not in base.notes)


def _export(samples: Samples, state: Path) -> None:
    for side in SIDES:
        provenance = samples.base if side == "base" else samples.head
        target = state / f"{side}.benchmark.json"
        target.unlink(missing_ok=True)
        write_benchmark_json(target, side, samples.measurements, provenance=provenance, platform=samples.platform)
