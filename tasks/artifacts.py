"""What each stage writes and the next one reads; no time stamps, no absolute paths.

Times are in seconds, memory in bytes, paths relative to the root of the target's repository with
forward slashes, commits full hexadecimal SHAs. Every metric is a cost: less is better.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from .manifest.model import Domain  # noqa: TC001 - pydantic reads the annotations
from .store import Artifact, Record

Side = Literal["base", "head"]
SIDES: tuple[Side, Side] = ("base", "head")


# -- detect ---------------------------------------------------------------------------------------


class Commit(Record):
    """One commit of the optimization."""

    sha: str
    title: str
    message: str = ""
    author: str = ""


class ChangedFunction(Record):
    """A definition whose lines differ between base and head.

    `module` is what Python imports (`pagelayout.tables`), `name` its qualified name (`Table.rows`);
    `status` is how it changed; the path and name at base differ from these where it was moved or renamed.
    """

    path: str
    module: str
    name: str
    status: Literal["modified", "added", "removed", "renamed", "moved"]
    base_path: str | None = None
    base_name: str | None = None
    is_async: bool = False
    lines: tuple[int, int] = (0, 0)

    @property
    def target(self) -> str:
        return f"{self.module}:{self.name}"


class DomainProposal(Record):
    domains: tuple[Domain, ...]
    reason: str
    given: bool


class Presence(Record):
    """Where a benchmark exists, each answer the blob's SHA-1 or None."""

    path: str
    base: str | None
    head: str | None
    worktree: str | None


class Layout(Record):
    """How the project is laid out at head.

    `project` is the folder of its pyproject.toml or setup.py ("" for the root), `import_roots` the
    folders that go on `sys.path` ("src", ""), `packages` the top-level names that are imported.
    """

    kind: Literal["flat", "src", "several", "none"]
    project: str
    import_roots: tuple[str, ...]
    packages: tuple[str, ...]
    installable: bool
    benchmarks_root: str
    benchmarks_root_reason: str
    runner: str
    runner_reason: str


class DependencyDifference(Record):
    """One requirement that differs: None where that side does not have it."""

    file: str
    name: str
    base: str | None
    head: str | None


class Detection(Artifact):
    """The answers of the inventory for one optimization."""

    SCHEMA = 1

    item: str
    title: str
    base: str
    head: str
    base_ref: str
    head_ref: str
    upstream: str
    upstream_ref: str
    slug: str | None
    commits: tuple[Commit, ...]
    picked: tuple[str, ...] = ()
    """Commits to be put onto base to make head, where the manifest lists them one by one."""
    files: tuple[str, ...]
    functions: tuple[ChangedFunction, ...]
    target: str | None
    """The optimized function, `module:name` (or a module alone, for its import)."""
    target_reason: str
    domain: DomainProposal
    benchmark: Presence | None
    layout: Layout
    dependencies: tuple[DependencyDifference, ...] = ()
    heavy_imports: tuple[str, ...] = ()
    """Heavy packages that conftest files import, as `path: package`."""
    changelog: str | None = None
    """`keep-a-changelog CHANGELOG.md`, `towncrier changes/`, ... or None."""
    pull_request_template: str | None = None
    pull_request: str = "unknown: GitHub is not asked yet"
    notes: tuple[str, ...] = ()
    """What could not be answered and why, one sentence each."""

    @property
    def function(self) -> str:
        """The short name that files are named after: the target's last part, or the item's id."""
        return (self.target or self.item).replace(":", ".").rpartition(".")[2]


# -- record ---------------------------------------------------------------------------------------


class Spelling(Record):
    """The arguments of a recorded call as code, its sizes multiplied by `scale`; `seconds` of such a call, 0 where it was not tried.

    `needs` are `rng`, `np_rng` and `tmp_path`, which the code uses, and `anew` where every call needs its arguments anew;
    `files` are texts, as code, of small files by their names.
    """

    scale: int
    arguments: tuple[tuple[str, str], ...]
    """Parameters in their order, each with its code."""
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0


class FakeMethod(Record):
    """A method that was called of an object at a boundary: the code of what it `returns`, and the `bytes` that it allocates at its peak."""

    method: str
    parameters: tuple[str, ...]
    returns: str
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    bytes: int
    calls: int
    is_async: bool = False


class Fake(Record):
    """What stands for a model or the network: a class of that name, given for a parameter."""

    name: str
    parameter: str
    methods: tuple[FakeMethod, ...]


class RecordedCall(Record):
    """A call of the target as the project's tests or a script made it.

    `described` says in words what each parameter got, `kinds` how it is passed; `test` is the test that ran. `lazy` says
    that the result is a generator, `changes` that the call changes what it is given.
    """

    size: int
    seconds: float
    test: str
    described: tuple[tuple[str, str], ...]
    kinds: dict[str, str]
    spelling: Spelling
    fakes: tuple[Fake, ...] = ()
    lazy: bool = False
    changes: bool = False


