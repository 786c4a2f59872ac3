"""The content of `prprep.yaml` as pydantic models; unknown keys are errors."""

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
    Name,
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
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class BenchmarkCode(Model):
    """Code to write a benchmark from: `setup` runs once and untimed, `call` is measured."""

    setup: str = ""
    """statements that run once, before measuring; imports go here"""
    call: str = Field(min_length=1)
    """the expression to measure"""


class EnvironmentSettings(Model):
    """How to build the environment of each side, if the project's own files do not say enough."""

    runner: Text | None = None
    """how the project runs Python, for example `uv run python`; default: from the project's files"""
    python: OptionFree | None = None
    """a version in quotes (`"3.12"`), or the path of an interpreter, relative to this file, that is used as it is;
    default: from the project's files"""
    extras: Names = ()
    """extras of the project to install; default: from the project's files"""
    groups: Names = ()
    """dependency groups of `pyproject.toml` to install; default: from the project's files"""
    install: Texts = ()
    """further requirements or pip arguments, one each"""
    passed: Several[Variable] = Field(default=(), alias="pass")
    """variables that the project's code gets although they look like secrets"""


class LintSettings(Model):
    """How benchmarks are linted."""

    ignore: Names = ()
    """rules (see rules.md) that do not apply here"""
    boundaries: Annotated[Texts, *Unique] = ()
    """further packages that run models or use the network, so that mocks may replace them"""


class Measuring(Model):
    """The settings of measuring that an item or `defaults` can set."""

    strategy: Literal["auto", "inject", "cherry-pick"] = "auto"
    """how both trees get the same benchmark: `inject`, like `auto`, copies it into both, `cherry-pick` picks its
    commits"""
    engine: Literal["native", "codeflash"] = "native"
    """`codeflash` runs the package's `codeflash compare` in addition, see codeflash.md"""
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1), OneOrMany(), *Unique] | None = None
    """`time`, `memory`, `import`, `instructions` (needs valgrind), one or several; default: by the domain: `mem`
    memory, `cpu` and `async` time, `struct` import"""
    timeout: float | None = Field(default=None, gt=0)
    """seconds for each metric of a benchmark; default: `120`, with instructions `600`, none for memory alone"""
    budget: float = Field(default=20.0, gt=0, le=86_400)
    """seconds of samples for one benchmark"""
    cores: CoreChoice = "auto"
    """the cores that calls are timed on: `1`, `all`, or `auto` (all if they use threads or processes, else 1)"""
    confidence: float = Field(default=0.99, gt=0.5, lt=1)
    """confidence level of the intervals, as a share"""
    negligible: float = Field(default=0.01, ge=0, lt=1)
    """a change smaller than this share counts as none"""
    negligible_memory: int = Field(default=65_536, ge=0)
    """a change of peak memory by fewer bytes counts as none, too"""
    sandbox: Literal["none", "bwrap"] = "none"
    """`bwrap` runs the project's code under bubblewrap, without network, and without files it does not need, see
    security.md"""
    env: EnvironmentSettings = EnvironmentSettings()
    """how to build both environments"""
    tests: TextOrSwitch | None = None
    """the command of the project's own tests, or `false` to run none; default: found from the project's files"""
    tests_timeout: float = Field(default=600.0, gt=0)
    """seconds for one run of the project's own tests"""
    verify: bool = True
    """whether the body's commands are run in a fresh clone first"""
    commit_benchmark: Literal["auto", "always", "never"] = "auto"
    """whether the pull request's branch has the benchmark: `auto` (if the project keeps benchmarks), `always`,
    `never`"""
    lint: LintSettings = LintSettings()
    """how to lint the benchmark"""
    template: Literal["auto", "project", "own"] = "auto"
    """the body's skeleton: the `project`'s pull-request template, your `own` (else prprep's), or `auto`: your own if
    there is one, else the project's"""
    summarize: Text | None = None
    """a command of yours that reads diff and figures as JSON and prints one to three bullets, for items without
    `summary`, see summarize.md"""


