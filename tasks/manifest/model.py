"""The content of `prprep.yaml` as pydantic models; unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from ..storage.restricted import Restrictable
from .forms import (
    Address,
    BenchmarkPath,
    FilePath,
    Folder,
    FunctionName,
    Id,
    Names,
    OneOrMany,
    OptionFree,
    Ref,
    Several,
    Slug,
    Text,
    TextOrSwitch,
    Texts,
    Unique,
    Variable,
    no_boolean,
)

VERSION = 1

# How pydantic's errors name the two forms of `benchmark:`; no key of the manifest can look like that.
PATH_FORM_TAG = "<path>"
CODE_FORM_TAG = "<code>"

Domain = Literal["mem", "cpu", "async", "struct"]
Metric = Literal["time", "instructions", "memory", "import"]
CoreChoice = Annotated[Literal["auto", 1, "all"], BeforeValidator(no_boolean)]
BY_PERSON = "human"


class Model(Restrictable):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BenchmarkCode(Model):
    """Code to write a benchmark from: `setup` runs once and untimed, `call` is measured."""

    setup: str = Field(default="", description="statements that run once, before measuring; imports go here")
    call: str = Field(min_length=1, description="the expression to measure")


class EnvironmentSettings(Model):
    """How to build the environment of each side, if the project's own files do not say enough."""

    runner: Text | None = Field(default=None, description="how the project runs Python, e.g. `uv run python`")
    python: OptionFree | None = Field(
        default=None,
        description='a version in quotes ("3.12"), or the path of an interpreter, relative to this file, used as it is',
    )
    extras: Names = Field(default=(), description="extras of the project to install")
    groups: Names = Field(default=(), description="dependency groups of pyproject.toml to install")
    install: Texts = Field(default=(), description="further requirements or pip arguments, one per item")
    passed: Several[Variable] = Field(
        default=(),
        alias="pass",
        description="environment variables to pass to the project's code although they look like secrets",
    )


class LintSettings(Model):
    """How benchmarks are linted."""

    ignore: Names = Field(default=(), description="rules to ignore")
    boundaries: Annotated[Texts, *Unique] = Field(
        default=(), description="further packages that run models or use the network; benchmarks may mock them"
    )


class Measuring(Model):
    """The settings of measuring that an item or `defaults` can set."""

    strategy: Literal["auto", "inject", "cherry-pick"] = Field(
        default="auto", description="how both trees get the same benchmark: copied, or by cherry-picking its commits"
    )
    engine: Literal["native", "codeflash"] = Field(
        default="native", description="codeflash also runs `codeflash compare`, besides prprep's own measuring"
    )
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1), OneOrMany(), *Unique] | None = Field(
        default=None, description="one or several; default: chosen by the domain"
    )
    timeout: float | None = Field(
        default=None, gt=0, description="seconds for one comparison; default: 120 for time, no limit for memory"
    )
    budget: float = Field(default=20.0, gt=0, le=86_400, description="seconds of samples for one benchmark")
    cores: CoreChoice = Field(
        default="auto",
        description="the cores that calls are timed on; auto: all if they use threads or processes, else 1",
    )
    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="confidence level of the intervals")
    negligible: float = Field(default=0.01, ge=0, lt=1, description="a relative change below this counts as no change")
    negligible_memory: int = Field(
        default=65_536, ge=0, description="bytes; a change of peak memory below this counts as no change"
    )
    sandbox: Literal["none", "bwrap"] = Field(
        default="none", description="bwrap runs the project's code without network, and without files it does not need"
    )
    env: EnvironmentSettings = Field(default=EnvironmentSettings(), description="how to build both environments")
    tests: TextOrSwitch | None = Field(
        default=None, description="the command of the project's own tests, or false to run none; default: detected"
    )
    tests_timeout: float = Field(default=600.0, gt=0, description="seconds for one run of the project's own tests")
    verify: bool = Field(default=True, description="whether to run the body's commands in a fresh clone first")
    commit_benchmark: Literal["auto", "always", "never"] = Field(
        default="auto", description="whether to commit the benchmark too; auto: if the project keeps benchmarks"
    )
    lint: LintSettings = Field(default=LintSettings(), description="how to lint the benchmark")
    template: Literal["auto", "project", "own"] = Field(
        default="auto",
        description="whose pull-request template to fill: the project's, or your own (else prprep's); "
        "auto: your own if there is one, else the project's",
    )
    summarize: Text | None = Field(
        default=None,
        description="a command that reads diff and figures as JSON and prints one to three bullets, "
        "for items without `summary`",
    )


