"""What one measurement is asked for and gives; self-contained, so that it can be handed to another machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..artifacts import FunctionShare, ImportedModule, Measurement, Module, Output, Side, Site
    from ..manifest.model import Metric

Role = Literal["base", "head", "control"]
"""What a process of a launch stands for; control is base's code in a second tree."""

MINIMUM_LAUNCHES = 5
"""Fewer launches than this say too little about how processes of the same code differ."""


@dataclass(frozen=True, slots=True)
class SideRequest:
    """One side: its tree, its interpreter, and what goes first on its import path, in this order.

    `passed` are variables of the user's environment that it gets though they look like secrets. With `confined` its processes see
    nothing of the machine but the tree, the `environments` (folders), the interpreter and the system's own folders, and no network.
    `pycache` is where compiled files go instead of beside their sources.
    """

    tree: Path
    python: Path
    path_entries: tuple[Path, ...] = ()
    passed: tuple[str, ...] = ()
    confined: bool = False
    environments: tuple[Path, ...] = ()
    pycache: Path | None = None


@dataclass(frozen=True, slots=True)
class ChangedDefinition:
    """A function that the optimization changed: its file and qualified name on either side, None where it is not there."""

    function: str
    """As artifacts spell it: `pagelayout.tables:Table.rows`."""
    base: tuple[str, str] | None
    head: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Request:
    """One measurement of a pair of trees.

    `benchmark` is a path in either tree (with `::test` where only one is wanted), `modules` are those whose
    import is timed, `packages` the top-level names that must come out of a side's own tree, `project` the folder in
    the tree to run in. `budget` is seconds of samples for one metric, `timeout` the seconds after which a metric is
    stopped with what there is, `memory_timeout` the same for memory. `control` is a second tree of base's code, measured
    in the same turns; `functions` are those that the optimization changed, `commands` the console scripts whose start-up
    is timed (each as arguments to Python). `native` records C stacks in the memory profiles. `lock` is held while anything runs.
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
    functions: tuple[ChangedDefinition, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    project: str = ""
    budget: float = 20.0
    timeout: float | None = 120.0
    memory_timeout: float | None = None
    confidence: float = 0.99
    negligible: float = 0.01
    pin: bool = True
    native: bool = False
    lock: Path | None = None

    @property
    def roles(self) -> tuple[Role, ...]:
        return ("base", "head", "control") if self.control else ("base", "head")

    def side(self, role: Role) -> SideRequest:
        return self.head if role == "head" else self.control if role == "control" and self.control else self.base


@dataclass(frozen=True, slots=True)
class MeasurementResult:
    """What came out: ready for `artifacts.Samples`, paths relative to the trees."""

    measurements: tuple[Measurement, ...] = ()
    outputs: tuple[Output, ...] = ()
    tests: tuple[str, ...] = ()
    modules: dict[Side, tuple[Module, ...]] = field(default_factory=dict)
    functions: tuple[FunctionShare, ...] = ()
    profiled: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    imported: tuple[ImportedModule, ...] = ()
    preempted: float = 0.0
    notes: tuple[str, ...] = ()