class Optimization(Measuring):
    """One optimization, for one pull request."""

    id: Id
    """its name in tasks, folders and the report: letters, digits, `_`, `-`, `.`"""
    title: Text | None = None
    """the title of the pull request; default: from the commits"""
    summary: Annotated[tuple[Text, ...], Field(max_length=3), OneOrMany()] = ()
    """one to three bullets, mechanism before benefit, or `human`, which leaves marked gaps for a person; default: from
    the commits"""
    details: str | None = None
    """technical details in Markdown"""
    charts: WebAddress | None = None
    """the `https` address of a folder in which you have put the charts of the evidence archive; the body then shows
    them"""
    domain: Several[Domain] = ()
    """`mem`, `cpu`, `async`, `struct`, one or several: what is measured and claimed; default: proposed from the
    change, with the reason"""
    base: Ref | None = None
    """the ref that head is compared with; default: the merge base of upstream and head"""
    head: Ref | None = None
    """the branch, tag or commit with the change; default: none, `commits` can be named instead"""
    commits: Several[Ref] = ()
    """instead of `head`: the commits of the change, oldest first, which need not be adjacent"""
    functions: Several[FunctionName] = ()
    """`package.module:Qualified.name`, one or several. A module alone means its import. `Table.rows.setter` and
    `show.register(int)` name a setter and a registered implementation; default: found from the diff"""
    benchmark: (
        Annotated[
            Annotated[BenchmarkPath, Tag(PATH_FORM_TAG)] | Annotated[BenchmarkCode, Tag(CODE_FORM_TAG)],
            Discriminator(lambda value: PATH_FORM_TAG if isinstance(value, str) else CODE_FORM_TAG),
        ]
        | None
    ) = None
    """the path of a file of benchmark tests, or of one test in it (`FILE.py::test_name`), or `setup` and `call`, see
    benchmarks.md; default: searched for, else written"""
    benchmark_files: Several[FilePath] = ()
    """further files that the benchmark needs. Both sides use the copy of the ref that it comes from; default: the
    helpers and data files that it uses"""
    lockstep: Name | None = None
    """a name: items with the same one, the same base and the same benchmark are timed in the same turns, so that their
    heads can be compared with each other, see measuring.md; default: none"""
    boundary_bytes: int | None = Field(default=None, ge=0)
    """bytes that a real call of a model or the network allocates, for the mock in a written benchmark; default: as
    measured"""
    drive: Text | None = None
    """a command that calls the function with real inputs, to write a benchmark from: `python scripts/convert.py
    sample.pdf`; default: the project's tests that reach the function"""
    repo: Address | None = None
    """the repository, if it is not the manifest's; default: the manifest's"""
    upstream: Ref | None = None
    """the ref that the pull request is opened against; default: the manifest's"""
    slug: Slug | None = None
    """`owner/name` of the project that the pull request goes to; default: the manifest's"""
    push: OptionFree | None = None
    """the remote, or the address of a fork, that `prprep open` pushes to; default: as `gh` chooses"""
    pr: int | None = Field(default=None, ge=1)
    """number of an existing pull request"""

    @property
    def is_written_by_person(self) -> bool:
        """Whether a person writes the sentences of the body."""
        return self.summary == (BY_PERSON,)


class Manifest(Model):
    """All of `prprep.yaml`."""

    version: Annotated[Literal[1], BeforeValidator(no_boolean)]
    """the version of this format: `1`"""
    repo: Address = "."
    """the repository: a path relative to this file, or an address; default: the folder of this file"""
    upstream: Ref | None = None
    """the ref that pull requests are opened against; default: the HEAD of the project's remote (the one that `gh repo
    set-default` chose, else `upstream`, `github` or `origin`), then `main`, then `master`"""
    slug: Slug | None = None
    """`owner/name` of the project on GitHub; default: from the remote"""
    output: Folder = ".codeflash"
    """the folder for bodies and report, below the folder of this file"""
    templates: Folder | None = None
    """a folder whose templates replace prprep's, below the folder of this file"""
    workers: OptionFree | None = None
    """the address of a scheduler, such as `tls://bench:8786`, to whose workers prprep sends what runs the project's
    code, see cluster.md"""
    defaults: Measuring = Measuring()
    """settings for every item that does not set them itself; default: those of each setting"""
    optimizations: tuple[Optimization, ...] = Field(min_length=1)
    """the items, as a list or as a mapping by id"""
