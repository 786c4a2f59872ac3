"""Compute the values that the templates of a body use: placeholders by name, and structured values."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..artifacts import Change, Comparison, FirstCall, Interval, MetricName, Verdict
from ..storage.hashing import sha256
from ..text import figures, markdown
from ..text.markdown import Markdown
from ..text.templating import fill
from . import summary, views
from .claims import CitableEvidence, unproven
from .effects import change_of, effect
from .evidence import Evidence
from .reproduction import reproduction

CPU, MEMORY = "pr-body-cpu.md.j2", "pr-body-memory.md.j2"
_OF_MEMORY = {MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED}
_ARTIFACTS = ("item", "detection", "scaffolding", "injection", "comparison", "codeflash", "verification")
"""What templates get of the evidence as it is."""
LONGEST_REPORT = 40_000
"""Characters of codeflash's report; the body leaves out a longer one, the artifact keeps it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much detail a body has.

    Tests with tables; characters of a benchmark; rows of folded lists and of what is in sight.
    """

    tests: int
    characters: int
    rows: int
    sight: int = 8


FULL = Limits(tests=40, characters=20_000, rows=60)


def template_for(comparison: Comparison) -> str:
    """Return the CPU variant for anything with times, the memory variant for memray's numbers alone."""
    timed = any(change.metric not in _OF_MEMORY for change in comparison.changes)
    return CPU if timed or not comparison.changes else MEMORY


def filled_template(name: str, evidence: Evidence, limits: Limits, templates: Path | None) -> str:
    """Return a body or a section of it; raise TemplateError for an unknown placeholder."""
    return markdown.tidy(_filled(name, _values(evidence, limits, templates), templates)) + "\n"


def _filled(name: str, values: Mapping[str, object], templates: Path | None) -> Markdown:
    return Markdown(fill(name, values, templates, filters=FILTERS, finish=markdown.finished).strip("\n"))


def _values(evidence: Evidence, limits: Limits, templates: Path | None) -> dict[str, object]:
    detection, comparison = evidence.detection, evidence.comparison
    values = _structured(evidence, limits) | {
        "PLATFORM_DESCRIPTION": markdown.escape(comparison.platform),
        "CODEFLASH_COMPARE_FLAGS": Markdown(markdown.one_line(comparison.flags)),
        # Commits by SHA, because branches move.
        "BASE_REF": Markdown(detection.base),
        "HEAD_REF": Markdown(detection.head),
        "RUNNER": Markdown(markdown.one_line(detection.layout.runner)),
        "BENCHMARK_PATH": shell(evidence.scaffolding.path),
    }
    values |= {
        "SUMMARY_BULLETS": _filled("summary.md.j2", values, templates),
        "TECHNICAL_DETAILS": markdown.prose(evidence.item.details or ""),
        "CODEFLASH_COMPARE_OUTPUT": _filled("compare-output.md.j2", values, templates),
        "CHANGELOG_SECTION": _filled("changelog.md.j2", values, templates),
    }
    lines = _filled("test-items.md.j2", values, templates).splitlines()
    items = [Markdown(line.removeprefix("- ")) for line in lines if line.strip()]
    values |= {"TEST_ITEMS": items, **{f"TEST_ITEM_{number}": text for number, text in enumerate(items, 1)}}
    optional = {"TECHNICAL_DETAILS", "CHANGELOG_SECTION", "CODEFLASH_COMPARE_FLAGS"}
    return {name: value for name, value in values.items() if value != "" or name in optional or not name.isupper()}


def _structured(evidence: Evidence, limits: Limits) -> dict[str, object]:
    detection, comparison, report = evidence.detection, evidence.comparison, evidence.codeflash.markdown
    benchmark, tool = evidence.scaffolding.path, detection.benchmark_tool
    return {
        **{name: getattr(evidence, name) for name in _ARTIFACTS},
        **_of_tests(comparison, benchmark, limits),
        **_of_words(evidence),
        "codeflash_markdown": Markdown(report.strip("\n") if len(report) <= LONGEST_REPORT else ""),
        "own_tests": evidence.tests,
        "unseen": views.unseen(detection, comparison),
        "asv": views.asv_rows(comparison, benchmark) if tool == "asv" else (),
        "pyperf": views.pyperf_table(comparison, benchmark) if tool == "pyperf" else None,
        "reproduction": reproduction(evidence),
        "benchmark_text": evidence.benchmark if len(evidence.benchmark) <= limits.characters else "",
        "data_files": [_data_file(path, content, limits) for path, content in sorted(evidence.data.items())],
        "packages": _differing_packages(comparison, own=detection.layout.distribution),
        "modules": _modules(comparison),
        "limits": limits,
    }


def _of_tests(comparison: Comparison, benchmark: str, limits: Limits) -> dict[str, object]:
    """Return the measured tests, what is in sight of them, what the headline says, and whether results are equal."""
    tests, lead = views.tests_of(comparison, benchmark), views.leading(comparison)
    first_calls, claimed = views.first_calls_of(comparison, benchmark), views.claimed_tests(comparison, benchmark)
    in_sight, outputs = views.rows_in_sight(comparison, benchmark), views.outputs_of(comparison, benchmark)
    return {
        "changes": comparison.changes,
        "first_calls": first_calls,
        "cached": [first for first in first_calls if first.is_cached and first.test in claimed],
        "tests": tests,
        "listed": tests[: limits.tests],
        "left_out": max(0, len(tests) - limits.tests),
        "in_sight": in_sight,
        "one_test": len({row.name for row in in_sight}) == 1,
        "leading": lead,
        "lead_name": views.short_name(lead.test, benchmark) if lead else "",
        "several": len(claimed) > 1,
        "primary": [change for change in comparison.changes if change.primary],
        "floor": views.floor_of(comparison),
        "parallel": bool(comparison.parallel),
        "losses": views.losses_of(comparison, benchmark),
        "controlled_any": any(change.control for change in comparison.changes),
        "improved": comparison.verdict == Verdict.IMPROVED,
        "outputs": outputs,
        "returned": views.returned(outputs, comparison),
        "inputs": sum(output.inputs for output in outputs),
        "alone": sum(output.inputs == 1 for output in outputs) if len(outputs) > 1 else 0,
    }


