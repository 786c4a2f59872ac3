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
    WebAddress,
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

    runner: Text | None = Field(
        default=None,
        description="how the project runs Python, for example `uv run python`; default: from the project's files",
    )
    python: OptionFree | None = Field(
        default=None,
        description='a version in quotes (`"3.12"`), or the path of an interpreter, relative to this file, '
        "that is used as it is; default: from the project's files",
    )
    extras: Names = Field(default=(), description="extras of the project to install; default: from the project's files")
    groups: Names = Field(
        default=(), description="dependency groups of `pyproject.toml` to install; default: from the project's files"
    )
    install: Texts = Field(default=(), description="further requirements or pip arguments, one each")
    passed: Several[Variable] = Field(
        default=(),
        alias="pass",
        description="variables that the project's code gets although they look like secrets",
    )


class LintSettings(Model):
    """How benchmarks are linted."""

    ignore: Names = Field(default=(), description="rules (see rules.md) that do not apply here")
    boundaries: Annotated[Texts, *Unique] = Field(
        default=(), description="further packages that run models or use the network, so that mocks may replace them"
    )


class Measuring(Model):
    """The settings of measuring that an item or `defaults` can set."""

    strategy: Literal["auto", "inject", "cherry-pick"] = Field(
        default="auto",
        description="how both trees get the same benchmark: `inject` copies it into both, `cherry-pick` picks "
        "its commits",
    )
    engine: Literal["native", "codeflash"] = Field(
        default="native", description="`codeflash` runs the package's `codeflash compare` in addition, see codeflash.md"
    )
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1), OneOrMany(), *Unique] | None = Field(
        default=None,
        description="`time`, `memory`, `import`, `instructions` (needs valgrind), one or several; default: by "
        "the domain: `mem` memory, `cpu` and `async` time, `struct` import",
    )
    timeout: float | None = Field(
        default=None,
        gt=0,
        description="seconds for one comparison; default: `120`, with instructions `600`, none for memory alone",
    )
    budget: float = Field(default=20.0, gt=0, le=86_400, description="seconds of samples for one benchmark")
    cores: CoreChoice = Field(
        default="auto",
        description="the cores that calls are timed on: `1`, `all`, or `auto` (all if they use threads or "
        "processes, else 1)",
    )
    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="confidence level of the intervals, as a share")
    negligible: float = Field(default=0.01, ge=0, lt=1, description="a change smaller than this share counts as none")
    negligible_memory: int = Field(
        default=65_536, ge=0, description="a change of peak memory by fewer bytes counts as none, too"
    )
    sandbox: Literal["none", "bwrap"] = Field(
        default="none",
        description="`bwrap` runs the project's code under bubblewrap, without network, and without files it "
        "does not need, see security.md",
    )
    env: EnvironmentSettings = Field(default=EnvironmentSettings(), description="how to build both environments")
    tests: TextOrSwitch | None = Field(
        default=None,
        description="the command of the project's own tests, or `false` to run none; default: found from the "
        "project's files",
    )
    tests_timeout: float = Field(default=600.0, gt=0, description="seconds for one run of the project's own tests")
    verify: bool = Field(default=True, description="whether the body's commands are run in a fresh clone first")
    commit_benchmark: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="whether the pull request's branch has the benchmark: `auto` (if the project keeps "
        "benchmarks), `always`, `never`",
    )
    lint: LintSettings = Field(default=LintSettings(), description="how to lint the benchmark")
    template: Literal["auto", "project", "own"] = Field(
        default="auto",
        description="the body's skeleton: the `project`'s pull-request template, your `own` (else prprep's), "
        "or `auto`: your own if there is one, else the project's",
    )
    summarize: Text | None = Field(
        default=None,
        description="a command of yours that reads diff and figures as JSON and prints one to three bullets, "
        "for items without `summary`, see summarize.md",
    )


