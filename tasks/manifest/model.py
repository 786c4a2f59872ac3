"""What `prprep.yaml` may say, as pydantic models; unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from .forms import (
    Address,
    BenchmarkPath,
    Folder,
    FunctionName,
    Id,
    Name,
    OneOrMany,
    OptionFree,
    OrSwitch,
    Ref,
    Slug,
    Text,
    Unique,
    Variable,
    no_boolean,
)

VERSION = 1

# Where pydantic says at which form of `benchmark:` it looked; no key of the manifest can be spelled like that.
PATH_FORM_TAG = "<path>"
CODE_FORM_TAG = "<code>"

Domain = Literal["mem", "cpu", "async", "struct"]
Metric = Literal["time", "instructions", "memory", "import"]
Strategy = Literal["auto", "inject", "cherry-pick"]
Engine = Literal["native", "codeflash"]
CommitBenchmark = Literal["auto", "always", "never"]
Sandbox = Literal["none", "bwrap"]
Skeleton = Literal["auto", "project", "own"]
BY_PERSON = "human"


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BenchmarkCode(Model):
    """Code to make a benchmark from: `setup` runs once and untimed, `call` is what is measured."""

    setup: str = Field(default="", description="statements that run once before the measuring; imports go here")
    call: str = Field(min_length=1, description="the expression to measure")


class EnvironmentSettings(Model):
    """How the environment of each side is built, where the project's own files do not say enough."""

    runner: Text | None = Field(default=None, description="how the project runs Python, e.g. `uv run python`")
    python: OptionFree | None = Field(
        default=None,
        description='a version in quotes ("3.12"), or the path of an interpreter from this file on, whose environment is used as it is',
    )
    extras: Annotated[tuple[Name, ...], OneOrMany(), *Unique] = Field(
        default=(), description="extras of the project to install with it"
    )
    groups: Annotated[tuple[Name, ...], OneOrMany(), *Unique] = Field(
        default=(), description="dependency groups of pyproject.toml"
    )
    install: Annotated[tuple[Text, ...], OneOrMany()] = Field(
        default=(), description="further requirements or pip arguments, one each"
    )
    passed: Annotated[tuple[Variable, ...], OneOrMany(), *Unique] = Field(
        default=(),
        alias="pass",
        description="variables of your environment that the target's code gets although they look like secrets",
    )


class LintSettings(Model):
    """How benchmarks are held against the rules."""

    ignore: Annotated[tuple[Name, ...], OneOrMany(), *Unique] = Field(
        default=(), description="rules that are not to be kept here"
    )
    boundaries: Annotated[tuple[Text, ...], OneOrMany(), *Unique] = Field(
        default=(),
        description="packages that run models or speak to the network, beside those that prprep knows: mocks may stand for them",
    )


class Measuring(Model):
    """Everything about measuring that an item, or `defaults`, can set."""

    strategy: Strategy = Field(
        default="auto",
        description="how both trees come to the same benchmark: it is copied into them, or its commits are cherry-picked; auto chooses",
    )
    engine: Engine = Field(
        default="native", description="codeflash has `codeflash compare` run beside prprep's own measuring"
    )
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1), OneOrMany(), *Unique] | None = Field(
        default=None,
        description="one or several; default: by the domain",
    )
    timeout: float | None = Field(
        default=None, gt=0, description="seconds for one comparison; default 120 for time, none for memory"
    )
    budget: float = Field(default=20.0, gt=0, le=86_400, description="seconds to spend on samples of one benchmark")
    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="confidence of the intervals, as a share")
    negligible: float = Field(default=0.01, ge=0, lt=1, description="a change smaller than this share is no change")
    sandbox: Sandbox = Field(
        default="none",
        description="bwrap runs the target's code under bubblewrap: no network, and of this machine only what it needs",
    )
    env: EnvironmentSettings = Field(
        default=EnvironmentSettings(), description="how the environment of each side is built"
    )
    tests: Annotated[str | bool, OrSwitch()] | None = Field(
        default=None,
        description="the command of the project's own tests, or false to run none; default: found from the project's files",
    )
    tests_timeout: float = Field(default=600.0, gt=0, description="seconds for one run of the project's own tests")
    verify: bool = Field(
        default=True, description="whether the commands that the body gives its readers are run first, in a fresh clone"
    )
    commit_benchmark: CommitBenchmark = Field(
        default="auto",
        description="whether the pull request's branch holds the benchmark; auto: where the project keeps benchmarks",
    )
    lint: LintSettings = Field(default=LintSettings(), description="how the benchmark is held against the rules")
    template: Skeleton = Field(
        default="auto",
        description="the body's skeleton: the project's own pull-request template, or your own and prprep's; "
        "auto takes a body template of yours, else the project's",
    )
    summarize: Text | None = Field(
        default=None,
        description="a command of yours that reads diff and figures as JSON and writes one to three bullets, for items without `summary`",
    )


