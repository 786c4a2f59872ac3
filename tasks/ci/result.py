"""The result of a run in CI: all that its summary shows, as data that another workflow can check and show."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from ..artifacts import Change, Comparison, Failure, Load, Scaffolding
from ..body.views import leading_change, tests_of
from ..errors import PrprepError, UnreachedError
from ..manifest.forms import BenchmarkPath, Slug
from ..ref_comparison.manifest import RefComparison
from ..ref_comparison.table import is_compared
from ..staleness import Staleness
from ..storage.artifact import Record
from ..storage.files import read_regular
from ..storage.paths import ItemPaths
from ..text.markdown import one_line, plain, shorten
from .event import Sha, first_mistake

FILE: Final = "result.json"
_LONGEST_LINE, _LONGEST_TEXT, _MOST_BYTES = 400, 2_000, 2_000_000
MOST_BENCHMARKS, _MOST_CHANGES, _MOST_LINES = 50, 500, 30

Line = Annotated[str, AfterValidator(lambda text: shorten(one_line(text), _LONGEST_LINE))]
Text = Annotated[str, AfterValidator(lambda text: shorten(plain(text).strip(), _LONGEST_TEXT))]


class Outcome(StrEnum):
    """The result of a benchmark, the gravest first: that is the outcome of a run with several."""

    FAILED = "failed"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    NOT_MEASURED = "not measured"


class Settings(Record):
    """How a benchmark was named on the command line."""

    benchmark: BenchmarkPath | Literal[""] = ""
    call: Text = ""
    setup: Text = ""
    function: Line = ""
    memory: bool = False
    budget: float | None = None


class MeasuredBenchmark(Record):
    """One benchmark; `why` is the reason of its outcome."""

    name: Line
    settings: Settings
    outcome: Outcome
    why: Text
    headline: Line = ""
    changes: Annotated[tuple[Change, ...], Field(max_length=_MOST_CHANGES)] = ()
    review: Annotated[tuple[Line, ...], Field(max_length=_MOST_LINES)] = ()
    platform: Line = ""
    load: Load | None = None

    @property
    def lead(self) -> Change | None:
        return leading_change(self.changes, self.outcome)

    @model_validator(mode="after")
    def _has_real_costs(self) -> Self:
        for change in self.changes:
            interval = change.interval
            figures = (change.base, change.head, interval.ratio, interval.low, interval.high, change.negligible)
            if any(math.isnan(figure) or figure < 0 for figure in figures) or not 0 < interval.confidence < 1:
                raise ValueError("a cost is no number that can be measured")
        return self


class Result(Record):
    """A run: `number` is the pull request's, None elsewhere; `why` says why it was measured, or not."""

    version: Literal[1] = 1
    repository: Slug | Literal[""]
    number: Annotated[int, Field(gt=0)] | None
    base: Sha
    head: Sha
    why: Line
    benchmarks: Annotated[tuple[MeasuredBenchmark, ...], Field(max_length=MOST_BENCHMARKS)] = ()

    @property
    def outcome(self) -> Outcome:
        outcomes = {each.outcome for each in self.benchmarks}
        return next((outcome for outcome in Outcome if outcome in outcomes), Outcome.NOT_MEASURED)

    @property
    def headline(self) -> str:
        """The headline of the benchmark that decided the outcome, else the reason."""
        decisive = (each for each in self.benchmarks if each.outcome is self.outcome)
        return next((each.headline or one_line(each.why) for each in decisive), self.why)


def read_result(folder: Path) -> Result:
    """Read what another workflow wrote; raise PrprepError for anything that `prprep ci` would not write."""
    path = folder / FILE
    content = read_regular(path)
    if content is None or len(content) > _MOST_BYTES:
        hint = "name the folder that `prprep ci --output FOLDER` wrote"
        raise PrprepError("there is no result of `prprep ci`", where=str(path), hint=hint)
    try:
        return Result.model_validate_json(content)
    except ValidationError as error:
        what = f"this was not written by this version of `prprep ci`: {first_mistake(error)}"
        raise PrprepError(what, where=str(path), hint="use the same version in both workflows") from None


def benchmarks_of(comparison: RefComparison, staleness: Staleness) -> tuple[MeasuredBenchmark, ...]:
    """Return the results of all benchmarks after a run."""
    return tuple(
        _measured(item_id, _settings(settings), staleness) for item_id, (_, settings) in comparison.items.items()
    )


def _measured(item_id: str, settings: Settings, staleness: Staleness) -> MeasuredBenchmark:
    paths = staleness.workspace.paths.item(item_id)
    if not is_compared(staleness, item_id):
        outcome, why = _why_not(item_id, paths, staleness)
        return MeasuredBenchmark(name=_shown(item_id, settings), settings=settings, outcome=outcome, why=why)
    comparison, scaffolding = paths.read(Comparison), paths.read(Scaffolding)
    changes = [
        change.model_copy(update={"test": test.name})
        for test in tests_of(comparison, scaffolding.path)
        for change in test.changes
    ]
    return MeasuredBenchmark(
        name=_shown(scaffolding.path, settings),
        settings=settings,
        outcome=Outcome(comparison.verdict),
        why=comparison.reason,
        headline=comparison.headline,
        changes=tuple(changes[:_MOST_CHANGES]),
        review=comparison.needs_review[:_MOST_LINES],
        platform=comparison.platform,
        load=comparison.load,
    )


def _why_not(item_id: str, paths: ItemPaths, staleness: Staleness) -> tuple[Outcome, str]:
    if staleness.waits(item_id):
        why = "no benchmark was found, and none could be written: name one, or pass an expression with --call"
        return Outcome.NOT_MEASURED, why
    if not paths.failure.exists():
        return Outcome.FAILED, "it did not run to its end"
    failure = Failure.read(paths.failure)
    if failure.kind == UnreachedError.__name__:
        return Outcome.NOT_MEASURED, failure.message
    return Outcome.FAILED, f"{failure.stage} failed: {failure.message}"


def _settings(settings: Any) -> Settings:
    benchmark = settings.get("benchmark", "")
    code = benchmark if isinstance(benchmark, dict) else {}
    return Settings(
        benchmark="" if code else benchmark,
        call=code.get("call", ""),
        setup=code.get("setup", ""),
        function=settings.get("functions", ""),
        memory="memory" in settings.get("metrics", ()),
        budget=settings.get("budget"),
    )


def _shown(otherwise: str, settings: Settings) -> str:
    return settings.benchmark or settings.call or otherwise