class Optimization(Measuring):
    """One optimization, for one pull request."""

    id: Id = Field(description="its name in tasks, folders and the report: letters, digits, `_`, `-`, `.`")
    title: Text | None = Field(default=None, description="the title of the pull request; default: from the commits")
    summary: Annotated[tuple[Text, ...], Field(max_length=3), OneOrMany()] = Field(
        default=(),
        description="one to three bullets, mechanism before benefit, or `human`, which leaves marked gaps for "
        "a person; default: from the commits",
    )
    details: str | None = Field(default=None, description="technical details in Markdown")
    charts: WebAddress | None = Field(
        default=None,
        description="the `https` address of a folder in which you have put the charts of the evidence "
        "archive; the body then shows them",
    )
    domain: Several[Domain] = Field(
        default=(),
        description="`mem`, `cpu`, `async`, `struct`, one or several: what is measured and claimed; default: "
        "proposed from the change, with the reason",
    )
    base: Ref | None = Field(
        default=None, description="the ref that head is compared with; default: the merge base of upstream and head"
    )
    head: Ref | None = Field(
        default=None,
        description="the branch, tag or commit with the change; default: none, `commits` can be named instead",
    )
    commits: Several[Ref] = Field(
        default=(), description="instead of `head`: the commits of the change, oldest first, which need not be adjacent"
    )
    functions: Several[FunctionName] = Field(
        default=(),
        description="`package.module:Qualified.name`, one or several. A module alone means its import. "
        "`Table.rows.setter` and `show.register(int)` name a setter and a registered "
        "implementation; default: found from the diff",
    )
    benchmark: (
        Annotated[
            Annotated[BenchmarkPath, Tag(PATH_FORM_TAG)] | Annotated[BenchmarkCode, Tag(CODE_FORM_TAG)],
            Discriminator(lambda value: PATH_FORM_TAG if isinstance(value, str) else CODE_FORM_TAG),
        ]
        | None
    ) = Field(
        default=None,
        description="the path of a file of benchmark tests, or of one test in it (`FILE.py::test_name`), or "
        "`setup` and `call`, see benchmarks.md; default: searched for, else written",
    )
    benchmark_files: Several[FilePath] = Field(
        default=(),
        description="further files that the benchmark needs. Both sides use the copy of the ref that it comes "
        "from; default: the helpers and data files that it uses",
    )
    boundary_bytes: int | None = Field(
        default=None,
        ge=0,
        description="bytes that a real call of a model or the network allocates, for the mock in a written "
        "benchmark; default: as measured",
    )
    drive: Text | None = Field(
        default=None,
        description="a command that calls the function with real inputs, to write a benchmark from: `python "
        "scripts/convert.py sample.pdf`; default: the project's tests that reach the function",
    )
    repo: Address | None = Field(
        default=None, description="the repository, if it is not the manifest's; default: the manifest's"
    )
    upstream: Ref | None = Field(
        default=None, description="the ref that the pull request is opened against; default: the manifest's"
    )
    slug: Slug | None = Field(
        default=None, description="`owner/name` of the project that the pull request goes to; default: the manifest's"
    )
    push: OptionFree | None = Field(
        default=None,
        description="the remote, or the address of a fork, that `prprep open` pushes to; default: as `gh` chooses",
    )
    pr: int | None = Field(default=None, ge=1, description="number of an existing pull request")

    @property
    def is_written_by_person(self) -> bool:
        """Whether a person writes the sentences of the body."""
        return self.summary == (BY_PERSON,)


class Manifest(Model):
    """All of `prprep.yaml`."""

    version: Annotated[Literal[1], BeforeValidator(no_boolean)] = Field(description="the version of this format: `1`")
    repo: Address = Field(
        default=".",
        description="the repository: a path relative to this file, or an address; default: the folder of this file",
    )
    upstream: Ref | None = Field(
        default=None,
        description="the ref that pull requests are opened against; default: the HEAD of the project's remote "
        "(the one that `gh repo set-default` chose, else `upstream`, `github` or `origin`), then "
        "`main`, then `master`",
    )
    slug: Slug | None = Field(
        default=None, description="`owner/name` of the project on GitHub; default: from the remote"
    )
    output: Folder = Field(
        default=".codeflash", description="the folder for bodies and report, below the folder of this file"
    )
    templates: Folder | None = Field(
        default=None, description="a folder whose templates replace prprep's, below the folder of this file"
    )
    workers: OptionFree | None = Field(
        default=None,
        description="the address of a scheduler, such as `tls://bench:8786`, to whose workers prprep sends what runs "
        "the project's code, see cluster.md",
    )
    defaults: Measuring = Field(
        default=Measuring(),
        description="settings for every item that does not set them itself; default: those of each setting",
    )
    optimizations: tuple[Optimization, ...] = Field(
        min_length=1, description="the items, as a list or as a mapping by id"
    )