class Optimization(Measuring):
    """One optimization, for one pull request."""

    id: Id = Field(description="letters, digits, `_`, `-` and `.`; tasks and files are named after it")
    title: Text | None = Field(default=None, description="the title of the pull request")
    summary: Annotated[tuple[Text, ...], Field(max_length=3), OneOrMany()] = Field(
        default=(),
        description="one to three bullets, mechanism before benefit; `human` marks gaps for a person to fill in",
    )
    details: str | None = Field(default=None, description="details in Markdown, if the bullets do not say everything")
    domain: Several[Domain] = Field(default=(), description="one or several; default: guessed from the diff")
    base: Ref | None = Field(
        default=None, description="the ref before the change; default: the merge base of upstream and head"
    )
    head: Ref | None = Field(default=None, description="the branch, tag or commit with the change")
    commits: Several[Ref] = Field(
        default=(), description="instead of head: the commits of the change, oldest first, not necessarily adjacent"
    )
    functions: Several[FunctionName] = Field(
        default=(), description="the optimized functions; default: guessed from the diff"
    )
    benchmark: (
        Annotated[
            Annotated[BenchmarkPath, Tag(PATH_FORM_TAG)] | Annotated[BenchmarkCode, Tag(CODE_FORM_TAG)],
            Discriminator(lambda value: PATH_FORM_TAG if isinstance(value, str) else CODE_FORM_TAG),
        ]
        | None
    ) = Field(default=None, description="the path of a benchmark test in the repository, or code to write one from")
    benchmark_files: Several[FilePath] = Field(
        default=(),
        description="further files that the benchmark needs; both sides use the copy of the ref that it comes from",
    )
    boundary_bytes: int | None = Field(
        default=None, ge=0, description="bytes that a real call of a model or the network allocates; its mock does too"
    )
    drive: Text | None = Field(
        default=None,
        description="a command that calls the function with real inputs, to write a benchmark from: "
        "`python scripts/convert.py sample.pdf`",
    )
    repo: Address | None = Field(default=None, description="the repository, if it is not the manifest's")
    upstream: Ref | None = Field(default=None, description="what the pull request is against; default: the manifest's")
    slug: Slug | None = Field(default=None, description="owner/name of the repository that the pull request goes to")
    push: OptionFree | None = Field(
        default=None,
        description="the remote or the fork's address that `prprep open` pushes to; default: as `gh` chooses",
    )
    pr: int | None = Field(default=None, ge=1, description="number of an existing pull request")

    @property
    def is_written_by_person(self) -> bool:
        """Whether a person writes the sentences of the body."""
        return self.summary == (BY_PERSON,)


class Manifest(Model):
    """All of `prprep.yaml`."""

    version: Annotated[Literal[1], BeforeValidator(no_boolean)] = Field(description="the version of this format: 1")
    repo: Address = Field(default=".", description="the repository: a path relative to this file, or an address")
    upstream: Ref | None = Field(
        default=None,
        description="what pull requests are against; default: the HEAD of the project's remote, else main, else master",
    )
    slug: Slug | None = Field(default=None, description="owner/name on GitHub; default: from the remote")
    output: Folder = Field(
        default=".codeflash", description="the folder for pull-request bodies and the report, relative to this file"
    )
    templates: Folder | None = Field(
        default=None, description="a folder with templates that replace prprep's own, relative to this file"
    )
    workers: OptionFree | None = Field(
        default=None,
        description="the address of a scheduler whose workers do what runs the project's code: `tls://HOST:8786`",
    )
    defaults: Measuring = Field(default=Measuring(), description="settings for all items that do not set them")
    optimizations: tuple[Optimization, ...] = Field(min_length=1, description="a list, or a mapping by id")
