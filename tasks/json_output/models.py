"""The JSON document that `--json` writes, field by field; docs/json.md and prprep-output.schema.json are made from it.

Within a version fields may be added; none is removed or changes its meaning.
"""

import math
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from ..artifacts import Verdict

VERSION: Final = 1

State = Literal["ready", "needs review", "blocked", "stale", "not run yet"]
StageState = Literal["fresh", "stale", "failed", "not run yet"]
Ending = Literal["done", "failed", "not run"]


def _finite(value: Any) -> Any:
    return value if value is None or math.isfinite(value) else None


def _readable(value: Any) -> Any:
    """Replace what is no Unicode in the names of files."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


Figure = Annotated[float | None, BeforeValidator(_finite)]
Text = Annotated[str, BeforeValidator(_readable)]


class Output(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class ManifestProblem(Output):
    """A mistake in the manifest."""

    message: Text
    """What is wrong."""
    line: int
    """From 1; 0 for the whole file."""
    column: int
    """From 1; 0 for the whole file."""
    suggestion: Text
    """How to fix it, or ""."""


class Error(Output):
    """Why the command did not do its work. A failure of one item is the item's `failure`."""

    what: Text
    """What went wrong."""
    where: Text = ""
    """The file, item or command that it is about, or ""."""
    hint: Text = ""
    """How to fix it, or ""."""
    problems: tuple[ManifestProblem, ...] = ()
    """Every mistake of the manifest, if that is the error."""


class NamedCommit(Output):
    """A side of the comparison."""

    ref: str
    """As the manifest, or the command line of `try`, names it."""
    sha: str
    """The commit."""


class CommitTitle(Output):
    """A commit of the change."""

    sha: str
    """The commit."""
    title: str
    """The first line of its message."""


class Function(Output):
    """A definition that the change touches."""

    target: str
    """`package.module:Qualified.name`"""
    path: str
    """Its file in the repository."""
    status: Literal["modified", "added", "removed", "renamed", "moved"]
    """What happened to it."""
    lines: tuple[int, int]
    """First and last line at head, or at base if head lacks it."""


class StageStatus(Output):
    """What one stage of the pipeline has for the item."""

    name: str
    """The stage; `STAGE:ID` is its task."""
    state: StageState
    """`fresh` and `stale`: it ran, and its inputs are the same or differ."""
    why: tuple[str, ...]
    """Why it is stale, one sentence each, or that a person has to complete the benchmark first."""
    checked_after: str
    """The stale stage after which a fresh one is checked again, or ""."""
    seconds: float | None
    """What it took when it last ran."""


class Failure(Output):
    """Why the item is blocked."""

    stage: str
    """The stage that failed."""
    message: str
    """The whole message: what went wrong, where, and how to fix it."""
    where: str
    """The place alone, or ""."""
    hint: str
    """How to fix it alone, or ""."""
    log: str
    """Path of the log, or ""."""
    log_end: str
    """The log's last lines."""


class LintFinding(Output):
    """A rule for benchmarks that a file breaks."""

    path: Text
    """The benchmark."""
    line: int
    """From 1."""
    rule: str
    """The rule, see rules.md."""
    test: str
    """The test, or "" for the file."""
    found: str
    """What breaks it."""
    why: str
    """Why the rule exists."""
    fix: str
    """How to fix it."""
    fatal: bool
    """Whether the benchmark measures something other than it says."""


class Benchmark(Output):
    """What is measured."""

    path: str
    """Its path in the project."""
    test: str
    """The only test to measure, or "" for all."""
    origin: Literal["base", "head", "worktree", "generated", "edited"]
    """Who has it: a commit, the work tree, or prprep wrote it and maybe somebody edited it."""
    source: str
    """A commit, or the path of the file that prprep wrote, to read and edit."""
    needs: str
    """What a person has to complete before it can run, or ""."""
    notes: tuple[str, ...]
    """What is to be known about its choice."""
    findings: tuple[LintFinding, ...]
    """Rules that it breaks."""
    changed_statements: int | None
    """How many statements changed; null until lint has run it."""
    executed_statements: int | None
    """How many of these it executes."""


class PullRequest(Output):
    """A pull request that may be about the same."""

    number: int
    """Its number."""
    title: str
    """Its title."""
    state: Literal["open", "draft", "merged", "closed"]
    """Its state at GitHub."""
    url: str
    """Its address."""
    branch: str
    """Its branch."""
    author: str
    """Who opened it."""
    touches: Literal["branch", "function", "file", "words"]
    """The closest thing that it shares with the change."""