def _of_words(evidence: Evidence) -> dict[str, object]:
    """Return what the manifest, the commits and refs say, and where the changelog entry goes."""
    detection, words, known = evidence.detection, summary.summary_of(evidence), summary.citable(evidence)
    kind, _, path = (detection.changelog or "").partition(" ")
    return {
        # A template's section for the changelog is filled by the body's section of that name.
        "in_template": evidence.item.template != "own" and bool(detection.template_text.strip()),
        "by_person": evidence.item.is_written_by_person,
        "bullets": words.bullets,
        "further_commits": words.further_commits,
        "commit_titles": summary.commit_titles(evidence),
        "base_name": _name_of(detection.base_ref, detection.base, known),
        "head_name": _name_of(detection.head_ref, detection.head, known),
        "changelog": {"kind": kind, "place": path},
        "entry": markdown.one_line(summary.title_of(evidence)),
    }


def _name_of(ref: str, commit: str, known: CitableEvidence) -> str:
    """Return a ref's name, "" if it only repeats the commit or claims what the evidence does not show."""
    return "" if commit.startswith(ref) or any(unproven(re.sub(r"[-_/.]", " ", ref), known)) else ref


def shell(text: str) -> Markdown:
    """Quote `text` as one shell word."""
    return Markdown(shlex.quote(markdown.one_line(text)))


def _data_file(path: str, content: bytes, limits: Limits) -> dict[str, object]:
    """Describe a data file, with its text if it is text and short."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = ""
    shown = text.rstrip("\n") if text.isprintable() or "\n" in text else ""
    return {
        "path": path,
        "size": len(content),
        "sha256": sha256(content),
        "text": shown if len(shown) <= limits.characters // 4 else "",
    }


def _differing_packages(comparison: Comparison, own: str) -> tuple[tuple[str, str, str], ...]:
    """Return name and both versions of every package but the project's `own` that differs between the environments."""
    sides = (comparison.base, comparison.head)
    base, head = ({name: version for name, _, version in (p.partition("==") for p in side.packages)} for side in sides)
    names = sorted(name for name in base.keys() | head.keys() if base.get(name) != head.get(name) and name != own)
    return tuple((name, base.get(name, ""), head.get(name, "")) for name in names)


def _modules(comparison: Comparison) -> tuple[tuple[str, str, str], ...]:
    """Return path and both blobs of every project file that was measured, those that differ first."""
    base, head = ({module.path: module.blob for module in side.modules} for side in (comparison.base, comparison.head))
    paths = sorted(base.keys() | head.keys(), key=lambda path: (base.get(path) == head.get(path), path))
    return tuple((path, base.get(path, ""), head.get(path, "")) for path in paths)


def _per(change: Change) -> Markdown:
    return Markdown(
        "per start" if change.metric in {MetricName.IMPORT, MetricName.START, MetricName.KEPT} else "per call"
    )


def _saving(change: Change) -> Markdown:
    """Format the absolute effect: `3.136 ms saved`, `3.136 ms more`."""
    amount = figures.quantity(abs(change.head - change.base), change.unit)
    return Markdown(f"{amount} {'saved' if change.head < change.base else 'more'}")


def _faster(ratio: float) -> str:
    """Format a ratio head/base like pyperf: `1.26x faster`."""
    return f"{figures.times(1, ratio)} faster" if ratio <= 1 else f"{figures.times(ratio, 1)} slower"


def _interval(interval: Interval) -> str:
    return figures.interval(interval.low, interval.high)


def _spread(change: Change | FirstCall) -> str:
    """Format an interval, or say that there is none."""
    return "no spread" if change.interval.low == change.interval.high else _interval(change.interval)


def _markdown(show: Callable[..., str]) -> Callable[..., Markdown]:
    return lambda *values: Markdown(show(*values))


FILTERS: dict[str, Callable[..., object]] = {
    "code": markdown.code,
    "fenced": markdown.fenced,
    "inline": markdown.inline,
    "raw": Markdown,
    "sh": shell,
    "seconds": _markdown(figures.seconds),
    "rough_seconds": _markdown(figures.rough_seconds),
    "size": _markdown(figures.size),
    "count": _markdown(figures.count),
    "quantity": _markdown(figures.quantity),
    "share": _markdown(figures.share),
    "effect": _markdown(effect),
    "per": _per,
    "saving": _saving,
    "change": _markdown(lambda change: change_of(change.interval)),
    "spread": _markdown(_spread),
    "control": _markdown(lambda change: _interval(change.control)),
    "again": _markdown(lambda repeated: change_of(repeated.found)),
    "ratio": _markdown(lambda change: f"{change.interval.ratio:.2f}"),
    "faster": _markdown(lambda change: _faster(change.interval.ratio)),
    "faster_by": _markdown(_faster),
}
