"""The measurements: launches, outputs, profiles, and their provenance."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from ..storage.artifact import Artifact, Record

Side = Literal["base", "head"]
SIDES: tuple[Side, Side] = ("base", "head")


class MetricName(StrEnum):
    TIME = "time"
    CPU = "CPU time"
    INSTRUCTIONS = "instructions"
    PEAK = "peak memory"
    ALLOCATIONS = "allocations"
    LEAKED = "memory left"
    IMPORT = "import time"
    START = "start-up time"
    KEPT = "memory kept by import"


UNITS = {
    MetricName.TIME: "s",
    MetricName.CPU: "s",
    MetricName.INSTRUCTIONS: "1",
    MetricName.PEAK: "B",
    MetricName.ALLOCATIONS: "1",
    MetricName.LEAKED: "B",
    MetricName.IMPORT: "s",
    MetricName.START: "s",
    MetricName.KEPT: "B",
}


class Launch(Record):
    """One process for each side: its samples, per call, in the order they were taken.

    `first` is the randomly chosen side that began, `seed` the hash seed and that of the memory layout, `iterations`
    the calls that one sample of each side averages over. `control` is base's code in a second tree, in the same turns
    as base; empty if no control ran.
    """

    first: Side
    seed: int
    iterations: dict[str, int] = Field(default_factory=dict)
    base: tuple[float, ...]
    head: tuple[float, ...]
    control: tuple[float, ...] = ()
    first_call: dict[str, float] = Field(default_factory=dict)
    """For each side the seconds of the process's first call, which no sample includes."""
    growth: dict[str, float] = Field(default_factory=dict)
    """For each side the ratio of its last samples to its first ones in one process, if there were enough."""
    steady: bool = True
    """Whether warming up ended because times no longer fell."""
    waited: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """For each side the seconds per call in which a sample's calls were ready to run and waited for a core.

    They are not part of the samples, the sum of both is wall time. Empty if this was not known, because the system does
    not report it or other threads or processes do part of the work: then the samples are wall time, of turns in which
    no other process took the core.
    """
    computes: bool = False
    """Whether on every side the calls only compute: they wait for nothing, and nobody else works for them."""
    left_out: int = 0
    """Turns that are not among the samples, because waiting for a core would distort them."""


class Measurement(Record):
    """All launches of one metric of one benchmark call."""

    test: str
    metric: MetricName
    launches: tuple[Launch, ...]
    looks: tuple[int, ...] = ()
    """Numbers of launches after which sampling could stop."""
    planned_looks: int = 1
    stopped: str = ""
    """Why sampling ended: decided, budget, timeout."""
    together: bool = False
    """Whether a peak is that of the call's process and its child processes together."""
    children: tuple[Side, ...] = ()
    """Sides whose calls let child processes work, of which nothing is in these samples."""
    why_not: str = ""
    """Why nothing of the child processes is in the samples, to follow `its call uses child processes, `."""
    is_cost: bool = False
    """Whether it was measured only to see what else the change costs: no claim rests on it."""


class Output(Record):
    """What the benchmark's call returned on the two sides."""

    test: str
    verdict: Literal["equal", "different", "not comparable"]
    detail: str = ""
    inputs: int = 1
    """Inputs on which it was compared: the benchmark's own, and those generated around it."""
    partly: bool = False
    """Whether parts of it were left out, or only what the changed functions returned could be compared."""


class Share(Record):
    """One function's part in a call of the benchmark, on one side.

    `calls` of it in one call of the benchmark; `share` of the samples in which it was on the stack, `own` in which
    it was the innermost of the project's functions; 0 to 1.
    """

    calls: float
    share: float
    own: float


class FunctionShare(Record):
    """A function of the project that a benchmark call reaches; None on a side that does not reach it."""

    test: str
    function: str
    """Like `pagelayout.tables:Table.rows`."""
    path: str
    changed: bool
    """Whether the optimization changed it, or what it is defined in."""
    base: Share | None
    head: Share | None
    samples: int = 0
    """Of either side, at least; the fewer, the coarser the shares."""