class Survey(Output):
    """What GitHub and git say about the change."""

    decision: Literal["new", "fold", "skip"]
    """Open a pull request, extend another, or none."""
    into: str
    """Which one to extend: `#12`, or the id of an item."""
    reason: str
    """Why."""
    unknown: str
    """Why GitHub was not asked or did not answer, or ""."""
    pull_requests: tuple[PullRequest, ...]
    """Those that may be about the same."""
    conflicts: tuple[str, ...]
    """Files that do not merge with upstream."""
    to_review: tuple[str, ...]
    """What a person has to decide."""


class _ComparedTest(Output):
    test: str
    """The test's id, as pytest has it."""
    base: Figure
    """The cost of a call at base."""
    head: Figure
    """The cost of a call at head."""
    ratio: Figure
    """head / base; null if base is 0."""
    low: Figure
    """Lower end of the ratio's interval."""
    high: Figure
    """Upper end of the ratio's interval."""
    confidence: float
    """Of the interval, 0 to 1."""


class Change(_ComparedTest):
    """One metric of one test. Less is better for all metrics."""

    metric: str
    """`time`, `CPU time`, `instructions`, `peak memory`, `allocations`, `memory left`, `import time`, ..."""
    unit: str
    """`s`, `B` (bytes) or `1`."""
    verdict: Verdict
    """What the interval decides."""
    effect: str
    """The same in words, with the interval; `negligible: ` or `inconclusive: ` precede what is not shown."""
    negligible: float
    """The relative change below which it counts as unchanged."""
    primary: bool
    """Whether the claim rests on it."""
    control_row: bool
    """Whether the test reaches no changed code."""
    samples: int
    """Of each side."""
    launches: int
    """Processes of each side."""


class FirstCall(_ComparedTest):
    """A test's first call in a process, in seconds."""

    is_cached: bool
    """Whether later calls are fast only because something is kept from the first one."""


class Returned(Output):
    """Whether base and head return the same."""

    test: str
    """The test's id."""
    verdict: Literal["equal", "different", "not comparable"]
    """The answer."""
    detail: str
    """What differs, or ""."""
    inputs: int
    """On how many inputs this was compared."""


class OtherHead(Output):
    """Another item of the same `lockstep`, before this one, whose head was timed in the same turns."""

    item: str
    """Its id."""
    changes: tuple[Change, ...]
    """The time of each test: `base` is the cost at its head, `head` at this one's."""


class Comparison(Output):
    """The verdict on the samples."""

    fresh: bool
    """Whether it is about the current commits and settings."""
    verdict: Verdict
    """Of the item."""
    headline: str
    """The leading metric with its change and interval."""
    reason: str
    """Why this verdict."""
    needs_review: tuple[str, ...]
    """What a person has to judge, one sentence each."""
    changes: tuple[Change, ...]
    """Every test and metric."""
    first_calls: tuple[FirstCall, ...]
    """First calls in a process, if they were compared."""
    returned: tuple[Returned, ...]
    """What the calls returned."""
    unmeasured: tuple[str, ...]
    """Tests whose time is not known, because other processes interrupted every measurement."""
    unreached: tuple[str, ...]
    """Changed functions that no test reaches."""
    other_heads: tuple[OtherHead, ...]
    """How the head compares with others; empty if it was timed by itself."""


class Files(Output):
    """Paths of the item's files, "" or empty if there is none."""

    body: str = ""
    """The text of the pull request."""
    samples: str = ""
    """The raw samples, with environments and provenance."""
    profiles: tuple[str, ...] = ()
    """Memory profiles and flame graphs."""
    log: str = ""
    """What every stage said."""


class Check(Output):
    """One line of `prprep doctor`."""

    state: Literal["ok", "note", "FAIL"]
    """`note` disturbs no measurement."""
    what: str
    """What was checked, and the result."""
    fix: str
    """What to do, or ""."""


class BranchFinding(Output):
    """Something that does not belong in the branch."""

    text: str
    """What was found."""
    fatal: bool
    """Whether `prprep open` refuses the branch for it."""


