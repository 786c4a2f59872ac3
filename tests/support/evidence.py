"""Literal artifacts of one optimization, for tests to vary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.artifacts import (
    UNITS,
    Change,
    ChangedFunction,
    CodeflashFigure,
    CodeflashRun,
    Commit,
    Comparison,
    Decision,
    Detection,
    DomainProposal,
    FunctionShare,
    Held,
    Injection,
    Interval,
    Launch,
    Layout,
    Load,
    Measured,
    Measurement,
    MetricName,
    Module,
    Output,
    Presence,
    ProjectTests,
    Provenance,
    RunCommand,
    Samples,
    Scaffolding,
    Share,
    SideRun,
    Site,
    Stack,
    Survey,
    TreeSpec,
    Verdict,
    Verification,
)
from tasks.body.evidence import Evidence
from tasks.manifest.model import Manifest, Optimization
from tasks.storage.paths import ItemPaths, ProjectPaths
from tasks.text import figures

BASE, HEAD, UPSTREAM = "1f3a" * 10, "9c0de" * 8, "77ab" * 10
BENCHMARK = "tests/benchmarks/test_benchmark_merge_lines.py"
TEST = f"{BENCHMARK}::test_benchmark_merge_lines"
OTHER = f"{BENCHMARK}::test_other"
SHA256 = "5e" * 32

LAYOUT = Layout(
    kind="src",
    project="",
    import_roots=("src",),
    packages=("pagelayout",),
    installable=True,
    benchmarks_root="tests/benchmarks",
    benchmarks_root_reason="the folder is there",
    runner="uv run python",
    runner_reason="uv.lock",
)

DETECTION = Detection(
    item="merge_lines",
    title="Merge lines without copying the page",
    base=BASE,
    head=HEAD,
    base_ref="merge base with main",
    head_ref="feature/merge-lines",
    upstream=UPSTREAM,
    upstream_ref="origin/main",
    slug="acme/pagelayout",
    commits=(
        Commit(
            sha=HEAD,
            title="Join the lines of a page once",
            message="Join the lines of a page once\n\nEach line was appended to the text, which copied the text again.\n\nSigned-off-by: Ada <ada@example.org>\n",
            author="Ada",
        ),
    ),
    files=("src/pagelayout/text.py",),
    functions=(
        ChangedFunction(
            path="src/pagelayout/text.py",
            module="pagelayout.text",
            name="merge_lines",
            status="modified",
            lines=(10, 31),
        ),
    ),
    target="pagelayout.text:merge_lines",
    target_reason="the one function that changed",
    domain=DomainProposal(domains=("cpu",), reason="the manifest says so", given=True),
    benchmark=Presence(path=BENCHMARK, base=None, head="c" * 40, worktree=None),
    layout=LAYOUT,
)

SURVEY = Survey(
    item="merge_lines",
    slug="acme/pagelayout",
    host="github.com",
    answered="5e" * 16,
    upstream_ref="origin/main",
    default_branch="main",
    decision=Decision(kind="new", reason="nothing else is about the same functions"),
)

SCAFFOLDING = Scaffolding(
    item="merge_lines", path=BENCHMARK, origin="head", source=HEAD, sha256=SHA256, made_from="existing"
)

INJECTION = Injection(
    item="merge_lines",
    strategy="inject",
    reason="the benchmark is not at base",
    benchmark=BENCHMARK,
    benchmark_sha256=SHA256,
    base=TreeSpec(commit=BASE, files={BENCHMARK: SHA256}, tree="a" * 40),
    head=TreeSpec(commit=HEAD, tree="b" * 40),
)


def provenance(
    commit: str, *, blob: str, packages: tuple[str, ...] = ("numpy==2.1.3", "pagelayout==0.4.0", "pytest==8.3.3")
) -> Provenance:
    module = Module(name="pagelayout.text", path="src/pagelayout/text.py", blob=blob * 40)
    return Provenance(
        commit=commit, tree="d" * 40, python="3.12.7", environment="e" * 32, packages=packages, modules=(module,)
    )


def change(metric: MetricName, base: float, head: float, verdict: Verdict, **more: object) -> Change:
    """Return a change from `base` to `head`; `width` is the interval's relative half-width."""
    width = float(more.pop("width", 0.011))  # type: ignore[arg-type]
    unit = UNITS[metric]
    ratio = head / base if base else 1.0
    if "control" in more:
        more["control"] = Interval(ratio=1.001, low=0.995, high=1.0071, confidence=0.99)
    fields = {"test": TEST, "launches": 8, "primary": True, "negligible": 0.01, **more}
    interval = Interval(ratio=ratio, low=ratio * (1 - width), high=ratio * (1 + width), confidence=0.99)
    return Change(
        metric=metric, unit=unit, base=base, head=head, samples=168, interval=interval, verdict=verdict, **fields
    )  # type: ignore[arg-type]


