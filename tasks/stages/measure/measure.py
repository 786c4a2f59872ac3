"""Measure base, head and control in turns, each in its own tree and environment."""

import random
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from ...artifacts import SIDES, Load, Module, Provenance, Samples, TreeSpec
from ...bench import domains, machine, measuring
from ...bench.cache import keep_within_limit
from ...bench.request import MeasurementResult, Role
from ...bench.setup import BenchmarkSetup, ItemArtifacts, SideEnvironment, metrics_of, variables_of
from ...bench.time.export import write_benchmark_json
from ...bench.workers import pytest_options
from ...environments.venvs import package_differences
from ...manifest.model import Optimization
from ...staleness import StageInputs
from ...storage.paths import ItemPaths
from . import lockstep

_AS_MEASURED = (
    *("measurements", "outputs", "tests", "functions", "profiled"),
    *("unreached", "compiled", "unmeasured", "stacks", "sites", "held", "imported", "parallel"),
)


def run(inputs: StageInputs, *, seed: int | None = None) -> None:
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    inputs.write(take_samples(inputs, seed=seed))
    lockstep.clean(inputs.state)
    keep_within_limit(inputs.cache, inputs.report)


def take_samples(inputs: StageInputs, *, seed: int) -> Samples:
    """Measure an item on this machine; write profiles and pytest-benchmark's JSON into the item's state."""
    item, beginning = inputs.settings, machine.Beginning.now()
    setup = lockstep.setup_of(inputs)
    heads = lockstep.LockstepHeads(inputs, setup)
    measured, request = setup.repaired(partial(measuring.measure, lockstep=heads), seed=seed)
    load = heads.load_with(beginning.until_now(measured.preempted))
    inputs.measured += measured.spans
    samples = _samples(setup, measured, load, flags=" ".join(domains.flags_for(request.metrics, item.timeout)))
    for side, target in zip(SIDES, benchmark_files(inputs.state), strict=True):
        target.unlink(missing_ok=True)
        provenance = getattr(samples, side)
        write_benchmark_json(target, side, samples.measurements, provenance=provenance, platform=samples.platform)
    return samples


def benchmark_files(state: Path) -> tuple[Path, ...]:
    """Return the files for the samples of base and head as pytest-benchmark writes them."""
    return tuple(state / f"{side}.benchmark.json" for side in SIDES)


def clean(paths: ItemPaths) -> None:
    shutil.rmtree(paths.profiles, ignore_errors=True)
    lockstep.clean(paths.state)
    for file in benchmark_files(paths.state):
        file.unlink(missing_ok=True)


def _samples(setup: BenchmarkSetup, measured: MeasurementResult, load: Load, *, flags: str) -> Samples:
    injection = setup.artifacts.injection
    variables = variables_of(setup.sides["head"].tree, setup.artifacts.detection.layout)
    base = _provenance(setup.sides["base"], injection.base, measured.modules.get("base", ()))
    head = _provenance(setup.sides["head"], injection.head, measured.modules.get("head", ()))
    return Samples(
        item=setup.item.id,
        benchmark=injection.benchmark,
        benchmark_sha256=injection.benchmark_sha256,
        platform=machine.platform_description(base.python),
        base=base,
        head=head,
        **{name: getattr(measured, name) for name in _AS_MEASURED},
        load=load,
        addopts=pytest_options.replacement(setup.sides["head"].tree, injection.benchmark, measured.unknown_options),
        variables=variables.values,
        built=tuple(built_files(setup, measured)),
        packages_as_of=setup.sides["head"].environment.as_of,
        repairs=(*injection.repairs, *setup.repairs),
        notes=(
            *untimed_benchmark(setup.item, setup.artifacts),
            *measured.notes,
            *variables.notes,
            *_environment_notes(setup.sides, setup.artifacts.detection.layout.distribution),
        ),
        flags=flags,
    )


def untimed_benchmark(item: Optimization, artifacts: ItemArtifacts) -> Iterator[str]:
    """Yield a note if the project has a benchmark of which only the import is measured."""
    if metrics_of(item, artifacts) == ("import",) and artifacts.scaffolding.origin not in {"generated", "edited"}:
        yield (
            f"Calls of {artifacts.injection.benchmark} were not timed, only what the import costs, because of the "
            "domain or `metrics`; `metrics: [time, import]` measures both."
        )


def built_files(setup: BenchmarkSetup, measured: MeasurementResult) -> list[str]:
    """Return the imported files of either side that no commit has."""
    imported = {side: {module.path for module in measured.modules.get(side, ())} for side in SIDES}
    return sorted(set().union(*(imported[side] - setup.tracked[side] for side in SIDES)))


def _provenance(side: SideEnvironment, spec: TreeSpec, modules: tuple[Module, ...]) -> Provenance:
    environment = side.environment
    return Provenance(
        commit=side.commit,
        tree=spec.tree,
        python=environment.python_version,
        environment=environment.key,
        packages=environment.packages,
        modules=modules,
    )


def _environment_notes(sides: Mapping[Role, SideEnvironment], own: str) -> Iterator[str]:
    """Yield differences between the environments, and deviations from what the project's files ask for.

    `own` is the project's name, whose version is no difference.
    """
    base, head = (sides[side].environment for side in SIDES)
    if base.python_version != head.python_version:
        yield f"Base ran on Python {base.python_version}, head on Python {head.python_version}."
    if differing := package_differences(base.packages, head.packages, own=own):
        yield f"The environments differ, as the commits ask for it: {', '.join(differing)}."
    yield from (note for note in base.notes if note in head.notes)
    yield from (f"base: {note}" for note in base.notes if note not in head.notes)
    yield from (f"head: {note}" for note in head.notes if note not in base.notes)