class Stack(Record):
    """A stack of the project's functions in a benchmark call, outermost first, each as in FunctionShare.

    `base` and `head` are the shares of each side's samples with exactly this stack, 0 to 1.
    """

    test: str
    functions: tuple[str, ...]
    base: float
    head: float


class Held(Record):
    """The bytes that one call of a benchmark holds on a side, while it allocates and frees: the most in equal steps."""

    test: str
    side: Side
    sizes: tuple[int, ...]


class Site(Record):
    """A call site's part of the peak, in bytes, in one benchmark call."""

    test: str
    place: str
    """Like `src/pagelayout/tables.py:41 rows`, at base and at head."""
    base: int
    head: int


class ImportedModule(Record):
    """A module imported on one side only: own seconds, as in `-X importtime`, and with what only that side imports."""

    name: str
    side: Side
    cumulative: float
    own: float


class Load(Record):
    """The machine's load during the measurement."""

    before: float | None
    """1-minute load average."""
    after: float | None
    cores: int
    preempted: float = 0.0
    """Share of blocks from which another process took the core."""
    stolen: float = 0.0
    """Share of the cores' time that a hypervisor took."""
    throttled: float = 0.0
    """Seconds for which the CPU quota of a container stopped its processes."""


class Module(Record):
    """A file of the project that the benchmark imported, with its git blob."""

    name: str
    path: str
    blob: str


class Provenance(Record):
    """What one side was measured in."""

    commit: str
    tree: str
    python: str
    environment: str
    """Hash of what went into the environment."""
    packages: tuple[str, ...]
    """`name==version`, sorted."""
    modules: tuple[Module, ...]


class Measured(Artifact):
    """What the samples and the comparison of them have in common."""

    item: str
    benchmark: str
    platform: str
    """Like `Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.13`."""
    base: Provenance
    head: Provenance
    outputs: tuple[Output, ...] = ()
    tests: tuple[str, ...] = ()
    """Node ids that passed on both sides."""
    functions: tuple[FunctionShare, ...] = ()
    unmeasured: tuple[str, ...] = ()
    """Benchmark calls whose time is not known, because other processes interrupted every measurement of them."""
    unreached: tuple[str, ...] = ()
    """Changed functions that no benchmark call reaches, like `pagelayout.tables:Table.rows`."""
    compiled: tuple[str, ...] = ()
    """Changed functions that are compiled on a side, so that the sampler does not see them."""
    sites: tuple[Site, ...] = ()
    imported: tuple[ImportedModule, ...] = ()
    parallel: tuple[str, ...] = ()
    """Benchmark calls that use threads or processes, and were timed on all cores."""
    addopts: str | None = None
    """What replaces the project's own options for pytest (`addopts`); None if those do not disturb measuring."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Those that the project sets for its tests, and so for the benchmark."""
    built: tuple[str, ...] = ()
    """Files of the project that the benchmark imported and no commit holds: the project's build made them."""
    packages_as_of: str = ""
    """The date as of which requirements were resolved, such as `2021-03-04`, if it was not the day of measuring."""
    load: Load | None = None
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flags: str = ""
    """The comparison's flags: `--memory`, `--timeout 120`."""


class LockstepTimes(Artifact):
    """The times of an item's head that were measured in the same turns as those of another item."""

    SCHEMA = 1

    item: str
    environments: dict[str, str]
    """The hash of what went into the environment of base, head and control."""
    measurements: tuple[Measurement, ...]
    unmeasured: tuple[str, ...] = ()
    parallel: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    load: Load


class Samples(Measured):
    SCHEMA = 3
    STAGE = "measure"

    benchmark_sha256: str
    measurements: tuple[Measurement, ...]
    profiled: tuple[str, ...] = ()
    """Benchmark calls that were profiled."""
    stacks: tuple[Stack, ...] = ()
    held: tuple[Held, ...] = ()
