"""What `prprep.yaml` may say, as pydantic models; unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Domain = Literal["mem", "cpu", "async", "struct"]
Metric = Literal["time", "memory", "import"]
Strategy = Literal["auto", "inject", "cherry-pick"]
Engine = Literal["native", "codeflash"]

Ref = Annotated[str, Field(min_length=1, description="a branch, tag or commit")]
FunctionName = Annotated[
    str,
    Field(
        pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?$",
        description="package.module:Qualified.name, or package.module for what runs when it is imported",
    ),
]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BenchmarkCode(Model):
    """Code to make a benchmark from: `setup` runs once and untimed, `call` is what is measured."""

    setup: str = Field(default="", description="statements that run once before the measuring; imports go here")
    call: str = Field(min_length=1, description="the expression to measure")


class EnvironmentSettings(Model):
    """How the environment of each side is built, where the project's own files do not say enough."""

    runner: str | None = Field(default=None, description="how the project runs Python, e.g. `uv run python`")
    python: str | None = Field(default=None, description="a version (3.12) or the path of an interpreter")
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = Field(default=(), description="dependency groups of pyproject.toml")
    install: tuple[str, ...] = Field(default=(), description="further requirements or pip arguments, one each")


class Measuring(Model):
    """Everything about measuring that an item, or `defaults`, can set."""

    strategy: Strategy = "auto"
    engine: Engine = "native"
    metrics: tuple[Metric, ...] | None = Field(default=None, description="default: by the domain")
    timeout: float | None = Field(default=None, gt=0, description="seconds for one comparison; default 120 for time, none for memory")
    budget: float = Field(default=20.0, gt=0, le=86_400, description="seconds to spend on samples of one benchmark")
    confidence: float = Field(default=0.99, gt=0.5, lt=1)
    negligible: float = Field(default=0.01, ge=0, lt=1, description="a change smaller than this share is no change")
    env: EnvironmentSettings = EnvironmentSettings()
    tests: str | None = Field(default=None, description="the command of the project's own tests")


class Optimization(Measuring):
    """One kept optimization, to become one pull request."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)
    title: str | None = Field(default=None, min_length=1)
    summary: tuple[str, ...] = Field(default=(), max_length=3, description="one to three bullets, mechanism before benefit")
    details: str | None = None
    domain: tuple[Domain, ...] = Field(default=(), description="one or several; default: proposed from the diff")
    base: Ref | None = Field(default=None, description="default: the merge base of upstream and head")
    head: Ref | None = None
    commits: tuple[Ref, ...] = Field(default=(), description="commits that need not be adjacent, oldest first")
    functions: tuple[FunctionName, ...] = ()
    benchmark: str | BenchmarkCode | None = None
    pr: int | None = Field(default=None, ge=1, description="number of an existing pull request")


class Manifest(Model):
    """The whole of `prprep.yaml`."""

    version: Literal[1]
    repo: str = Field(default=".", min_length=1, description="a path, relative to this file, or an address")
    upstream: Ref | None = Field(default=None, description="default: origin's HEAD, then main, then master")
    slug: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name; default: from the remote")
    output: str = Field(default=".codeflash", min_length=1, description="where pull-request bodies and the report go")
    templates: str | None = Field(default=None, description="a folder whose templates are used before prprep's own")
    defaults: Measuring = Measuring()
    optimizations: tuple[Optimization, ...] = Field(min_length=1)