class Optimization(Measuring):
    """One kept optimization, to become one pull request."""

    id: Id = Field(description="a short name of letters, digits, `_`, `-` and `.`; tasks and files are named after it")
    title: Text | None = Field(default=None, description="the title of the pull request")
    summary: Annotated[tuple[Text, ...], Field(max_length=3), OneOrMany()] = Field(
        default=(),
        description="one to three bullets, mechanism before benefit; `human` leaves marked gaps that a person fills in",
    )
    details: str | None = Field(
        default=None, description="technical details, in markdown, where the bullets do not say it all"
    )
    domain: Annotated[tuple[Domain, ...], OneOrMany(), *Unique] = Field(
        default=(),
        description="one or several; default: proposed from the diff",
    )
    base: Ref | None = Field(
        default=None, description="the commit before the change; default: the merge base of upstream and head"
    )
    head: Ref | None = Field(default=None, description="the branch, tag or commit that holds the change")
    commits: Annotated[tuple[Ref, ...], OneOrMany(), *Unique] = Field(
        default=(),
        description="in place of head: commits that need not be adjacent, oldest first",
    )
    functions: Annotated[tuple[FunctionName, ...], OneOrMany(), *Unique] = Field(
        default=(),
        description="the optimized functions; default: guessed from the diff",
    )
    benchmark: (
        Annotated[
            Annotated[BenchmarkPath, Tag(PATH_FORM_TAG)] | Annotated[BenchmarkCode, Tag(CODE_FORM_TAG)],
            Discriminator(lambda value: PATH_FORM_TAG if isinstance(value, str) else CODE_FORM_TAG),
        ]
        | None
    ) = Field(
        default=None, description="the path of the benchmark test in the repository, or the code to make one from"
    )
    boundary_bytes: int | None = Field(
        default=None,
        ge=0,
        description="bytes that a call of a model or the network allocates, for the fake in a benchmark that prprep writes",
    )
    drive: Text | None = Field(
        default=None,
        description="a command that calls the function with real inputs, to write a benchmark from: `python scripts/convert.py sample.pdf`",
    )
    repo: Address | None = Field(
        default=None, description="the repository of this optimization, where it is another than the manifest's"
    )
    upstream: Ref | None = Field(
        default=None, description="the ref that its pull request is against; default: the manifest's, or as there"
    )
    slug: Slug | None = Field(default=None, description="owner/name of the repository that its pull request goes to")
    push: OptionFree | None = Field(
        default=None,
        description="the remote, or the address of your fork, that `prprep open` pushes the branch to; default: as `gh` would find it",
    )
    pr: int | None = Field(default=None, ge=1, description="number of an existing pull request")

    @property
    def is_told_by_person(self) -> bool:
        """Return whether a person writes the sentences of the body."""
        return self.summary == (BY_PERSON,)


class Manifest(Model):
    """The whole of `prprep.yaml`."""

    version: Annotated[Literal[1], BeforeValidator(no_boolean)] = Field(description="the version of this format: 1")
    repo: Address = Field(default=".", description="the repository: a path, relative to this file, or an address")
    upstream: Ref | None = Field(
        default=None,
        description="the ref that pull requests are against; default: what origin's HEAD names, then main, then master",
    )
    slug: Slug | None = Field(default=None, description="owner/name; default: from the remote")
    output: Folder = Field(
        default=".codeflash", description="where pull-request bodies and the report go, below this file's folder"
    )
    templates: Folder | None = Field(
        default=None,
        description="a folder whose templates are used before prprep's own, below this file's folder",
    )
    defaults: Measuring = Field(
        default=Measuring(), description="settings for every item that does not set them itself"
    )
    optimizations: tuple[Optimization, ...] = Field(
        min_length=1, description="the optimizations, as a list or as a mapping by id"
    )