class Branch(Output):
    """What `prprep branch` built: the commits of the pull request."""

    title: str
    """Of the pull request."""
    onto: str
    """What the pull request is opened against, with its commit."""
    base: str
    """The commit that the branch was compared with."""
    head: str
    """Its last commit, in prprep's clone."""
    verdict: Verdict | None
    """Of the comparison with base; null if it was not measured."""
    headline: str
    """Its leading change in words, or ""."""
    findings: tuple[BranchFinding, ...]
    """What the audit found."""
    not_run: tuple[str, ...]
    """Checks of the project that did not run here."""
    notes: tuple[str, ...]
    """What is worth knowing about it."""
    todos: tuple[str, ...]
    """What only a person can do."""
    evidence: str
    """Path of the archive of the evidence."""


class Item(Output):
    """One optimization."""

    id: str
    """Its id in the manifest; `STAGE:ID` are its tasks."""
    title: str
    """Its title."""
    state: State
    """Of the pull request; for `try`, `ci` and `bisect`, of the comparison. `ready`, `needs review`: everything ran."""
    reasons: tuple[str, ...]
    """What to review, what failed or what is stale."""
    next: str
    """The command to run next, or ""."""
    failure: Failure | None
    """Why it is blocked."""
    stages: tuple[StageStatus, ...]
    """All stages, in order."""
    base: NamedCommit | None
    """The commit before the change."""
    head: NamedCommit | None
    """The commit after the change."""
    upstream: NamedCommit | None
    """What the pull request is opened against."""
    commits: tuple[CommitTitle, ...]
    """The commits of the change, oldest first."""
    files: tuple[str, ...]
    """The files that it touches."""
    functions: tuple[Function, ...]
    """The functions that it touches."""
    target: str | None
    """The function that the benchmark is about, `package.module:Qualified.name`, or a module for its import."""
    target_reason: str
    """Why this one."""
    domains: tuple[str, ...]
    """`cpu`, `mem`, `async`, `struct`: what the change is about."""
    domain_reason: str
    """Why these."""
    benchmark: Benchmark | None
    """The benchmark; null until scaffold has run."""
    survey: Survey | None
    """The survey; null until it has run."""
    comparison: Comparison | None
    """The comparison; null until compare has run."""
    measured_at: str | None
    """When the samples were taken, ISO 8601 in UTC."""
    body_edited: bool
    """Whether the body was edited since prprep wrote it."""
    todos: tuple[str, ...]
    """What only a person can do before the pull request is opened."""
    branch: Branch | None
    """The branch; null until `prprep branch` has built it."""
    pull_request: str
    """Address of the pull request that `prprep open` opened, or ""."""
    paths: Files
    """The item's files."""
    checks: tuple[Check, ...] = ()
    """`doctor`: what it checked for the item, up to the first failure."""


class TaskEnding(Output):
    """A task that was not up to date."""

    name: str
    """`STAGE:ID`, or `report`."""
    ending: Ending
    """`not run`: a task that it depends on failed."""
    message: str
    """Why, if it is not done."""


class LintedFile(Output):
    """A file that `prprep lint` checked."""

    path: Text
    """As it was found, relative to the current folder."""
    findings: tuple[LintFinding, ...] = ()
    """Rules that it breaks."""
    fixes: tuple[str, ...] = ()
    """What --fix did."""
    notes: tuple[str, ...] = ()
    """What could not be checked."""


class Document(Output):
    """The whole of standard output. All fields are always there."""

    version: Literal[1] = VERSION
    """The version of this format."""
    prprep: str
    """The version of prprep."""
    command: str
    """Its name, such as `status`, and `run` also if none was named; "" if unknown."""
    exit_code: int
    """That of the process."""
    error: Error | None = None
    """Why the command did not do its work; null also if single items failed."""
    manifest: Text | None = None
    """Absolute path of the manifest; other paths are relative to its folder, or to the repository for code."""
    report: str | None = None
    """Path of the report."""
    items: tuple[Item, ...] = ()
    """The items that the command is about; for `try` the heads, for `ci` the benchmarks, for `bisect` the commits."""
    tasks: tuple[TaskEnding, ...] = ()
    """`run`, `try`, `ci`, `bisect`, `inventory`, `init`: tasks that were not up to date, in the order of their ends."""
    checks: tuple[Check, ...] = ()
    """`doctor`: what it checked of the machine."""
    files: tuple[LintedFile, ...] = ()
    """`lint`: the files."""
