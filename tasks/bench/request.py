"""What one measurement needs and what it returns; self-contained, so that another machine could run it."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from ..artifacts import (
    SIDES,
    DefinitionPlace,
    FunctionShare,
    Held,
    ImportedModule,
    Measurement,
    Module,
    Output,
    Side,
    Site,
    Stack,
)
from ..manifest.model import CoreChoice, Metric

_OF_ONE_HEAD = frozenset(
    {
        *("head", "functions", "modules", "changed_modules", "commands", "metrics"),
        *("profiles", "seed", "memory_timeout", "native"),
    }
)
"""The fields of a request that may differ between heads that are timed in the same turns."""
Role = Literal["base", "head", "control"]
"""Which code a process of a launch runs; control is base's code in a second tree."""


@dataclass(frozen=True, slots=True)
class SideRequest:
    """One side: its tree, its interpreter, and the first entries of its import path.

    `passed` are variables of the user's environment that it gets although they look like secrets. With `confined` its
    processes see only the tree, the `environments` (folders), the interpreter and the system's own folders, and have no
    network. `pycache` is the folder for compiled files, which otherwise lie next to their sources. `variables` are
    those that the project sets for its tests.
    """

    tree: Path
    python: Path
    path_entries: tuple[Path, ...] = ()
    passed: tuple[str, ...] = ()
    confined: bool = False
    environments: tuple[Path, ...] = ()
    pycache: Path | None = None
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedDefinition:
    """A function that the optimization changed or moved: its place on each side, None if it does not exist there."""

    function: str
    """As in artifacts: `pagelayout.tables:Table.rows`."""
    base: DefinitionPlace | None
    head: DefinitionPlace | None
    only_moved: bool = False

    def at(self, role: Role) -> DefinitionPlace | None:
        return self.head if role == "head" else self.base


@dataclass(frozen=True, slots=True)
class Request:
    """One measurement of a pair of trees.

    `benchmark` is a path in either tree (with `::test` to run only that one), `modules` are those whose import is
    timed, `packages` the top-level names that must come from a side's own tree, `project` the folder of the tree to run
    in. `changed_modules` are those whose own code changed, so that their import may cost more. `cores` says where calls
    are timed. `budget` is the seconds of samples for one metric, `timeout` the seconds after which a metric stops with
    what it has, `memory_timeout` the same for memory. `control` is a second tree of base's code, measured in the same
    turns; `functions` are what the optimization changed, `commands` the console scripts whose start-up is timed (each
    as arguments to Python). `native` records C stacks in the memory profiles. `lock` is held while anything runs.
    """

    base: SideRequest
    head: SideRequest
    benchmark: str | None
    metrics: tuple[Metric, ...]
    profiles: Path
    seed: int
    control: SideRequest | None = None
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    changed_modules: tuple[str, ...] = ()
    functions: tuple[ChangedDefinition, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    project: str = ""
    budget: float = 20.0
    timeout: float | None = 120.0
    memory_timeout: float | None = None
    confidence: float = 0.99
    negligible: float = 0.01
    cores: CoreChoice = "auto"
    native: bool = False
    lock: Path | None = None

    @property
    def roles(self) -> tuple[Role, ...]:
        return ("base", "head", "control") if self.control else ("base", "head")

    def differs_from(self, other: Request) -> list[str]:
        """Return what keeps two heads from being timed in the same turns: the fields that are not the same."""
        names = [each.name for each in fields(self) if each.name not in _OF_ONE_HEAD]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    @property
    def benchmark_path(self) -> str:
        """The path of the benchmark's file in either tree, "" without a benchmark."""
        return os.path.normpath(self.benchmark.partition("::")[0]) if self.benchmark else ""

    @property
    def second_base(self) -> Role:
        """The role of a second process that runs base's code: in the control's tree, if there is one."""
        return "control" if self.control else "base"

    def side(self, role: Role) -> SideRequest:
        return self.head if role == "head" else self.control if role == "control" and self.control else self.base

    def rng(self) -> random.Random:
        """Return a new generator, which draws the same every time."""
        return random.Random(self.seed)  # noqa: S311 - reproducible, no secret

    def deadline(self) -> float | None:
        """Return the moment of the monotonic clock at which `timeout` ends if it begins now."""
        return deadline_in(self.timeout)


def deadline_in(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


@dataclass(frozen=True, slots=True)
class MeasurementResult:
    """Everything that was measured, ready for `artifacts.Samples`; paths are relative to the trees."""

    measurements: tuple[Measurement, ...] = ()
    outputs: tuple[Output, ...] = ()
    tests: tuple[str, ...] = ()
    modules: dict[Side, tuple[Module, ...]] = field(default_factory=dict)
    functions: tuple[FunctionShare, ...] = ()
    profiled: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    stacks: tuple[Stack, ...] = ()
    sites: tuple[Site, ...] = ()
    held: tuple[Held, ...] = ()
    imported: tuple[ImportedModule, ...] = ()
    unmeasured: tuple[str, ...] = ()
    parallel: tuple[str, ...] = ()
    unknown_options: tuple[str, ...] = ()
    preempted: float = 0.0
    notes: tuple[str, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()
    """When it was measured, in seconds since the epoch: without waiting for other comparisons."""

    def __add__(self, other: MeasurementResult) -> MeasurementResult:
        names = [each.name for each in fields(self) if each.name != "modules"]
        return MeasurementResult(
            **{name: getattr(self, name) + getattr(other, name) for name in names},
            modules={side: (*self.modules.get(side, ()), *other.modules.get(side, ())) for side in SIDES},
        )
