"""Show a result as Markdown: for the job's summary, the artifact, and the comment on the pull request."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ..artifacts import Change, Load
from ..body.effects import effect
from ..body.placeholders import FILTERS
from ..errors import PrprepError, TemplateError
from ..text import figures, markdown
from ..text.markdown import Markdown
from ..text.templating import fill
from .result import MeasuredBenchmark, Outcome, Result, Settings

LONGEST: Final = 60_000
"""Characters of a comment: GitHub takes 65,536."""
TEMPLATE: Final = "ci.md.j2"
_LONGEST_NAME = 100
_ROWS = (60, 10, 1)
"""Rows of a benchmark's table, and lines to review, fewer if the text gets too long."""
# GitHub makes a link of any address; in a comment of a trusted login that would be an invitation to click.
# Code blocks have no links, and their commands are copied.
_FENCED_OR_LINKED = re.compile(
    r"^(`{3,})\w*\n.*?^\1$|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=[\w.+-])(?=@)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_HEADER = ("Test", "Metric", "Base", "Head", "Effect", "Verdict")


class _View(NamedTuple):
    """A benchmark as the template gets it."""

    name: str
    outcome: Outcome
    why: str
    headline: str
    lead: Change | None
    table: Markdown
    review: tuple[str, ...]
    left_out: int


def summary_of(result: Result, *, is_foreign: bool = False) -> str:
    """Return the Markdown, which is short enough for a comment; the code that a fork names is not repeated."""
    try:
        texts = (_filled(result, rows, is_foreign=is_foreign) for rows in _ROWS)
        text = next((text for text in texts if len(text) <= LONGEST), None)
    except (ArithmeticError, ValueError, TemplateError) as error:  # figures that a stranger made up
        raise PrprepError(f"the figures of this result cannot be shown: {error}") from None
    return text or f"### prprep: {result.outcome}\n\nThe workflow's artifact has the details.\n"


def _filled(result: Result, rows: int, *, is_foreign: bool) -> str:
    views = [_view(each, rows) for each in result.benchmarks]
    has_code = any(each.settings.call or each.settings.function for each in result.benchmarks)
    values = {
        "result": result,
        "benchmarks": views,
        "machines": tuple(dict.fromkeys(filter(None, map(_machine, result.benchmarks)))),
        "commands": "" if is_foreign and has_code else "\n".join(_commands(result)),
        "is_foreign": is_foreign,
    }
    text = markdown.tidy(fill(TEMPLATE, values, filters=FILTERS, finish=markdown.finished))
    return _FENCED_OR_LINKED.sub(lambda match: match[0] or "\u200b", text) + "\n"


def _view(benchmark: MeasuredBenchmark, rows: int) -> _View:
    lead = benchmark.lead
    return _View(
        name=benchmark.name,
        outcome=benchmark.outcome,
        why=benchmark.why,
        headline=benchmark.headline,
        lead=_named(lead) if lead else None,
        table=_table(benchmark.changes[:rows]),
        review=benchmark.review[:rows],
        left_out=sum(max(0, len(each) - rows) for each in (benchmark.changes, benchmark.review)),
    )


def _named(change: Change) -> Change:
    return change.model_copy(update={"test": markdown.shorten(markdown.one_line(change.test), _LONGEST_NAME)})


def _table(changes: Sequence[Change]) -> Markdown:
    rows = (
        (
            markdown.code(_named(change).test),
            change.metric,
            figures.quantity(change.base, change.unit),
            figures.quantity(change.head, change.unit),
            effect(change),
            change.verdict,
        )
        for change in changes
    )
    return markdown.table(_HEADER, rows) if changes else Markdown("")


def _machine(benchmark: MeasuredBenchmark) -> str:
    return "; ".join(filter(None, (benchmark.platform, _load(benchmark.load))))


def _load(load: Load | None) -> str:
    if load is None or load.before is None or load.after is None:
        return ""
    stolen = f"; the hypervisor took {figures.share(load.stolen)} of the time" if load.stolen >= 0.01 else ""
    return f"load {load.before:.1f} before and {load.after:.1f} after measuring{stolen}"


def _commands(result: Result) -> Iterator[str]:
    """Yield shell commands that repeat the comparison in a clone."""
    if result.number:
        yield f"git fetch origin pull/{result.number}/head"
    for each in result.benchmarks:
        yield shlex.join(["prprep", "try", result.base, result.head, *_options(each.settings)])


def _options(settings: Settings) -> Iterator[str]:
    if settings.benchmark:
        yield settings.benchmark
    for name in ("setup", "call", "function"):
        if value := getattr(settings, name):
            yield from (f"--{name}", value)
    if settings.memory:
        yield "--memory"
    if settings.budget is not None:
        yield from ("--budget", f"{settings.budget:g}")
