"""Show comparisons of refs as a table for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from ..artifacts import Comparison, Detection, Scaffolding, optimized_function
from ..bench.heads import changes_between
from ..body.effects import judged_effect
from ..body.views import tests_of
from ..staleness import Staleness
from ..storage.paths import ItemPaths
from ..text import figures
from ..text.markdown import one_line
from ..text.tables import text_table
from .manifest import RefComparison

HEADER = ("Ref", "Test", "Metric", "Base", "Head", "Effect")
BETWEEN_HEADS = ("Ref", "Compared with", "Test", "Effect")
NO_BENCHMARK = "name a test (`FILE.py::test`), pass one with --call, or complete {} and run this again"


def result(comparison: RefComparison, staleness: Staleness, width: int) -> str:
    """Return the table of all heads or benchmarks, and below it what a reader has to know about each."""
    rows: list[tuple[str, ...]] = []
    notes: dict[str, list[str]] = {}
    missing: list[str] = []
    sides = comparison.sides
    several_heads = len(sides.heads) > 1
    for item_id, (head, settings) in comparison.items.items():
        paths = staleness.workspace.paths.item(item_id)
        label = str(head) if len(comparison.benchmarks) == 1 else str(settings["benchmark"])
        if is_compared(staleness, item_id):
            compared = paths.read(Comparison)
            rows += [(label, *row) if several_heads else row for row in _rows(compared, paths)]
            for note in _notes(compared, paths):
                notes.setdefault(note, []).append(label)
        else:
            missing.append(f"{label} was not compared: {_why_not(staleness, item_id, paths)}")
    header = HEADER if several_heads else HEADER[1:]
    shown = [f"base: {sides.base}"] if several_heads else [f"base: {sides.base}", f"head: {sides.heads[0]}"]
    tables = [text_table(header, rows, width), ""] if rows else []
    between = _between_heads(comparison, staleness, width)
    return "\n".join([*shown, "", *tables, *between, *_labelled(notes, len(comparison.items)), *missing])


def _labelled(notes: Mapping[str, Sequence[str]], number: int) -> Iterator[str]:
    """Yield each note once, those of all comparisons first, others with the labels of theirs."""
    yield from (note for note, labels in notes.items() if len(labels) == number)
    yield from (f"{', '.join(labels)}: {note}" for note, labels in notes.items() if len(labels) < number)


def _between_heads(comparison: RefComparison, staleness: Staleness, width: int) -> Iterator[str]:
    """Yield a table of the heads that were timed in the same turns, each compared with those named before it."""
    heads = [(head, paths) for item_id, head in comparison.heads.items() if (paths := _compared(staleness, item_id))]
    rows = [
        (second.name, first.name, change.test.rpartition("::")[2], judged_effect(change))
        for (first, before), (second, after) in combinations(heads, 2)
        for change in changes_between(before, after)
    ]
    if rows:
        yield from ("heads compared with each other:", "", text_table(BETWEEN_HEADS, rows, width), "")


def _compared(staleness: Staleness, item_id: str) -> ItemPaths | None:
    return staleness.workspace.paths.item(item_id) if is_compared(staleness, item_id) else None


def is_compared(staleness: Staleness, item_id: str) -> bool:
    """Return whether there is a comparison, and no stage before it has failed since."""
    is_fresh = staleness.is_fresh("compare", item_id) and not staleness.failed_stage(item_id)
    return is_fresh and staleness.workspace.paths.item(item_id).compare.exists()


def _rows(comparison: Comparison, paths: ItemPaths) -> Iterator[tuple[str, ...]]:
    benchmark = paths.read(Scaffolding).path
    for test in tests_of(comparison, benchmark):
        for change in test.changes:
            costs = (figures.quantity(cost, change.unit) for cost in (change.base, change.head))
            yield test.name, change.metric, *costs, judged_effect(change)


def _notes(comparison: Comparison, paths: ItemPaths) -> Iterator[str]:
    scaffolding, detection = paths.read(Scaffolding), paths.read(Detection)
    written = scaffolding.origin in {"generated", "edited"}
    place = f"{paths.folder / scaffolding.source}" if written else f"{scaffolding.path} ({scaffolding.origin})"
    yield f"benchmark: {place}"
    if target := optimized_function(scaffolding, detection):
        yield f"function: {target}"
    yield f"result: {comparison.verdict}. {one_line(comparison.reason)}"
    yield from (f"to review: {one_line(sentence)}" for sentence in comparison.needs_review)
    yield from (f"note: {one_line(note)}" for note in (*scaffolding.notes, *comparison.notes))
    yield f"samples: {paths.samples}"


def _why_not(staleness: Staleness, item_id: str, paths: ItemPaths) -> str:
    if staleness.waits(item_id):
        scaffolding = paths.read(Scaffolding)
        place = paths.folder / scaffolding.source
        tried = "".join(f"\n  {one_line(note)}" for note in scaffolding.notes)
        return f"no benchmark was found, and none could be written{tried}\n  {NO_BENCHMARK.format(place)}"
    if stage := staleness.failed_stage(item_id):
        return f"{stage} failed (see above)"
    return "it did not run to its end; run this again"