class Recording(Artifact):
    """What was seen of the target's calls; `call` is the one that a benchmark is written from, None where none can be written.

    `ran` is what was run, `calls` how many calls there were, `seconds` and `size` their medians; `unwritten` says of parameters
    why they have no spelling, `effects` what calls do beside computing.
    """

    SCHEMA = 1

    item: str
    target: str = ""
    ran: tuple[str, ...] = ()
    calls: int = 0
    seconds: float = 0.0
    size: int = 0
    call: RecordedCall | None = None
    unwritten: dict[str, str] = Field(default_factory=dict)
    effects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


# -- scaffold -------------------------------------------------------------------------------------


class Scaffolding(Artifact):
    """The benchmark: where it stands in the project, and which file to take it from."""

    SCHEMA = 1

    item: str
    path: str
    """Where the benchmark stands in either tree."""
    origin: Literal["base", "head", "worktree", "generated", "edited"]
    """Who holds the bytes: a commit, the user's work tree, or a file below the output folder."""
    source: str
    """That commit, or the file's path relative to the manifest's folder."""
    sha256: str
    made_from: Literal["existing", "manifest", "recorded", "signature", "gap"]
    needs: str = ""
    """What a person has to do before it can run, with path and line; empty where nothing is missing."""
    written: str = ""
    """SHA-256 of the text that prprep wrote, from which a person may have edited on."""
    notes: tuple[str, ...] = ()
    """What a person should know about the choice of the benchmark, one sentence each."""


# -- inject ---------------------------------------------------------------------------------------


class TreeSpec(Record):
    """One side's tree, enough to make it again: a commit, commits put onto it, files written over it."""

    commit: str
    picks: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    """Path in the tree to the SHA-256 of the bytes that are injected there."""
    tree: str
    """SHA-1 of the resulting git tree, without the injected files."""


class Injection(Artifact):
    SCHEMA = 1

    item: str
    strategy: Literal["inject", "cherry-pick"]
    reason: str
    benchmark: str
    benchmark_sha256: str
    base: TreeSpec
    head: TreeSpec
    repairs: tuple[str, ...] = ()


# -- lint -----------------------------------------------------------------------------------------


class LintFinding(Record):
    """What breaks a rule: the rule's name, the line in the benchmark, the test ("" for the file), and what was found."""

    rule: str
    line: int
    test: str
    found: str
    fatal: bool = False


class Reach(Record):
    """How many of the statements that changed at head the benchmark's calls execute, and the share of time of their functions.

    `share` is the greatest inclusive one that a changed function has in a call.
    """

    statements: int
    executed: int
    share: float


class Linting(Artifact):
    SCHEMA = 1

    item: str
    path: str
    findings: tuple[LintFinding, ...] = ()
    reach: Reach | None = None
    ran: bool = False
    """Whether the benchmark was run, and not only read."""


# -- measure --------------------------------------------------------------------------------------


class MetricName(StrEnum):
    TIME = "time"
    CPU = "CPU time"
    INSTRUCTIONS = "instructions"
    PEAK = "peak memory"
    ALLOCATIONS = "allocations"
    LEAKED = "memory left"
    IMPORT = "import time"
    START = "start-up time"


UNITS = {
    MetricName.TIME: "s",
    MetricName.CPU: "s",
    MetricName.INSTRUCTIONS: "1",
    MetricName.PEAK: "B",
    MetricName.ALLOCATIONS: "1",
    MetricName.LEAKED: "B",
    MetricName.IMPORT: "s",
    MetricName.START: "s",
}


class Launch(Record):
    """One process for each side: its samples, per call, in the order they were taken.

    `first` is the side that began by lot, `seed` the hash seed (and the memory layout's) of all, `iterations` the
    calls that one sample averages over. `control` is base's code in a second tree, in the same turns as base;
    empty where no control ran.
    """

    first: Side
    seed: int
    iterations: int = 1
    base: tuple[float, ...]
    head: tuple[float, ...]
    control: tuple[float, ...] = ()
    steady: bool = True
    """Whether warming up ended because times no longer fell."""
    left_out: int = 0
    """Turns that are not among the samples, because another process took the core from one of their sides."""


class Measurement(Record):
    """All launches of one metric of one benchmark call."""

    test: str
    metric: MetricName
    launches: tuple[Launch, ...]
    looks: tuple[int, ...] = ()
    """Numbers of launches at which the data were looked at to decide whether to stop."""
    planned_looks: int = 1
    stopped: str = ""
    """Why sampling ended: decided, budget, timeout."""


