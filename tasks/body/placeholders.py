"""Make the values of a pull-request body from artifacts: placeholders by name, structured values beside them."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts import CodeflashRun, Comparison, Detection, Injection, MetricName, Scaffolding, Verdict
from ..text import figures, markdown
from ..text.markdown import Markdown
from ..text.templating import fill
from . import views
from .reproduction import Made, Reproduction, reproduction
from .saved_benchmark import benchmark_to_save, data_to_save

if TYPE_CHECKING:
    from ..artifacts import Bullets, Change, Commit, ProjectTests, Summary, Survey, Verification
    from ..manifest.model import Optimization
    from ..storage.paths import ItemPaths

CPU, MEMORY = "pr-body-cpu.md.j2", "pr-body-memory.md.j2"
PARTS = (
    "pr-body.md.j2",
    "headline.md.j2",
    "reproduce.md.j2",
    "reproduce-codeflash.md.j2",
    "compare-output.md.j2",
    "compare-codeflash.md.j2",
    "compare-measured.md.j2",
    "compare-lead.md.j2",
    "compare-metrics.md.j2",
    "compare-time.md.j2",
    "measured.md.j2",
    "reviewers-asv.md.j2",
    "reviewers-pyperf.md.j2",
    "compare-test.md.j2",
    "compare-functions.md.j2",
    "compare-imports.md.j2",
    "compare-memory.md.j2",
    "evidence.md.j2",
    "own-tests.md.j2",
    "verified.md.j2",
)
SINGLE = ("summary.md.j2", "test-items.md.j2", "changelog.md.j2", "own-section.md.j2")
_OF_MEMORY = {MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED}
BULLETS, BULLET_LENGTH = 3, 300
NOT_ASKED = CodeflashRun(item="")
LONGEST_REPORT = 40_000
"""Characters of codeflash's markdown; more is kept in the artifact alone."""
_TRAILER = re.compile(
    r"^[A-Za-z][A-Za-z-]*-(?:by|to|from|id|on|with): |^(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?):? \S+$",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s{0,3}[-*+]\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a body is made from; `benchmark` is the benchmark's text where a reader has to save it.

    `data` are the files that it reads and that no commit holds either, by their paths in the project.
    """

    item: Optimization
    detection: Detection
    scaffolding: Scaffolding
    injection: Injection
    comparison: Comparison
    survey: Survey | None
    """None where a part of the body is filled that has nothing to do with it."""
    benchmark: str = ""
    data: Mapping[str, bytes] = field(default_factory=dict)
    codeflash: CodeflashRun = NOT_ASKED
    tests: ProjectTests | None = None
    verification: Verification | None = None
    written: Bullets | None = None
    """Of the user's command."""

    @classmethod
    def compared(cls, item: Optimization, paths: ItemPaths) -> Evidence:
        """Read what there is once the two sides are compared, and the benchmark where it stands in no commit."""
        scaffolding = Scaffolding.read(paths.scaffold)
        return cls(
            item=item,
            detection=Detection.read(paths.detect),
            scaffolding=scaffolding,
            injection=Injection.read(paths.inject),
            comparison=Comparison.read(paths.compare),
            survey=None,
            codeflash=CodeflashRun.read(paths.codeflash),
            benchmark=benchmark_to_save(scaffolding, paths).decode("utf-8", "replace"),
            data=data_to_save(scaffolding, paths),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of what there is stands in the body: tests in sight, tests folded, characters, rows of lists."""

    visible: int
    folded: int
    characters: int
    rows: int
    sight: int = 8
    """Rows of lists in sight."""
    commands: bool = True
    """Whether the commands for plain pytest are in sight."""
    details: int = 1_200
    """Characters of technical details in sight."""


FULL = Limits(1, 40, 20_000, 60)
"""As much detail as there is room for in most bodies."""


def template_for(comparison: Comparison) -> str:
    """Choose the CPU variant for anything with times in it, the memory variant for numbers of memray alone."""
    timed = any(change.metric not in _OF_MEMORY for change in comparison.changes)
    return CPU if timed or not comparison.changes else MEMORY


def body_text(evidence: Evidence, limits: Limits, templates: Path | None) -> str:
    """Fill the body's template; raise TemplateError for a placeholder that nothing fills."""
    filled = _filler(templates)
    return markdown.tidy(filled(template_for(evidence.comparison), _values(evidence, limits, filled))) + "\n"


def reproduce_text(evidence: Evidence, limits: Limits, templates: Path | None) -> str:
    """Fill the body's section on how to reproduce, alone."""
    filled = _filler(templates)
    return markdown.tidy(filled("reproduce.md.j2", _values(evidence, limits, filled))) + "\n"


def _values(
    evidence: Evidence, limits: Limits, filled: Callable[[str, Mapping[str, object]], Markdown]
) -> dict[str, object]:
    values = _structured(evidence, limits)
    values |= _facts(evidence)
    values |= {
        "SUMMARY_BULLETS": filled("summary.md.j2", values),
        "TECHNICAL_DETAILS": markdown.prose(evidence.item.details or ""),
        "CODEFLASH_COMPARE_OUTPUT": filled("compare-output.md.j2", values),
        "CHANGELOG_SECTION": filled("changelog.md.j2", values),
    }
    items = [
        Markdown(line.removeprefix("- ")) for line in filled("test-items.md.j2", values).splitlines() if line.strip()
    ]
    values |= {"TEST_ITEMS": items, **{f"TEST_ITEM_{number}": text for number, text in enumerate(items, 1)}}
    optional = {"TECHNICAL_DETAILS", "CHANGELOG_SECTION", "CODEFLASH_COMPARE_FLAGS"}
    return {name: value for name, value in values.items() if value != "" or name in optional or not name.isupper()}


def is_written(evidence: Evidence) -> bool:
    """Return whether the bullets are those of the user's command."""
    return bool(evidence.written and evidence.written.are_used)


def bullets(item: Optimization, commits: tuple[Commit, ...], written: Bullets | None = None) -> tuple[Markdown, ...]:
    """Return one to three bullets: the manifest's, else those of the user's command, else from what the commits say of themselves."""
    if item.summary:
        return tuple(markdown.inline(line) for line in item.summary)
    if written and written.are_used:
        return tuple(markdown.inline(line, emphasis=False) for line in written.bullets)
    told = _of_one(commits[0]) if len(commits) == 1 else [commit.title for commit in commits]
    told = [line for line in told if line.strip()] or [item.title or item.id]
    return tuple(
        markdown.inline(markdown.shorten(markdown.one_line(line), BULLET_LENGTH), emphasis=False)
        for line in told[:BULLETS]
    )


def _of_one(commit: Commit) -> list[str]:
    """Return the title, then the bullets of the message or its first paragraph."""
    body = commit.message.removeprefix(commit.title).strip()
    lines = [line for line in markdown.plain(body).splitlines() if not _TRAILER.match(line.strip())]
    listed = [_BULLET.sub("", line) for line in lines if _BULLET.match(line)]
    paragraph = "\n".join(lines).strip().split("\n\n")[0]
    return [commit.title, *(listed or [paragraph])]


def _structured(evidence: Evidence, limits: Limits) -> dict[str, object]:
    detection, comparison = evidence.detection, evidence.comparison
    benchmark = evidence.scaffolding.path
    tests = views.tests_of(comparison, benchmark)
    shown = [test for test in tests[: limits.visible] if not test.is_control_row]
    kind, _, place = (detection.changelog or "").partition(" ")
    return {
        "item": evidence.item,
        "detection": detection,
        "scaffolding": evidence.scaffolding,
        "injection": evidence.injection,
        "comparison": comparison,
        "codeflash": evidence.codeflash,
        "codeflash_markdown": _as_it_is(evidence.codeflash),
        "changes": comparison.changes,
        "tests": tests,
        "shown": shown,
        "folded": tests[len(shown) : len(shown) + limits.folded],
        "left_out": max(0, len(tests) - len(shown) - limits.folded),
        "own_tests": evidence.tests,
        "verification": evidence.verification,
        "leading": views.leading(comparison),
        "losses": views.losses_of(comparison, benchmark),
        "shares": views.shares_of(comparison),
        "unseen": views.unseen(detection, comparison),
        "controlled_any": any(change.control for change in comparison.changes),
        "asv": views.asv_rows(comparison, benchmark) if detection.benchmark_tool == "asv" else (),
        "pyperf": views.pyperf_table(comparison, benchmark) if detection.benchmark_tool == "pyperf" else None,
        "improved": comparison.verdict == Verdict.IMPROVED,
        "outputs": views.outputs_of(comparison.outputs, benchmark),
        "returned": views.returned(comparison.outputs),
        "inputs": sum(output.inputs for output in comparison.outputs),
        "by_person": evidence.item.is_told_by_person,
        "bullets": bullets(evidence.item, detection.commits, evidence.written),
        "further_commits": max(0, len(detection.commits) - BULLETS)
        if not (evidence.item.summary or is_written(evidence))
        else 0,
        "reproduction": _reproduction(evidence),
        "benchmark_text": evidence.benchmark if len(evidence.benchmark) <= limits.characters else "",
        "data_files": [_data_file(path, content, limits) for path, content in sorted(evidence.data.items())],
        "changelog": {"kind": kind, "place": place},
        "entry": markdown.one_line(evidence.item.title or detection.title),
        "packages": _differing(comparison),
        "modules": _modules(comparison),
        "limits": limits,
    }


def _reproduction(evidence: Evidence) -> Reproduction:
    made = Made(evidence.injection, evidence.comparison, evidence.codeflash)
    return reproduction(evidence.item, evidence.detection, evidence.scaffolding, made=made)


def _as_it_is(codeflash: CodeflashRun) -> Markdown:
    """Return codeflash's own markdown unaltered, or nothing where it would leave no room for anything else."""
    return Markdown(codeflash.markdown.strip("\n") if len(codeflash.markdown) <= LONGEST_REPORT else "")


def _facts(evidence: Evidence) -> dict[str, object]:
    """Return the placeholders that are one line each; commits by SHA, since a branch moves on."""
    detection, comparison = evidence.detection, evidence.comparison
    return {
        "PLATFORM_DESCRIPTION": markdown.escape(comparison.platform),
        "CODEFLASH_COMPARE_FLAGS": Markdown(markdown.one_line(comparison.flags)),
        "BASE_REF": Markdown(detection.base),
        "HEAD_REF": Markdown(detection.head),
        "RUNNER": Markdown(markdown.one_line(detection.layout.runner)),
        "BENCHMARK_PATH": shell(evidence.scaffolding.path),
    }


def shell(text: str) -> Markdown:
    """Quote `text` as one word of a shell command."""
    return Markdown(shlex.quote(markdown.one_line(text)))


def _filler(templates: Path | None) -> Callable[[str, Mapping[str, object]], Markdown]:
    def filled(name: str, values: Mapping[str, object]) -> Markdown:
        return Markdown(fill(name, values, templates, filters=FILTERS, finish=markdown.finished).strip("\n"))

    return filled


def _data_file(path: str, content: bytes, limits: Limits) -> dict[str, object]:
    """Show a file's text where it is one, and short."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    shown = text.rstrip("\n") if text.isprintable() or "\n" in text else ""
    sha256 = hashlib.sha256(content).hexdigest()
    return {
        "path": path,
        "size": len(content),
        "sha256": sha256,
        "text": shown if len(shown) <= limits.characters // 4 else "",
    }


def _differing(comparison: Comparison) -> tuple[tuple[str, str, str], ...]:
    """Return name and both versions of every package that differs between the two environments."""
    base, head = (dict(_named(line) for line in side.packages) for side in (comparison.base, comparison.head))
    names = sorted(name for name in base.keys() | head.keys() if base.get(name) != head.get(name))
    return tuple((name, base.get(name, ""), head.get(name, "")) for name in names)


def _named(package: str) -> tuple[str, str]:
    name, _, version = package.partition("==")
    return name, version


def _modules(comparison: Comparison) -> tuple[tuple[str, str, str], ...]:
    """Return path and both blobs of every file of the project that was measured, those that differ first."""
    base, head = ({module.path: module.blob for module in side.modules} for side in (comparison.base, comparison.head))
    paths = sorted(base.keys() | head.keys(), key=lambda path: (base.get(path) == head.get(path), path))
    return tuple((path, base.get(path, ""), head.get(path, "")) for path in paths)


def _speedup(change: Change, statistic: str) -> Markdown:
    """Show how many times less head costs in one statistic; of calls per second, how many times more there are."""
    name = {"ops": "mean"}.get(statistic, statistic)
    return Markdown(figures.times(getattr(change.base, name), getattr(change.head, name)))


def _finished(show: Callable[..., str]) -> Callable[..., Markdown]:
    return lambda *values: Markdown(show(*values))


def _difference(change: Change, statistic: str = "median") -> Markdown:
    return Markdown(figures.difference(getattr(change.head, statistic) - getattr(change.base, statistic), change.unit))


def _faster(ratio: float) -> str:
    """Show a ratio head/base as pyperf does: `1.26x faster`."""
    return f"{figures.times(1, ratio)} faster" if ratio <= 1 else f"{figures.times(ratio, 1)} slower"


def _rate(summary: Summary) -> str:
    return figures.rate(summary.mean)


FILTERS: dict[str, Callable[..., object]] = {
    "code": markdown.code,
    "fenced": markdown.fenced,
    "inline": markdown.inline,
    "prose": markdown.prose,
    "raw": Markdown,
    "sh": shell,
    "seconds": _finished(figures.seconds),
    "size": _finished(figures.size),
    "count": _finished(figures.count),
    "quantity": _finished(figures.quantity),
    "percent": _finished(figures.percent),
    "share": _finished(figures.share),
    "rate": _finished(_rate),
    "speedup": _speedup,
    "change": _finished(
        lambda change: figures.change(change.interval.ratio, change.interval.low, change.interval.high)
    ),
    "interval": _finished(lambda change: figures.interval(change.interval.low, change.interval.high)),
    "control": _finished(lambda change: figures.interval(change.control.low, change.control.high)),
    "again": _finished(lambda each: figures.change(each.found.ratio, each.found.low, each.found.high)),
    "saved": _finished(lambda change: figures.quantity(abs(change.base.median - change.head.median), change.unit)),
    "difference": _difference,
    "ratio": _finished(lambda change: f"{change.interval.ratio:.2f}"),
    "faster": _finished(lambda change: _faster(change.interval.ratio)),
    "faster_by": _finished(_faster),
}