def comparison(changes: tuple[Change, ...], verdict: Verdict, **more: object) -> Comparison:
    first = changes[0]
    found = first.interval
    shown = figures.change(found.ratio, found.low, found.high)
    headline = f"{first.metric} {shown} (99 % interval {figures.interval(found.low, found.high)})"
    fields = {
        "item": "merge_lines",
        "reason": "",
        "headline": headline,
        "outputs": (Output(test=TEST, verdict="equal"),),
        "negligible": 0.01,
        "benchmark": BENCHMARK,
        "platform": "Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.7",
        "base": provenance(BASE, blob="1"),
        "head": provenance(HEAD, blob="2"),
        "tests": (TEST,),
        **more,
    }
    if verdict is not Verdict.IMPROVED:
        fields.setdefault("needs_review", (f"the verdict is {verdict}: {fields['headline']}",))
    return Comparison(changes=changes, verdict=verdict, **fields)  # type: ignore[arg-type]


CPU_IMPROVED = comparison(
    (
        change(MetricName.TIME, 0.0149902, 0.0118547, Verdict.IMPROVED, control=True),
        change(MetricName.CPU, 0.0149801, 0.0118411, Verdict.IMPROVED, control=True, primary=False),
        change(
            MetricName.TIME,
            0.0020902,
            0.0020847,
            Verdict.UNCHANGED,
            control=True,
            primary=False,
            control_row=True,
            test=OTHER,
            width=0.004,
        ),
        change(MetricName.PEAK, 9_122_611, 400_000, Verdict.IMPROVED, width=0.0, primary=False, launches=2),
        change(MetricName.ALLOCATIONS, 1_204, 17, Verdict.IMPROVED, width=0.0, primary=False, launches=2),
        change(MetricName.LEAKED, 0, 0, Verdict.UNCHANGED, width=0.0, primary=False, launches=2),
    ),
    Verdict.IMPROVED,
    outputs=(Output(test=TEST, verdict="equal", inputs=97), Output(test=OTHER, verdict="equal", inputs=1)),
    functions=(
        FunctionShare(
            test=TEST,
            function="pagelayout.text:merge_lines",
            path="src/pagelayout/text.py",
            changed=True,
            base=Share(calls=1, share=0.982, own=0.61),
            head=Share(calls=1, share=0.957, own=0.41),
            samples=412,
        ),
        FunctionShare(
            test=TEST,
            function="pagelayout.text:Line.joined",
            path="src/pagelayout/text.py",
            changed=False,
            base=Share(calls=1320, share=0.371, own=0.371),
            head=None,
            samples=412,
        ),
    ),
    unreached=("pagelayout.text:Page.join",),
    sites=(Site(test=TEST, place="src/pagelayout/text.py:21 → 24 merge_lines", base=8_912_000, head=212_000),),
    load=Load(before=0.31, after=1.12, cores=8, preempted=0.004),
)
MEMORY_IMPROVED = comparison(
    (
        change(MetricName.PEAK, 52_428_800, 26_911_744, Verdict.IMPROVED, width=0.0004),
        change(MetricName.ALLOCATIONS, 1_204, 1_198, Verdict.UNCHANGED, width=0.0, primary=False),
    ),
    Verdict.IMPROVED,
    flags="--memory",
)
REGRESSED = comparison(
    (change(MetricName.TIME, 0.0118547, 0.0149902, Verdict.REGRESSED),),
    Verdict.REGRESSED,
    reason="The interval lies above what counts as negligible.",
)
UNCHANGED = comparison(
    (change(MetricName.TIME, 0.0149902, 0.0149752, Verdict.UNCHANGED, width=0.004),),
    Verdict.UNCHANGED,
    reason="The interval lies within ±1 %.",
)
INCONCLUSIVE = comparison(
    (change(MetricName.TIME, 0.0149902, 0.0146602, Verdict.INCONCLUSIVE, width=0.06),),
    Verdict.INCONCLUSIVE,
    reason="The interval crosses the border of what counts as negligible; the budget was spent.",
    outputs=(Output(test=TEST, verdict="not comparable", detail="the call returns a generator"),),
)
IMPORT_IMPROVED = comparison((change(MetricName.IMPORT, 0.412, 0.0931, Verdict.IMPROVED),), Verdict.IMPROVED)

OWN_TESTS = ProjectTests(
    item="merge_lines",
    command="python -m pytest --ignore=tests/benchmarks",
    found="[tool.pytest] of pyproject.toml",
    seconds=600,
    base=SideRun(code=0, passed=212, skipped=3),
    head=SideRun(code=0, passed=212, skipped=3),
)
VERIFIED = Verification(item="merge_lines", commands=(RunCommand(text="prprep compare:merge_lines\n", code=0),))
"""Without a repeated comparison, which a real body has as well."""

ITEM = Optimization(id="merge_lines", domain=("cpu",), functions=("pagelayout.text:merge_lines",))