class Output(Record):
    """What the benchmark's call returned on the two sides."""

    test: str
    verdict: Literal["equal", "different", "not comparable"]
    detail: str = ""
    inputs: int = 1
    """Inputs on which it was compared: the benchmark's own, and those generated around it."""


class Share(Record):
    """One function's part in a call of the benchmark, on one side.

    `calls` of it in one call of the benchmark; `share` of the samples in which it was on the stack, `own` in which
    it was the innermost of the project's functions; 0 to 1.
    """

    calls: float
    share: float
    own: float


class FunctionShare(Record):
    """A function of the project that a benchmark call reaches, None on the side where it does not."""

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


class Site(Record):
    """A call site's part of the peak, in bytes, in one benchmark call."""

    test: str
    place: str
    """Like `src/pagelayout/tables.py:41 rows`, at base and at head."""
    base: int
    head: int


class ImportedModule(Record):
    """A module that came or went with the change: cumulative and own seconds, as `-X importtime` has them."""

    name: str
    side: Side
    cumulative: float
    own: float


class Load(Record):
    """What else the machine did meanwhile."""

    before: float | None
    """1-minute load average."""
    after: float | None
    cores: int
    preempted: float = 0.0
    """Share of blocks from which another process took the core."""


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


class Samples(Artifact):
    SCHEMA = 2

    item: str
    benchmark: str
    benchmark_sha256: str
    platform: str
    """Like `Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.13`."""
    base: Provenance
    head: Provenance
    measurements: tuple[Measurement, ...]
    outputs: tuple[Output, ...] = ()
    tests: tuple[str, ...] = ()
    """Node ids that passed on both sides."""
    functions: tuple[FunctionShare, ...] = ()
    profiled: tuple[str, ...] = ()
    """Benchmark calls of which is known what they reach."""
    unreached: tuple[str, ...] = ()
    """Changed functions that no benchmark call reaches, like `pagelayout.tables:Table.rows`."""
    sites: tuple[Site, ...] = ()
    imported: tuple[ImportedModule, ...] = ()
    load: Load | None = None
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flags: str = ""
    """The comparison's flags: `--memory`, `--timeout 120`."""


# -- compare --------------------------------------------------------------------------------------


class Verdict(StrEnum):
    IMPROVED = "improved"
    REGRESSED = "regressed"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"


class Summary(Record):
    """One side of one metric, over all samples (per call)."""

    minimum: float
    median: float
    mean: float
    rounds: int

    @property
    def ops(self) -> float:
        return 1 / self.mean if self.mean else 0.0


class Interval(Record):
    """A ratio head/base with its confidence interval: 0.8 means that head costs a fifth less."""

    ratio: float
    low: float
    high: float
    confidence: float


class Change(Record):
    """One metric of one test, judged."""

    test: str
    metric: MetricName
    unit: str
    base: Summary
    head: Summary
    interval: Interval
    verdict: Verdict
    launches: int
    primary: bool
    """Whether the item's claim rests on this metric."""
    control: Interval | None = None
    """Of base against a second tree of base, in the same launches."""
    control_row: bool = False
    """Whether this test reaches nothing that the optimization changed."""


class Comparison(Artifact):
    SCHEMA = 2

    item: str
    verdict: Verdict
    reason: str
    headline: str
    """Metric, change and interval: `time -48.7 % (99 % interval -48.8 % to -48.5 %)`, with true minus signs."""
    changes: tuple[Change, ...]
    outputs: tuple[Output, ...]
    negligible: float
    needs_review: tuple[str, ...] = ()
    benchmark: str
    platform: str
    base: Provenance
    head: Provenance
    functions: tuple[FunctionShare, ...] = ()
    unreached: tuple[str, ...] = ()
    reach: Reach | None = None
    sites: tuple[Site, ...] = ()
    imported: tuple[ImportedModule, ...] = ()
    load: Load | None = None
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flags: str = ""
    tests: tuple[str, ...] = ()


# -- render and report ----------------------------------------------------------------------------


class Rendering(Artifact):
    SCHEMA = 1

    item: str
    body: str
    """Path of the body relative to the manifest's folder."""
    sha256: str
    template: str
    needs_review: tuple[str, ...] = ()
    comparison: str = ""
    """Digest of the comparison that the body was made from."""
    headline: str = ""
    """That comparison's headline."""


class Failure(Artifact):
    """Why an item is blocked: the stage that failed and its one message."""

    SCHEMA = 1

    item: str
    stage: str
    message: str




class Stamp(Artifact):
    """Nothing but the fingerprint of what a product that is no artifact was made from."""


class Table(Artifact):
    """The report's table as a terminal shows it."""

    text: str
    made_from: str