NO_CODEFLASH = CodeflashRun(item="merge_lines")
ASKED = CodeflashRun(
    item="merge_lines",
    asked=True,
    version="0.20.6",
    command=f"codeflash compare {BASE} {HEAD} --inject {BENCHMARK} --timeout 120",
    flags=f"--inject {BENCHMARK} --timeout 120",
    variables="PYTHONPATH=src",
    configuration='[tool.codeflash]\nmodule-root = "."\ntests-root = "tests"\nbenchmarks-root = "tests/benchmarks"\n',
    markdown="""## Benchmark: `1111` vs `2222`

### test_benchmark_merge_lines

| | Min | Median | Mean | OPS | Rounds |
|:---|---:|---:|---:|---:|---:|
| `1111` (base) | 14,558.38μs | 14,990.23μs | 15,549.31μs | 64.31 ops/s | 63 |
| `2222` (head) | 11,091.02μs | 11,854.71μs | 13,383.22μs | 74.72 ops/s | 84 |
| **Speedup** | **🟢 1.31x** | **🟢 1.26x** | **🟢 1.16x** | **🟢 1.16x** | |

---
*Generated by codeflash optimization agent*""",
    figures=(
        CodeflashFigure(
            test="test_benchmark_merge_lines", function="", metric="time", base=0.01499023, head=0.01185471
        ),
    ),
)
"""A codeflash run of the same comparison, without findings."""


@dataclass(frozen=True)
class Case:
    """The artifacts of one item; `write` writes them as the stages do."""

    comparison: Comparison = CPU_IMPROVED
    item: Optimization = ITEM
    detection: Detection = DETECTION
    scaffolding: Scaffolding = SCAFFOLDING
    injection: Injection = INJECTION
    survey: Survey = SURVEY
    benchmark: str = field(default="")
    data: dict[str, bytes] = field(default_factory=dict)
    codeflash: CodeflashRun = NO_CODEFLASH
    tests: ProjectTests = OWN_TESTS
    verification: Verification | None = None

    @property
    def evidence(self) -> Evidence:
        known = (self.item, self.detection, self.scaffolding, self.injection, self.comparison, self.survey)
        return Evidence(*known, self.benchmark, self.data, self.codeflash, tests=self.tests, verification=self.verified)

    @property
    def verified(self) -> Verification:
        """Return the verification, by default a run of the item's own commands."""
        ran = RunCommand(text=f"prprep compare:{self.item.id}\n", code=0)
        return self.verification or VERIFIED.model_copy(update={"item": self.item.id, "commands": (ran,)})

    @property
    def manifest(self) -> Manifest:
        return Manifest(version=1, optimizations=(self.item,))

    def vary(self, **fields: object) -> Case:
        return replace(self, **fields)  # type: ignore[arg-type]

    def write(self, folder: Path) -> ItemPaths:
        paths = ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item(self.item.id)
        self.detection.write(paths.detect, "d")
        self.survey.write(paths.survey, "y")
        self.scaffolding.write(paths.scaffold, "s")
        self.injection.write(paths.inject, "i")
        self.codeflash.write(paths.codeflash, "f")
        self.comparison.write(paths.compare, "c")
        self.tests.write(paths.tests, "t")
        self.verified.write(paths.verify, "v")
        if self.benchmark:
            target = paths.folder / self.scaffolding.source
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.benchmark, encoding="utf-8")
        return paths


def samples_of(compared: Comparison) -> Samples:
    """Return samples that could have led to a comparison, with stacks and memory over the call."""
    measured = {name: getattr(compared, name) for name in Measured.model_fields if name not in {"sites", "functions"}}
    return Samples(
        **measured,
        functions=compared.functions,
        benchmark_sha256=SHA256,
        measurements=tuple(map(_measurement, compared.changes)),
        stacks=tuple(
            Stack(test=share.test, functions=stack, base=share.base.own, head=share.head.own if share.head else 0.0)
            for share in compared.functions
            if share.base
            for stack in [
                (*((compared.functions[0].function,) if share != compared.functions[0] else ()), share.function)
            ]
        ),
        held=tuple(
            Held(
                test=change.test, side=side, sizes=tuple(int(getattr(change, side) * step / 8) for step in (1, 3, 8, 2))
            )
            for change in compared.changes
            if change.metric is MetricName.PEAK
            for side in ("base", "head")
        ),
    )


def _measurement(change: Change) -> Measurement:
    """Return launches around the costs of a change, as far apart as its interval is wide."""
    spread = change.interval.high / change.interval.ratio - 1 if change.interval.ratio else 0.0
    factors = [1 + spread * step for step in (-0.9, 0.4, -0.2, 0.8, 0.1, -0.5, 0.6, -0.3)[: change.launches]]
    launches = tuple(
        Launch(
            first="base",
            seed=number,
            base=(change.base * factor,) * 3,
            head=(change.head * factor,) * 3,
            control=(change.base * factor * 1.001,) * 3 if change.control else (),
        )
        for number, factor in enumerate(factors)
    )
    return Measurement(test=change.test, metric=change.metric, launches=launches)
